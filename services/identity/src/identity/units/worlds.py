"""Directories that the loader can build: the offices of the whole country, or world S. Deterministic.

Divisions and universities are real. Offices are named 「地名＋学生资助管理中心」, the usual name, which
not every office uses. Schools, 中心校 and all people are fictional. Office names repeat where divisions'
names do (鼓楼区, 市中区): the code and the path identify a unit.
"""

from contracts.vocabulary import Kind, Level, Stage
from identity.units.people import centre_staff, unit_staff
from identity.units.rules import (
    ALL_STAGES,
    CENTRE_CODE,
    CORPS_CODE,
    CORPS_TERRITORY,
    PROVINCES_WITHOUT_OFFICE,
    Division,
    PersonSeed,
    SeedError,
    UnitSeed,
    University,
    authority_parent,
    breadth_first,
    unit_paths,
)
from identity.units.sources import divisions, divisions_by_code, universities

__all__ = ["centre_staff", "national_offices", "nutrition_office", "world_s", "world_s_people"]

OFFICE = "学生资助管理中心"

WORLD_S_BRANCHES = ("320000", "370000", CORPS_CODE, "370200", "4132010284", "4142010491")
"""江苏, 山东, 兵团, 青岛, 南京大学, 中国地质大学（武汉）: the centre's direct children in world S."""

UNIVERSITY_DEPARTMENTS = {
    "4132010284": ("文学院", "商学院", "物理学院", "化学化工学院", "计算机学院"),
    "4142010491": ("地球科学学院", "资源学院", "工程学院", "经济管理学院", "计算机学院"),
}

_STAGES_BY_UNIVERSITY_LEVEL: dict[str, tuple[Stage, ...]] = {
    # The source distinguishes only 本科 and 专科; a few 本科 have no doctoral or master's programme.
    "本科": (Stage.UNDERGRADUATE, Stage.MASTER, Stage.DOCTOR),
    "专科": (Stage.HIGHER_VOCATIONAL,),
}


def national_offices() -> list[UnitSeed]:
    """Return every office of the country, parents before children: 3,329 units.

    The centre has 155 direct children: 31 provinces, five 计划单列市, 兵团 and 118 central universities.
    The 333 cities are those five and 328 under provinces. Of the 2,845 counties 45 are under the five, 12
    under 兵团, 105 directly under a province and 2,683 under a province's city. The data has exactly these
    numbers. Special cases:

    - 台湾, 香港 and 澳门 are provinces in the data (34) without an office (31).
    - The 2,845 include the 12 cities of 兵团, which are counties of 新疆 by territory: 新疆's office has 98
      counties of the territory's 110, as 山东's has 15 cities of 16 and 126 counties of 136.
    - 105 counties have no city above them: 85 of the 直辖市 and 20 run by 河南, 湖北 or 海南. Four cities
      (东莞, 中山, 儋州, 嘉峪关) have no counties.
    - 兵团 is organised in 师 and 团. The data does not list them, so only its cities are below it.
    - 兵团 has no code in GB/T 2260; its territory is set to 新疆, 650000.
    """
    units = [_centre()]
    units += [_office(division) for division in divisions() if division.code not in PROVINCES_WITHOUT_OFFICE]
    units.append(_corps())
    units += [_university(university) for university in universities() if university.centrally_run]
    return breadth_first(units)


def world_s() -> list[UnitSeed]:
    """Return the demonstration world by level: the centre and, below it, 6, 60, 265, 464 and 221 units.

    江苏 and 山东 with their cities and counties, 兵团 with its cities, 青岛 with its counties (243 counties
    in all), two universities with five 院系 each; in each county two schools and a 中心校 below the
    first of them.
    """
    offices = national_offices()
    paths = unit_paths(offices)
    branches = {CENTRE_CODE, *WORLD_S_BRANCHES}
    units = [unit for unit in offices if branches.issuperset(paths[unit.code].split(".")[:2])]
    counties = [unit for unit in units if unit.level == Level.COUNTY]
    for number, county in enumerate(counties):
        units += _schools(county, number)
    for code, names in UNIVERSITY_DEPARTMENTS.items():
        university = next(unit for unit in units if unit.code == code)
        units += [_department(university, number, name) for number, name in enumerate(names, start=1)]
    return breadth_first(units)


def world_s_people() -> list[PersonSeed]:
    """Return two people for each unit of world S below the centre, in the order of the units: 2,032."""
    below = [unit for unit in world_s() if unit.parent_code is not None]
    return [person for number, unit in enumerate(below, start=1) for person in unit_staff(unit.code, number)]


