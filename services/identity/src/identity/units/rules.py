"""Rules for loading units and people: valid input and insertion order. Pure, no I/O.

The table of units has two trees. Authority (隶属) is the tree of parents and determines forwarding, approval
and access; territory (属地) is the division code of GB/T 2260 and determines statistics. 青岛 is directly
below the centre by authority and in 山东 by territory.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.vocabulary import Kind, Level, Role, Stage

ALL_STAGES: tuple[Stage, ...] = tuple(Stage)
_DIVISION_LEVELS = (Level.PROVINCE, Level.CITY, Level.COUNTY)

CENTRE_CODE = "100000"
CORPS_CODE = "660000"
"""新疆生产建设兵团: a code of the education system, not of GB/T 2260."""

CORPS_TERRITORY = "650000"
CORPS_CITY_PREFIX = "6590"
"""The twelve cities of 兵团, 659001–659012: counties of 新疆 by territory, of 兵团 by authority."""

SEPARATELY_PLANNED_CITIES = ("210200", "330200", "350200", "370200", "440300")
"""计划单列市: 大连, 宁波, 厦门, 青岛, 深圳. Their offices are siblings of the provinces' offices."""

PROVINCES_WITHOUT_OFFICE = frozenset({"710000", "810000", "820000"})
"""台湾, 香港, 澳门: the mainland's student-aid administration has no offices there."""

CENTRAL_AUTHORITIES = frozenset(
    {
        "教育部",
        "工业和信息化部",
        "国家民委",
        "公安部",
        "交通运输部",
        "交通运输部（中国民用航空局）",
        "应急管理部",
        "中国科学院",
        "中央统战部",
        "中央办公厅",
        "国家卫生健康委员会",
        "外交部",
        "国家体育总局",
        "中华妇女联合会",
        "共青团中央",
        "中华全国总工会",
        "中国社会科学院",
        "中国地震局",
        "司法部",
        "海关总署",
        "空军装备部",
    }
)
"""Authorities of the 中央部门所属高校, in the spelling of the source.

A list, not a pattern, so that 「上海市 中国科学院」 and 「重庆市教育厅」 do not match; new central bodies are
added manually.
"""

_LABEL = re.compile(r"[A-Za-z0-9_]{1,255}")


class SeedError(ValueError):
    """The data is not a valid tree of units: an unknown parent, a duplicate code, or a code that is not a
    valid path label.
    """


@dataclass(frozen=True, slots=True)
class Division:
    """An administrative division of GB/T 2260; `parent_code` is the next one up by territory."""

    code: str
    name: str
    type: str
    level: Level
    parent_code: str | None


@dataclass(frozen=True, slots=True)
class University:
    """A university: its authority, its location (a division's name) and its level, 本科 or 专科."""

    code: str
    name: str
    authority: str
    location: str
    level: str

    @property
    def centrally_run(self) -> bool:
        """Return whether a central body runs the university, which then is directly below the centre."""
        return self.authority in CENTRAL_AUTHORITIES


@dataclass(frozen=True, slots=True)
class UnitSeed:
    """One unit to load. `code` is its ltree label; `parent_code` is by authority; None only for the centre.

    `region_code` is the territory it lies in; None for the centre, whose territory is the whole country.
    """

    code: str
    parent_code: str | None
    name: str
    short_name: str
    level: Level
    kind: Kind
    stages: tuple[Stage, ...]
    region_code: str | None

    def __post_init__(self) -> None:
        """Raise SeedError for a code that is not an ltree label."""
        if not _LABEL.fullmatch(self.code):
            raise SeedError(f"unit code {self.code!r} is no ltree label")


@dataclass(frozen=True, slots=True)
class PersonSeed:
    """One person to load: an 11-digit mainland mobile number, a name, the unit and the roles held in it."""

    phone: str
    name: str
    unit_code: str
    roles: tuple[Role, ...]


