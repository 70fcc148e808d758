"""What can be wrong with what a caller hands in. Every message is one line that names the value and the remedy."""


class EngineError(ValueError):
    """Base of the expected refusals of this package; the command line prints the message and exits with 2."""


class BallotError(EngineError):
    """A line or record that is not a ballot."""


class EvidenceError(EngineError):
    """Arrays that are not evidence."""


class FitError(EngineError):
    """An engine that cannot be fitted on this evidence or with these parameters."""
