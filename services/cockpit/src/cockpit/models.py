"""Import every table of Cockpit, so that `Base.metadata` is complete."""

from cockpit.access.models import AccessRefusal
from cockpit.cells.models import (
    Cell,
    CellNode,
    CellPersons,
    CountedLoad,
    PersonNumber,
    UncountedLoad,
)
from cockpit.directory.models import Unit
from cockpit.intake.models import Batch, DiscardedLoad, QuarantinedRow
from cockpit.published.models import PublishedBatch, PublishedLine, PublishedTable
from cockpit.uploads.models import Upload, UploadPart

__all__ = [
    "AccessRefusal",
    "Batch",
    "Cell",
    "CellNode",
    "CellPersons",
    "CountedLoad",
    "DiscardedLoad",
    "PersonNumber",
    "PublishedBatch",
    "PublishedLine",
    "PublishedTable",
    "QuarantinedRow",
    "UncountedLoad",
    "Unit",
    "Upload",
    "UploadPart",
]