def parse_divisions(lines: Iterable[str]) -> tuple[Division, ...]:
    """Read divisions from CSV lines with the header code,name,type,level,parent_code.

    Raises SeedError for a duplicate code, an unknown level or a parent that is not in the file.
    """
    divisions = tuple(
        Division(
            row["code"], row["name"], row["type"], _division_level(row["level"]), row["parent_code"] or None
        )
        for row in csv.DictReader(lines)
    )
    codes = _unique(division.code for division in divisions)
    for division in divisions:
        if division.parent_code is not None and division.parent_code not in codes:
            raise SeedError(f"division {division.code} has the unknown parent {division.parent_code}")
    return divisions


def parse_universities(lines: Iterable[str]) -> tuple[University, ...]:
    """Read universities from CSV lines with at least the columns code,name,authority,location,level.

    Raises SeedError for a duplicate code.
    """
    universities = tuple(
        University(row["code"], row["name"], row["authority"], row["location"], row["level"])
        for row in csv.DictReader(lines)
    )
    _unique(university.code for university in universities)
    return universities


def authority_parent(division: Division) -> str:
    """Return the code of the parent of a division's office.

    It is the office of the parent territory, except for 计划单列市 and the cities of 兵团.
    """
    if division.parent_code is None or division.code in SEPARATELY_PLANNED_CITIES:
        return CENTRE_CODE
    if division.level == Level.COUNTY and division.code.startswith(CORPS_CITY_PREFIX):
        return CORPS_CODE
    return division.parent_code


def unit_paths(units: Iterable[UnitSeed]) -> dict[str, str]:
    """Return the ltree path of every unit by code, e.g. 370102 → 100000.370000.370100.370102.

    Raises SeedError if a parent does not precede its children or a code is duplicate.
    """
    paths: dict[str, str] = {}
    for unit in units:
        if unit.code in paths:
            raise SeedError(f"unit code {unit.code} is used twice")
        if unit.parent_code is None:
            paths[unit.code] = unit.code
        elif unit.parent_code in paths:
            paths[unit.code] = f"{paths[unit.parent_code]}.{unit.code}"
        else:
            raise SeedError(f"unit {unit.code} comes before its parent {unit.parent_code}, or without it")
    return paths


def wave_sizes(units: Iterable[UnitSeed]) -> list[int]:
    """Return the number of units one, two, … steps below the root: the recipients of each round of
    forwarding.

    Raises SeedError as `unit_paths` does.
    """
    steps = Counter(path.count(".") for path in unit_paths(units).values())
    return [steps[step] for step in range(1, max(steps, default=0) + 1)]


def breadth_first(units: Sequence[UnitSeed]) -> list[UnitSeed]:
    """Return the units ordered by their distance from the root; units of one distance keep their order.

    Raises SeedError for a duplicate code and for units that are not connected to a root.
    """
    _unique(unit.code for unit in units)
    children: dict[str | None, list[UnitSeed]] = {}
    for unit in units:
        children.setdefault(unit.parent_code, []).append(unit)
    # Waves are built from the given list, not parent by parent, so that its order is kept within a wave.
    position: Mapping[str, int] = {unit.code: index for index, unit in enumerate(units)}
    ordered: list[UnitSeed] = []
    wave = children.get(None, [])
    while wave:
        ordered.extend(wave)
        below = (child for unit in wave for child in children.get(unit.code, []))
        wave = sorted(below, key=lambda unit: position[unit.code])
    if len(ordered) != len(units):
        lost = sorted({unit.code for unit in units} - {unit.code for unit in ordered})
        raise SeedError(f"no root reaches {len(lost)} units, the first of them {lost[0]}")
    return ordered


def _division_level(text: str) -> Level:
    if text not in _DIVISION_LEVELS:
        raise SeedError(f"{text!r} is no level of a division")
    return Level(text)


def _unique(codes: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise SeedError(f"code {code} is used twice")
        seen.add(code)
    return seen


_RANK: dict[Level, int] = {level: rank for rank, level in enumerate(Level)}


def may_stand_below(parent: Level, child: Level, kind: Kind) -> bool:
    """Return whether a unit of level `child` may be directly below one of level `parent`.

    A lower level always may; the nutrition department of the same authority may have its level.
    """
    if kind == Kind.NUTRITION:
        return _RANK[child] >= _RANK[parent]
    return _RANK[child] > _RANK[parent]
