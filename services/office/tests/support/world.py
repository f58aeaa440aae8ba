"""Trees of units for tests."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict
from uuid import UUID

from servicekit.ids import new_id

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


@dataclass
class World:
    """Units by code."""

    units: dict[str, UnitRow] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str | None]]) -> "World":
        world = cls()
        for code, parent in pairs:
            world.add(code, parent)
        return world

    def add(self, code: str, parent: str | None, *, status: str = "active") -> None:
        above = None if parent is None else self.units[parent]
        self.units[code] = {
            "id": new_id(),
            "code": code,
            "name": f"{code}学生资助管理中心",
            "short_name": code,
            "level": "county",
            "kind": "student_aid",
            "stages": ["compulsory"],
            "region_code": None,
            "parent_id": None if above is None else above["id"],
            "path": code if above is None else f"{above['path']}.{code}",
            "status": status,
            "version": 1,
        }

    def id(self, code: str) -> str:
        return str(self.units[code]["id"])

    def ref(self, code: str) -> dict[str, str]:
        """The unit as the API shows it in lists."""
        return {"id": self.id(code), "code": code, "name": self.units[code]["name"]}
