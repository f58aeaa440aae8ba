"""Import every table of Cockpit, so that `Base.metadata` is complete."""

from cockpit.access.models import AccessRefusal
from cockpit.cells.models import Cell, CellCombination, CellLoad, CellNode, CellPersons, PersonNumber
from cockpit.directory.models import FormerPlace, Unit
from cockpit.exports.models import Export, ExportPart, ExportUse
from cockpit.individuals.models import IndividualUse
from cockpit.intake.models import (
    Batch,
    BatchSuccession,
    DiscardedLoad,
    QuarantinedRow,
    RecordTurn,
    RecordVersion,
)
from cockpit.published.models import PublishedBatch, PublishedLine, PublishedTable
from cockpit.pushes.models import PushGrant, PushRecord
from cockpit.standards.models import Standard, StandardChange
from cockpit.uploads.models import Upload, UploadPart
from cockpit.walls.models import WallDisplay

__all__ = [
    "AccessRefusal",
    "Batch",
    "BatchSuccession",
    "Cell",
    "CellCombination",
    "CellLoad",
    "CellNode",
    "CellPersons",
    "DiscardedLoad",
    "Export",
    "ExportPart",
    "ExportUse",
    "FormerPlace",
    "IndividualUse",
    "PersonNumber",
    "PublishedBatch",
    "PublishedLine",
    "PublishedTable",
    "PushGrant",
    "PushRecord",
    "QuarantinedRow",
    "RecordTurn",
    "RecordVersion",
    "Standard",
    "StandardChange",
    "Unit",
    "Upload",
    "UploadPart",
    "WallDisplay",
]
