"""The loader's pure part: what stands in each world, counted against the published numbers."""

import re
from collections import Counter
from collections.abc import Callable

import phonenumbers
import pytest

from contracts.vocabulary import Level
from identity.units import people, rules, worlds
from identity.units.rules import CENTRE_CODE, CORPS_CODE, SeedError, UnitSeed
from identity.units.sources import divisions, divisions_by_code, universities

WORLDS = [worlds.national_offices, worlds.world_s]
both_worlds = pytest.mark.parametrize("build", WORLDS)
Build = Callable[[], list[UnitSeed]]


def by_code(units: list[UnitSeed]) -> dict[str, UnitSeed]:
    return {unit.code: unit for unit in units}


# --- either world --------------------


@both_worlds
def test_codes_are_unique_and_every_parent_comes_before_its_children(build: Build) -> None:
    seen: set[str] = set()
    for unit in build():
        assert unit.code not in seen
        assert unit.parent_code is None or unit.parent_code in seen
        seen.add(unit.code)


@both_worlds
def test_the_centre_comes_first_and_is_the_only_root(build: Build) -> None:
    units = build()
    assert [unit.code for unit in units if unit.parent_code is None] == [CENTRE_CODE]
    assert (units[0].code, units[0].name, units[0].level) == (CENTRE_CODE, "全国学生资助管理中心", "ministry")


@both_worlds
def test_paths_are_ltree_and_end_in_the_units_code(build: Build) -> None:
    units = build()
    paths = rules.unit_paths(units)
    assert len(set(paths.values())) == len(units)
    for unit in units:
        assert re.fullmatch(r"100000(\.[A-Za-z0-9_]+)*", paths[unit.code])
        assert paths[unit.code].split(".")[-1] == unit.code
        if unit.parent_code is not None:
            assert paths[unit.code] == f"{paths[unit.parent_code]}.{unit.code}"


@both_worlds
def test_waves_are_laid_out_one_after_the_other(build: Build) -> None:
    units = build()
    paths = rules.unit_paths(units)
    depths = [paths[unit.code].count(".") for unit in units]
    assert depths == sorted(depths)


@both_worlds
def test_every_unit_but_the_centre_lies_in_a_known_division(build: Build) -> None:
    known = divisions_by_code()
    for unit in build():
        assert unit.region_code is None if unit.code == CENTRE_CODE else unit.region_code in known


@both_worlds
def test_levels_go_down_the_tree(build: Build) -> None:
    rank = {level: index for index, level in enumerate(Level)}
    units = by_code(build())
    for unit in units.values():
        if unit.parent_code is not None:
            assert rank[units[unit.parent_code].level] < rank[unit.level]


@both_worlds
def test_stages_are_never_wider_than_the_units_above(build: Build) -> None:
    units = by_code(build())
    for unit in units.values():
        assert unit.stages
        assert len(set(unit.stages)) == len(unit.stages)
        if unit.kind == "student_aid":
            assert unit.stages == rules.ALL_STAGES
        if unit.parent_code is not None:
            assert set(unit.stages) <= set(units[unit.parent_code].stages)


@both_worlds
def test_building_twice_gives_the_same_list(build: Build) -> None:
    assert build() == build()


# --- the whole country --------------------


def test_the_centre_has_155_direct_children() -> None:
    units = worlds.national_offices()
    direct = [unit for unit in units if unit.parent_code == CENTRE_CODE]
    assert Counter(unit.level for unit in direct) == {"province": 32, "city": 5, "school": 118}
    assert len(direct) == 31 + 5 + 1 + 118 == 155


def test_333_cities_of_which_five_stand_directly_under_the_centre() -> None:
    units = by_code(worlds.national_offices())
    cities = [unit for unit in units.values() if unit.level == "city"]
    assert len(cities) == 333
    assert sum(units[unit.parent_code or ""].level == "province" for unit in cities) == 328
    direct = {unit.name for unit in cities if unit.parent_code == CENTRE_CODE}
    assert direct == {f"{city}市学生资助管理中心" for city in ("大连", "宁波", "厦门", "青岛", "深圳")}


def test_2845_counties_of_which_45_under_the_five_cities() -> None:
    units = by_code(worlds.national_offices())
    counties = [unit for unit in units.values() if unit.level == "county"]
    assert len(counties) == 2_845
    above = Counter(unit.parent_code or "" for unit in counties)
    assert {city: above[city] for city in rules.SEPARATELY_PLANNED_CITIES} == {
        "210200": 10,
        "330200": 10,
        "350200": 6,
        "370200": 10,
        "440300": 9,
    }
    assert above[CORPS_CODE] == 12
    under_provinces = sum(count for code, count in above.items() if units[code].level == "province")
    assert under_provinces - above[CORPS_CODE] == 105
    assert sum(above[code] for code in ("110000", "120000", "310000", "500000")) == 85
    assert len(counties) - under_provinces - 45 == 2_683