def nutrition_office(county_code: str) -> UnitSeed:
    """Return a county's 营养改善计划 office, e.g. N370102 below 370102, for tests; in no world.

    Raises SeedError unless the code is a county's.
    """
    county = divisions_by_code().get(county_code)
    if county is None or county.level != Level.COUNTY:
        raise SeedError(f"{county_code!r} is not a county")
    return UnitSeed(
        code=f"N{county.code}",
        parent_code=county.code,
        name=f"{county.name}学生营养改善计划办公室",
        short_name=f"{county.name}营养办",
        level=Level.COUNTY,
        kind=Kind.NUTRITION,
        stages=(Stage.COMPULSORY,),
        region_code=county.code,
    )


def _centre() -> UnitSeed:
    name = f"全国{OFFICE}"
    return UnitSeed(CENTRE_CODE, None, name, "全国中心", Level.MINISTRY, Kind.STUDENT_AID, ALL_STAGES, None)


def _corps() -> UnitSeed:
    name = f"新疆生产建设兵团{OFFICE}"
    return UnitSeed(
        CORPS_CODE, CENTRE_CODE, name, "兵团", Level.PROVINCE, Kind.STUDENT_AID, ALL_STAGES, CORPS_TERRITORY
    )


def _office(division: Division) -> UnitSeed:
    return UnitSeed(
        code=division.code,
        parent_code=authority_parent(division),
        name=f"{division.name}{OFFICE}",
        short_name=division.name,
        level=division.level,
        kind=Kind.STUDENT_AID,
        stages=ALL_STAGES,
        region_code=division.code,
    )


def _university(university: University) -> UnitSeed:
    return UnitSeed(
        code=university.code,
        parent_code=CENTRE_CODE,
        name=university.name,
        short_name=university.name,
        level=Level.SCHOOL,
        kind=Kind.SCHOOL,
        stages=_STAGES_BY_UNIVERSITY_LEVEL[university.level],
        region_code=_located(university),
    )


def _located(university: University) -> str:
    """Return the city or province of that name; counties are excluded, because their names repeat."""
    found = [
        item.code for item in divisions() if item.name == university.location and item.level != Level.COUNTY
    ]
    if len(found) != 1:
        raise SeedError(f"{university.name} lies in {university.location!r}, which is not one place")
    return found[0]


def _department(university: UnitSeed, number: int, name: str) -> UnitSeed:
    return UnitSeed(
        code=f"D{university.code}{number:02d}",
        parent_code=university.code,
        name=f"{university.name}{name}",
        short_name=name,
        level=Level.DEPARTMENT,
        kind=Kind.DEPARTMENT,
        stages=university.stages,
        region_code=university.region_code,
    )


def _schools(county: UnitSeed, number: int) -> list[UnitSeed]:
    """Return two schools and a 中心校 of the number-th county.

    The first school is a 小学. The second is a 中学, in every third county a 中等职业学校: the country has
    about one of these to two 普通高中. 「助学」 in the names marks them as fictional, so that no real school
    appears in a demonstration.
    """
    place = _full_place(county)
    second: str
    stages: tuple[Stage, ...]
    if number % 3 == 2:
        second, stages = "助学中等职业学校", (Stage.SECONDARY_VOCATIONAL,)
    else:
        second, stages = "助学中学", (Stage.COMPULSORY, Stage.GENERAL_HIGH)
    first = _school(county, 1, place, "助学小学", (Stage.COMPULSORY,))
    return [
        first,
        _school(county, 2, place, second, stages),
        UnitSeed(
            code=f"C{county.code}0001",
            parent_code=first.code,
            name=f"{place}助学中心校",
            short_name="助学中心校",
            level=Level.DEPARTMENT,
            kind=Kind.DEPARTMENT,
            stages=first.stages,
            region_code=county.code,
        ),
    ]


def _school(county: UnitSeed, number: int, place: str, name: str, stages: tuple[Stage, ...]) -> UnitSeed:
    return UnitSeed(
        code=f"S{county.code}{number:04d}",
        parent_code=county.code,
        name=f"{place}{name}",
        short_name=name,
        level=Level.SCHOOL,
        kind=Kind.SCHOOL,
        stages=stages,
        region_code=county.code,
    )


def _full_place(county: UnitSeed) -> str:
    """Return 济南市历下区 or 石河子市: with the city if there is one, because county names repeat."""
    by_code = divisions_by_code()
    division = by_code[county.code]
    above = by_code[division.parent_code] if division.parent_code is not None else None
    return (
        f"{above.name}{division.name}" if above is not None and above.level == Level.CITY else division.name
    )
