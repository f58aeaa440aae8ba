"""Trees of units for tests."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NotRequired, TypedDict
from uuid import UUID

from contracts.identity import UnitChangedV1, UnitPlace
from servicekit.ids import new_id

EVER = datetime(2000, 1, 1, tzinfo=UTC)

SMALL = (
    ("100000", None),
    ("320000", "100000"),
    ("370000", "100000"),
    ("320100", "320000"),
    ("370100", "370000"),
    ("370200", "370000"),
    ("370102", "370100"),
    ("370103", "370100"),
    ("S3701020001", "370102"),
    ("S3701020002", "370102"),
    ("S3701030001", "370103"),
    ("D3701020001", "S3701020001"),
)
"""Two provinces; one city of 山东 with two counties, three schools and a 中心校."""


class UnitRow(TypedDict):
    """A row of `units`."""

    id: UUID
    code: str
    name: str
    short_name: str
    level: str
    kind: str
    stages: list[str]
    region_code: str | None
    parent_id: UUID | None
    path: str
    status: str
    version: int
    placed_at: datetime | None
    duty_phone: NotRequired[str | None]
    address: NotRequired[str | None]


@dataclass
class World:
    """Units by code, and where they stood before."""

    units: dict[str, UnitRow] = field(default_factory=dict)
    former: dict[str, list[UnitPlace]] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str | None]]) -> "World":
        world = cls()
        for code, parent in pairs:
            world.add(code, parent)
        return world

    def add(
        self,
        code: str,
        parent: str | None,
        *,
        status: str = "active",
        since: datetime | None = None,
        level: str = "county",
    ) -> None:
        """Open a unit; `since` None: it has been there for as long as is known."""
        above = None if parent is None else self.units[parent]
        self.units[code] = {
            "id": new_id(),
            "code": code,
            "name": f"{code}学生资助管理中心",
            "short_name": code,
            "level": level,
            "kind": "student_aid",
            "stages": ["compulsory"],
            "region_code": None,
            "parent_id": None if above is None else above["id"],
            "path": code if above is None else f"{above['path']}.{code}",
            "status": status,
            "version": 1,
            "placed_at": since,
        }
        self.former[code] = []

    def move(self, code: str, parent: str, at: datetime) -> list[str]:
        """Move a unit, and what is below it; the codes of all that have moved."""
        before, above = self.units[code]["path"], self.units[parent]["path"]
        assert not f"{above}.".startswith(f"{before}."), "a unit cannot stand below itself"
        moved = [other for other, unit in self.units.items() if f"{unit['path']}.".startswith(f"{before}.")]
        for other in moved:
            self._leave(other, at)
            rest = self.units[other]["path"].removeprefix(before)
            self.units[other]["path"] = f"{above}.{code}{rest}"
        self.units[code]["parent_id"] = self.units[parent]["id"]
        return moved

    def close(self, code: str, at: datetime) -> None:
        self._leave(code, at)
        self.units[code]["status"] = "closed"

    def reclassify(self, code: str, level: str, at: datetime) -> None:
        self._leave(code, at)
        self.units[code]["level"] = level

    def _leave(self, code: str, at: datetime) -> None:
        unit = self.units[code]
        if unit["placed_at"] != at:
            self.former[code].append(
                UnitPlace(
                    parent_id=unit["parent_id"],
                    path=unit["path"],
                    status=unit["status"],
                    valid_from=unit["placed_at"] or EVER,
                    valid_to=at,
                    level=unit["level"],
                    kind=unit["kind"],
                    stages=unit["stages"],
                )
            )
        unit["placed_at"] = at
        unit["version"] += 1

    def event(self, code: str) -> UnitChangedV1:
        """The unit as Identity publishes it."""
        unit = self.units[code]
        return UnitChangedV1.model_validate(
            {**unit, "unit_id": unit["id"], "former_places": self.former[code]}
        )

    def id(self, code: str) -> str:
        return str(self.units[code]["id"])

    def ref(self, code: str) -> dict[str, str]:
        """The unit as the API shows it in lists."""
        return {"id": self.id(code), "code": code, "name": self.units[code]["name"]}