def test_the_country_has_3329_offices() -> None:
    units = worlds.national_offices()
    assert len(units) == 1 + 155 + 328 + 2_845
    assert rules.wave_sizes(units) == [155, 328 + 105 + 45 + 12, 2_683]


def test_each_office_keeps_the_territory_of_its_division() -> None:
    for unit in worlds.national_offices():
        if unit.code in divisions_by_code():
            assert unit.region_code == unit.code


def test_qingdao_is_in_shandong_by_territory_and_not_by_authority() -> None:
    units = worlds.national_offices()
    qingdao = by_code(units)["370200"]
    assert qingdao.region_code == "370200"
    assert divisions_by_code()["370200"].parent_code == "370000"
    paths = rules.unit_paths(units)
    assert paths["370200"] == "100000.370200"
    assert paths["370202"] == "100000.370200.370202"
    assert paths["370102"] == "100000.370000.370100.370102"


def test_the_cities_of_the_corps_are_in_xinjiang_by_territory_and_not_by_authority() -> None:
    units = by_code(worlds.national_offices())
    assert units[CORPS_CODE].name == "新疆生产建设兵团学生资助管理中心"
    assert (units[CORPS_CODE].level, units[CORPS_CODE].region_code) == ("province", "650000")
    below = [unit for unit in units.values() if unit.parent_code == CORPS_CODE]
    assert [unit.code for unit in below] == [str(code) for code in range(659_001, 659_013)]
    for unit in below:
        assert unit.region_code == unit.code
        assert divisions_by_code()[unit.code].parent_code == "650000"


def test_taiwan_hong_kong_and_macao_have_no_offices() -> None:
    codes = set(by_code(worlds.national_offices()))
    assert not codes & rules.PROVINCES_WITHOUT_OFFICE
    left_out = {division.code for division in divisions()} - codes
    assert left_out == {"710000", "810000", "820000"}


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("370000", "山东省学生资助管理中心"),
        ("370100", "济南市学生资助管理中心"),
        ("370102", "历下区学生资助管理中心"),
        ("150000", "内蒙古自治区学生资助管理中心"),
        ("4132010284", "南京大学"),
    ],
)
def test_offices_are_named_after_their_place_and_universities_keep_their_names(code: str, name: str) -> None:
    assert by_code(worlds.national_offices())[code].name == name


def test_who_runs_a_university_is_either_a_central_body_or_begins_with_a_provinces_name() -> None:
    provinces = {division.name[:2] for division in divisions() if division.level == "province"}
    for university in universities():
        assert university.centrally_run != (university.authority[:2] in provinces), university
    assert {item.authority for item in universities() if item.centrally_run} == rules.CENTRAL_AUTHORITIES


def test_universities_lie_where_the_data_says() -> None:
    units = by_code(worlds.national_offices())
    assert units["4132010284"].region_code == "320100"
    assert units["4142010491"].region_code == "420100"
    assert units["4111010001"].region_code == "110000"
    assert units["4121010141"].region_code == "210200"
    for unit in units.values():
        if unit.level == "school":
            assert (unit.region_code or "")[:2] == unit.code[2:4]


def test_colleges_teach_higher_vocational_and_universities_up_to_the_doctorate() -> None:
    units = by_code(worlds.national_offices())
    assert units["4131014394"].stages == ("higher_vocational",)
    assert units["4111010001"].stages == ("undergraduate", "master", "doctor")


# --- world S --------------------


def test_world_s_has_1017_units_reached_in_five_waves() -> None:
    units = worlds.world_s()
    assert len(units) == 1_017
    assert rules.wave_sizes(units) == [6, 60, 265, 464, 221]


def test_world_s_is_made_of_the_parts_agreed() -> None:
    units = by_code(worlds.world_s())
    direct = {code for code, unit in units.items() if unit.parent_code == CENTRE_CODE}
    assert direct == set(worlds.WORLD_S_BRANCHES)
    cities = Counter(unit.parent_code for unit in units.values() if unit.level == "city")
    assert cities == {CENTRE_CODE: 1, "320000": 13, "370000": 15}
    counties = [unit for unit in units.values() if unit.level == "county"]
    branch = Counter(rules.unit_paths(units.values())[unit.code].split(".")[1] for unit in counties)
    assert branch == {"320000": 95, "370000": 126, "370200": 10, CORPS_CODE: 12}
    assert Counter(unit.kind for unit in units.values()) == {
        "student_aid": 1 + 4 + 28 + 243,
        "school": 2 + 486,
        "department": 243 + 10,
    }


