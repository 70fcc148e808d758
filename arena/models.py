"""The models of the arena, each defined beside the code that uses it."""

from .accounts.models import User
from .ballots.models import AspectRanks, Ballot, Remark
from .battles.models import Battle, BattleSlot
from .catalogue.models import Arena, Contestant, ContestantRevision
from .flags.models import Flag
from .generation.models import Candidate
from .live.models import Review
from .prompts.models import Prompt
from .voters.models import Voter

__all__ = [
    "Arena",
    "AspectRanks",
    "Ballot",
    "Battle",
    "BattleSlot",
    "Candidate",
    "Contestant",
    "ContestantRevision",
    "Flag",
    "Prompt",
    "Remark",
    "Review",
    "User",
    "Voter",
]
