"""The admin pages of the arena, each defined beside the models it shows."""

from .accounts import admin as accounts
from .ballots import admin as ballots
from .battles import admin as battles
from .catalogue import admin as catalogue
from .flags import admin as flags
from .generation import admin as generation
from .live import admin as live
from .prompts import admin as prompts
from .voters import admin as voters

__all__ = ["accounts", "ballots", "battles", "catalogue", "flags", "generation", "live", "prompts", "voters"]
