"""Loading outputs made elsewhere, from JSON lines or a folder of media: all of them or none."""

from .loading import ImportReport, OutputsRefused, import_outputs
from .records import Problem

__all__ = ["ImportReport", "OutputsRefused", "Problem", "import_outputs"]
