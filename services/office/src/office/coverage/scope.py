"""The subtree in which a notice is counted."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from office.directory.models import Unit
from office.notices.models import Notice
from servicekit.ltree import beyond, is_under


@dataclass(frozen=True)
class Scope:
    """The counted subtree: that of `unit`, at its present and former `paths`."""

    unit: Unit
    paths: list[str]
    publisher_path: str | None
    """Where the publisher stood when it published the notice; None for a unit that is not replicated yet."""
    special: bool = False
    """Whether a dispatch is not to all units directly below its sender."""
    whole: bool = False
    """Whether the publication addressed all units below the publisher: it has delivered to all of them."""
    all_owed: bool = True
    """Whether all units that stood below the publisher then are owed the notice."""

    archived: bool = False
    """Whether only sums are kept of the receipts."""
    members: tuple[UUID, ...] | None = None
    """If not None, only these units count, at most `groups.rules.MAX_MEMBERS`."""
    changed: bool = True
    """Whether units that stand or stood here may have changed since the publication."""

    @property
    def simple(self) -> bool:
        """Whether all units that count stand where they stood, and are owed the notice."""
        return self.all_owed and not self.changed

    @property
    def cells(self) -> bool:
        """Whether siblings may differ: then they are counted by level, kind and stages."""
        return not self.whole and (self.special or not self.all_owed)

    @property
    def root(self) -> str | None:
        """The path below which units that have not changed count; None if there are none."""
        if self.publisher_path is None:
            return None
        if is_under(self.unit.path, self.publisher_path):
            return self.unit.path
        return self.publisher_path if is_under(self.publisher_path, self.unit.path) else None

    def values(self, notice: Notice) -> dict[str, Any]:
        """Return the parameters of the statements about a published notice in this scope."""
        root = self.root
        return {
            "notice": notice.id,
            "publisher": notice.publisher_id,
            "published_at": notice.published_at,
            "deadline": notice.deadline,
            "unit": self.unit.id,
            "code": self.unit.code,
            "path": self.unit.path,
            "depth": self.unit.path.count(".") + 1,
            "paths": self.paths,
            "publisher_path": self.publisher_path,
            "root": root,
            "beyond": None if root is None else beyond(root),
            "all_owed": self.all_owed,
            "whole": self.whole,
            "members": list(self.members or ()),
        }
