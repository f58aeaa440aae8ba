"""Places of both trees as answers name them, and where maps have them. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from cockpit.cells.rules import COUNTRY, region_path
from cockpit.feeds.values import FLOW_LEVELS
from contracts.vocabulary import Level, Vocabulary

SEPARATELY_PLANNED = ("210200", "330200", "350200", "370200", "440300")
"""大连、宁波、厦门、青岛、深圳: beside the provinces by authority, inside them on a map."""
CORPS = "660000"
"""新疆生产建设兵团: a code of the education system, without an area of its own on maps."""

_FLOW_LEVELS: Sequence[str] = list(FLOW_LEVELS)
_RANKS: Mapping[str, int] = {
    Level.MINISTRY: 0,
    Level.PROVINCE: 1,
    Level.CITY: 2,
    Level.COUNTY: 3,
    Level.SCHOOL: 4,
    Level.DEPARTMENT: 5,
}


class Mark(Vocabulary):
    """What a page must show apart from its neighbours."""

    SEPARATELY_PLANNED = "separately_planned", "计划单列市"
    CORPS = "corps", "新疆生产建设兵团"
    SCHOOL = "school", "直属学校"
    MOVED = "moved", "已调整隶属或撤销"


@dataclass(frozen=True)
class Place:
    """A unit, or a region of the territory. `level` is that of the administration."""

    code: str
    name: str
    level: str
    unit_id: UUID | None = None
    region_code: str | None = None
    mark: Mark | None = None

    @property
    def school(self) -> bool:
        """Return whether it has the cells of a school, which are fewer."""
        return self.level in (Level.SCHOOL, Level.DEPARTMENT)

    @property
    def map_code(self) -> str | None:
        """Return the code of its area on maps (GB/T 2260), None if it has none."""
        return None if self.mark is Mark.CORPS or self.school else self.region_code

    @property
    def province_code(self) -> str | None:
        """Return the code of the province that its area lies in."""
        code = self.region_code
        return None if code is None or code == COUNTRY else f"{code[:2]}0000"

    @property
    def levels_above(self) -> frozenset[str]:
        """Return the levels from which money enters it; for the whole country, the centre itself."""
        return frozenset(_FLOW_LEVELS[: max(1, _RANKS.get(self.level, 0))])


def mark_of(code: str, level: str) -> Mark | None:
    """Return the mark of a unit among its neighbours."""
    if code == CORPS:
        return Mark.CORPS
    if code in SEPARATELY_PLANNED:
        return Mark.SEPARATELY_PLANNED
    return Mark.SCHOOL if level == Level.SCHOOL else None


def region(code: str, name: str, unit_id: UUID | None = None) -> Place:
    """Return a region as a place."""
    if code == COUNTRY:
        level = Level.MINISTRY
    elif code.endswith("0000"):
        level = Level.PROVINCE
    else:
        level = Level.CITY if code.endswith("00") else Level.COUNTY
    mark = Mark.SEPARATELY_PLANNED if code in SEPARATELY_PLANNED else None
    return Place(code, name, level, unit_id, code, mark)


def is_region(code: str) -> bool:
    """Return whether a text has the form of a code of GB/T 2260, or is that of the country."""
    return len(code) == 6 and code.isascii() and code.isdigit() and (code == COUNTRY or code[:2] >= "11")


def region_within(code: str, above: str) -> bool:
    """Return whether a region is another or lies in it."""
    path, upper = region_path(code), region_path(above)
    return path == upper or path.startswith(f"{upper}.")


def is_territory(code: str, level: str, above: Iterable[str | None]) -> bool:
    """Return whether a region is that of an office of this level, below offices in the regions `above`."""
    return _RANKS[region(code, "").level] >= _RANKS.get(level, 0) and all(
        upper is None or region_within(code, upper) for upper in above
    )
