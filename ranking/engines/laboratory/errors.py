"""What can be wrong with an experiment that somebody asks for."""

from __future__ import annotations

from ranking.engines.errors import EngineError


class LaboratoryError(EngineError):
    """A setting of a simulation that makes no sense; the message is one line and says what to change."""
