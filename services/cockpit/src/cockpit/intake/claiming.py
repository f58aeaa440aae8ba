"""The beginning of a batch: what the caller says about a file."""

from dataclasses import dataclass
from uuid import UUID

from cockpit.feeds import personal
from cockpit.feeds.declarations import FeedName
from cockpit.intake import files
from cockpit.intake.errors import BatchKeyRequired, PersonalNumber


@dataclass(frozen=True)
class NewBatch:
    """The caller's description of a file.

    `batch_id` or `key`, one of which is required, identifies the batch of a repeated upload.
    """

    feed: FeedName
    unit: UUID | None
    source: str
    batch_id: UUID | None
    key: str | None
    kind: files.FileKind

    def check(self) -> None:
        """Raise `BatchKeyRequired` or `PersonalNumber` unless the description may be kept."""
        if self.batch_id is None and self.key is None:
            raise BatchKeyRequired
        if any(personal.find(text) for text in (self.source, self.key or "")):
            raise PersonalNumber
