"""Import every table of Cockpit, so that `Base.metadata` is complete."""

from cockpit.access.models import AccessRefusal
from cockpit.directory.models import Unit
from cockpit.intake.models import Batch, DiscardedLoad, QuarantinedRow

__all__ = ["AccessRefusal", "Batch", "DiscardedLoad", "QuarantinedRow", "Unit"]