def test_each_branch_of_world_s_has_the_people_the_story_counts() -> None:
    paths = rules.unit_paths(worlds.world_s())
    people_by_branch = Counter(paths[person.unit_code].split(".")[1] for person in worlds.world_s_people())
    universities_of_s = people_by_branch.pop("4132010284") + people_by_branch.pop("4142010491")
    assert people_by_branch == {"320000": 788, "370000": 1_040, "370200": 82, CORPS_CODE: 98}
    assert universities_of_s == 24


def test_each_county_of_world_s_has_two_schools_and_a_zhongxinxiao_under_the_first() -> None:
    units = worlds.world_s()
    for county in (unit for unit in units if unit.level == "county"):
        schools = [unit.code for unit in units if unit.parent_code == county.code]
        assert schools == [f"S{county.code}0001", f"S{county.code}0002"]
        assert [unit.code for unit in units if unit.parent_code in schools] == [f"C{county.code}0001"]


def test_each_university_of_world_s_has_five_departments() -> None:
    units = worlds.world_s()
    for code in ("4132010284", "4142010491"):
        below = [unit for unit in units if unit.parent_code == code]
        assert [unit.code for unit in below] == [f"D{code}{number:02d}" for number in range(1, 6)]
        assert {unit.level for unit in below} == {"department"}


def test_schools_of_world_s_cover_the_stages_of_schools() -> None:
    schools = [unit for unit in worlds.world_s() if unit.code.startswith("S")]
    kinds = Counter(unit.stages for unit in schools)
    assert kinds == {
        ("compulsory",): 243,
        ("compulsory", "general_high"): 162,
        ("secondary_vocational",): 81,
    }


def test_school_names_do_not_repeat_although_county_names_do() -> None:
    units = worlds.world_s()
    made_up = [unit.name for unit in units if unit.level in ("school", "department")]
    assert len(set(made_up)) == len(made_up)
    assert by_code(units)["S3201060001"].name == "南京市鼓楼区助学小学"
    assert by_code(units)["S6590010002"].name.startswith("石河子市助学")
    assert sum(unit.name == "鼓楼区学生资助管理中心" for unit in units) == 2


# --- people --------------------


def test_world_s_has_two_people_for_each_unit_below_the_centre() -> None:
    staff = worlds.world_s_people()
    assert len(staff) == 2_032
    held: dict[str, list[tuple[str, ...]]] = {}
    for person in staff:
        held.setdefault(person.unit_code, []).append(person.roles)
    assert list(held) == [unit.code for unit in worlds.world_s()[1:]]
    assert all(roles == [("unit_admin", "approver"), ("handler",)] for roles in held.values())


def test_the_centre_has_an_administrator_who_signs_off_a_handler_and_a_reviewer() -> None:
    staff = worlds.centre_staff()
    assert [person.roles for person in staff] == [("unit_admin", "approver"), ("handler",), ("reviewer",)]
    assert {person.unit_code for person in staff} == {CENTRE_CODE}


def test_phones_and_names_are_unique_and_every_phone_is_a_valid_mobile_number() -> None:
    staff = worlds.centre_staff() + worlds.world_s_people()
    assert len({person.phone for person in staff}) == len({person.name for person in staff}) == 2_035
    for person in staff:
        number = phonenumbers.parse(person.phone, "CN")
        assert re.fullmatch(r"1990000\d{4}", person.phone)
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
        assert re.fullmatch(r"[\u4e00-\u9fff]{3}", person.name)


def test_people_are_the_same_every_time() -> None:
    assert worlds.world_s_people() == worlds.world_s_people()
    assert worlds.world_s_people()[0].phone == "19900001001"


@pytest.mark.parametrize("number", [0, -1, people.MAX_UNIT_NUMBER + 1])
def test_a_unit_number_without_phones_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        people.unit_staff("370102", number)


def test_the_last_unit_number_still_has_valid_phones() -> None:
    for person in people.unit_staff("370102", people.MAX_UNIT_NUMBER):
        assert phonenumbers.is_valid_number(phonenumbers.parse(person.phone, "CN"))


# --- a nutrition office --------------------


def test_a_nutrition_office_stands_at_its_county_and_in_no_world() -> None:
    seed = worlds.nutrition_office("370102")
    assert (seed.code, seed.parent_code, seed.region_code) == ("N370102", "370102", "370102")
    assert (seed.level, seed.kind) == ("county", "nutrition")
    assert all(unit.kind != "nutrition" for build in WORLDS for unit in build())
    assert rules.unit_paths([*worlds.world_s(), seed])["N370102"] == "100000.370000.370100.370102.N370102"


@pytest.mark.parametrize("code", ["370100", "370000", "999999", "", "N370102"])
def test_only_a_county_has_a_nutrition_office(code: str) -> None:
    with pytest.raises(SeedError, match="not a county"):
        worlds.nutrition_office(code)
