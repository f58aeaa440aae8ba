"""Coverage is of the tree as it stood when the notice reached a branch, with the moves since (ADR 0019)."""

from datetime import timedelta

import pytest

from office.addressing.rules import ALL_CHILDREN
from services.office.tests.support.running_office import RunningOffice
from services.office.tests.support.world import SMALL

N = "/api/v1/notices"
INNER = ("370000", "370100", "370102", "370103", "S3701020001", "320000")
"""The units that have units below them, but for the centre."""
EVERYBODY = tuple(code for code, parent in SMALL if parent is not None)


def a_year_later(office: RunningOffice) -> None:
    office.clock.advance(timedelta(days=365))


async def complete(office: RunningOffice) -> str:
    """A notice that every unit has and has signed."""
    notice = await office.published()
    await office.forwarded(notice, *INNER)
    await office.signed(notice, *EVERYBODY)
    return notice


async def counts(
    office: RunningOffice, notice: str, code: str = "100000", *, under: str | None = None
) -> tuple[int, int, int]:
    answer = await office.coverage(notice, code, under=under)
    assert len(answer.missing.items) == answer.total - answer.signed
    return answer.total, answer.delivered, answer.signed


async def by_child(office: RunningOffice, notice: str, code: str) -> dict[str, tuple[int, int]]:
    answer = await office.coverage(notice, under=code)
    return {child.unit.code: (child.total, child.signed) for child in answer.children}


async def test_a_unit_opened_after_a_notice_does_not_lower_its_coverage(office: RunningOffice) -> None:
    notice = await complete(office)
    a_year_later(office)
    await office.open("410000", "100000")
    await office.open("S3701020009", "370102")
    assert await counts(office, notice) == (11, 11, 11)
    assert await counts(office, notice, "370102") == (4, 4, 4)
    # It sees what its parent has forwarded, and may sign: it is not counted for that.
    await office.signed(notice, "S3701020009")
    assert await counts(office, notice) == (11, 11, 11)


async def test_a_unit_that_changes_its_level_keeps_a_notice_to_that_level(office: RunningOffice) -> None:
    office.world.reclassify("370102", "school", office.clock.now())
    await office.deliver(office.world.event("370102"))
    office.clock.advance(timedelta(days=1))
    notice = await office.published(recipients={"reach": "subtree", "levels": ["school"], "onward": False})
    await office.signed(notice, "370102")
    a_year_later(office)
    office.world.reclassify("370102", "county", office.clock.now())
    office.world.reclassify("370103", "school", office.clock.now())
    await office.deliver(office.world.event("370102"), office.world.event("370103"))
    # The one has it and counts. The other has it from now on, and was not owed it.
    assert await counts(office, notice) == (1, 1, 1)
    for code in ("370102", "370103"):
        inbox = (await office.unit(code).get(f"{N}/inbox")).json()
        assert [line["id"] for line in inbox["items"]] == [notice]


async def test_a_unit_does_not_count_for_having_forwarded_what_it_was_not_owed(office: RunningOffice) -> None:
    notice = await office.published()
    a_year_later(office)
    await office.open("410000", "100000")
    await office.open("410100", "410000")
    await office.forwarded(notice, "410000")
    a_year_later(office)
    await office.move("410000", "370000")
    answer = await office.coverage(notice)
    # What stood below it when it forwarded counts, it does not itself.
    assert (answer.total, answer.delivered) == (12, 3)
    assert "410000" not in {row.unit.code for row in answer.missing.items}


async def test_a_unit_opened_after_a_notice_is_not_blocked_where_the_notice_waits(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")
    a_year_later(office)
    await office.open("S3701030009", "370103")
    answer = await office.coverage(notice)
    assert (answer.total, answer.delivered) == (11, 4)
    assert {row.unit.code: row.cut_off for row in answer.blocking.items} == {"320000": 1, "370100": 6}
    assert "S3701030009" not in {row.unit.code for row in answer.missing.items}


async def test_a_unit_opened_before_its_county_forwards_is_delivered_to_and_counts(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000", "370100")
    office.clock.advance(timedelta(days=1))
    await office.open("S3701020009", "370102")
    assert (await office.coverage(notice)).total == 11
    office.clock.advance(timedelta(days=1))
    await office.forwarded(notice, "370102")
    answer = await office.coverage(notice, "370102")
    assert (answer.total, answer.delivered) == (5, 4)
    assert (await office.coverage(notice)).total == 12


async def test_a_unit_opened_before_the_notice_reached_its_branch_counts_as_cut_off(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    office.clock.advance(timedelta(days=1))
    await office.open("S3701020009", "370102")
    assert (await office.coverage(notice)).total == 11
    office.clock.advance(timedelta(days=1))
    await office.forwarded(notice, "370000")
    answer = await office.coverage(notice)
    assert answer.total == 12
    assert {row.unit.code: row.cut_off for row in answer.blocking.items} == {"320000": 1, "370100": 7}


async def test_a_moved_unit_keeps_what_it_signed_and_counts_once(office: RunningOffice) -> None:
    notice = await complete(office)
    a_year_later(office)
    await office.move("S3701030001", "370102")
    await office.move("370102", "320000")
    await office.open("S3701020009", "370102")
    assert await counts(office, notice) == (11, 11, 11)
    # It counts where the notice reached it.
    assert await by_child(office, notice, "100000") == {"320000": (2, 2), "370000": (9, 9)}
    assert await by_child(office, notice, "370100") == {"370102": (4, 4), "370103": (2, 2)}
    assert await counts(office, notice, "370102") == (4, 4, 4)
    answer = await office.unit("S3701030001").get(f"{N}/{notice}")
    assert answer.json()["signature"] is not None


async def test_a_moved_unit_may_still_sign_what_it_had(office: RunningOffice) -> None:
    notice = await office.published("370000")
    await office.forwarded(notice, "370100")
    a_year_later(office)
    await office.move("370103", "320100")
    county = office.unit("370103")
    seen = (await county.get(f"{N}/{notice}")).json()
    assert seen["delivery"]["sender"] == office.world.ref("370100")
    assert [line["id"] for line in (await county.get(f"{N}/inbox")).json()["items"]] == [notice]
    assert (await office.coverage(notice, "370000")).total == 7 - 1 + 1
    await office.signed(notice, "370103")
    assert (await office.coverage(notice, "370000", under="370100")).signed == 1


async def test_a_moved_unit_shows_the_words_of_the_way_the_notice_came(office: RunningOffice) -> None:
    notice = await office.published()
    for code, words in (("370000", "山东的话"), ("320000", "江苏的话"), ("370100", "济南的话")):
        response = await office.unit(code).post(f"{N}/{notice}/forward", json={"cover_text": words})
        assert response.status_code == 201
    a_year_later(office)
    await office.move("370103", "320000")
    seen = (await office.unit("370103").get(f"{N}/{notice}")).json()
    assert [cover["cover_text"] for cover in seen["delivery"]["covers"]] == ["山东的话", "济南的话"]
    lines = (await office.unit("370103").get(f"{N}/inbox")).json()["items"]
    assert [(line["id"], line["cover_text"]) for line in lines] == [(notice, "济南的话")]


async def test_a_unit_that_changes_its_level_shows_the_words_to_its_former_level(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    for level, words in (("county", "给各县的话"), ("city", "给各市的话")):
        office.clock.advance(timedelta(days=1))
        address = {"reach": "children", "levels": [level]}
        body = {"cover_text": words, "recipients": address}
        if level == "city":
            office.world.reclassify("370200", "city", office.clock.now())
            await office.deliver(office.world.event("370200"))
        response = await office.unit("370000").post(f"{N}/{notice}/forward", json=body)
        assert response.status_code == 201, response.text
    a_year_later(office)
    for code in ("370100", "370200"):
        office.world.reclassify(code, "school", office.clock.now())
        await office.deliver(office.world.event(code))
    covers = {}
    for code in ("370100", "370200"):
        seen = (await office.unit(code).get(f"{N}/{notice}")).json()
        covers[code] = [cover["cover_text"] for cover in seen["delivery"]["covers"]]
    assert covers == {"370100": ["给各县的话"], "370200": ["给各县的话", "给各市的话"]}


async def test_a_unit_that_leaves_a_branch_that_waits_waits_with_its_new_parent(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")
    office.clock.advance(timedelta(days=1))
    await office.move("370103", "370200")
    answer = await office.coverage(notice)
    assert answer.total == 11
    assert {row.unit.code: row.cut_off for row in answer.blocking.items} == {
        "320000": 1,
        "370100": 4,
        "370200": 2,
    }
    assert await by_child(office, notice, "370000") == {"370100": (5, 0), "370200": (3, 0)}


async def test_a_unit_that_moves_to_a_branch_the_notice_has_reached_has_it(office: RunningOffice) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000", "370100", "370102")
    office.clock.advance(timedelta(days=1))
    await office.move("S3701030001", "370102")
    answer = await office.coverage(notice, "370102")
    assert (answer.total, answer.delivered) == (5, 4)
    assert (await office.coverage(notice)).total == 11
    await office.signed(notice, "S3701030001")
    assert await by_child(office, notice, "370100") == {"370102": (5, 1), "370103": (1, 0)}


async def test_a_unit_that_has_the_notice_is_not_blocked_in_a_branch_that_waits(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000", "370100", "370102")
    office.clock.advance(timedelta(days=1))
    await office.move("S3701020001", "320100")
    answer = await office.coverage(notice)
    assert answer.total == 11
    # What stands below it waits for it, and not for the branch.
    assert {row.unit.code: row.cut_off for row in answer.blocking.items} == {
        "320000": 1,
        "370103": 1,
        "S3701020001": 1,
    }


async def test_a_unit_that_leaves_the_publisher_before_the_notice_reached_it_is_not_counted(
    office: RunningOffice,
) -> None:
    notice = await office.published("370000")
    office.clock.advance(timedelta(days=1))
    await office.move("370103", "320100")
    answer = await office.coverage(notice, "370000")
    assert (answer.total, answer.blocking.items[0].cut_off) == (6, 4)
    assert (await office.unit("370103").get(f"{N}/{notice}")).status_code == 404


async def test_a_unit_that_comes_from_elsewhere_sees_the_notice_and_is_not_counted(
    office: RunningOffice,
) -> None:
    notice = await office.published("370000")
    office.clock.advance(timedelta(days=1))
    await office.move("320100", "370000")
    assert (await office.unit("320100").get(f"{N}/{notice}")).status_code == 200
    assert (await office.coverage(notice, "370000")).total == 8


async def test_a_closed_unit_counts_if_it_had_signed(office: RunningOffice) -> None:
    notice = await office.published()
    await office.forwarded(notice, *INNER)
    await office.signed(notice, "S3701020001")
    await office.signed(notice, "370200")
    office.clock.advance(timedelta(days=1))
    for code in ("370200", "S3701030001"):
        await office.close(code)
    assert await counts(office, notice) == (10, 10, 2)
    assert await by_child(office, notice, "370000") == {"370100": (6, 1), "370200": (1, 1)}


async def test_what_a_unit_has_read_does_not_count_once_it_has_closed_without_signing(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    await office.forwarded(notice, *INNER)
    for code in ("S3701020001", "S3701030001"):
        assert (await office.unit(code).post(f"{N}/{notice}/read")).status_code == 200
    office.clock.advance(timedelta(days=1))
    await office.close("S3701030001")
    answer = await office.coverage(notice)
    assert (answer.total, answer.read, answer.people.read) == (10, 1, 1)


async def test_units_of_a_merged_unit_keep_the_deadline_by_which_the_notice_reached_them(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000", "370100")
    day = timedelta(days=1)
    await office.insert_dispatch(notice, "370102", 1, ALL_CHILDREN, deadline=office.clock.now() + day)
    office.clock.advance(timedelta(hours=1))
    # The county that takes over forwards later, with more time, and one of the schools has signed before.
    await office.signed(notice, "S3701020001")
    for school in ("S3701020001", "S3701020002"):
        await office.move(school, "370103")
    await office.close("370102")
    await office.insert_dispatch(notice, "370103", 1, ALL_CHILDREN, deadline=office.clock.now() + 5 * day)
    office.clock.advance(2 * day)
    answer = await office.coverage(notice, under="370100")
    # Overdue: the school that has not signed, where the notice reached it. The merged county owes nothing;
    # a school below one of both, which the notice has not reached, waits in the new place.
    assert {one.unit.code: (one.total, one.signed, one.overdue) for one in answer.children} == {
        "370102": (2, 1, 1),
        "370103": (3, 0, 0),
    }
    missing = (await office.unit("100000").get(f"{N}/{notice}/coverage/units?lack=overdue")).json()
    assert [item["unit"]["code"] for item in missing["items"]] == ["S3701020002"]


async def test_a_unit_closed_before_a_notice_does_not_count(office: RunningOffice) -> None:
    await office.close("S3701020002")
    office.clock.advance(timedelta(days=1))
    notice = await office.published()
    await office.forwarded(notice, *INNER)
    assert (await office.coverage(notice)).total == 10


@pytest.mark.parametrize("late", [False, True])
async def test_a_move_counts_from_its_date_and_not_from_when_it_became_known(
    office: RunningOffice, late: bool
) -> None:
    """The event of a move may come after the notice that the unit got at its new place."""
    moved = office.world.move("S3701030001", "370102", office.clock.now())
    events = [office.world.event(code) for code in moved]
    if not late:
        await office.deliver(*events)
    office.clock.advance(timedelta(days=1))
    notice = await office.published()
    await office.forwarded(notice, *(code for code in INNER if late or code != "370103"))
    if late:
        await office.deliver(*events)
    assert await by_child(office, notice, "370100") == {"370102": (5, 0), "370103": (1, 0)}


async def test_a_unit_that_moved_twice_counts_once_in_whatever_order_its_events_come(
    office: RunningOffice,
) -> None:
    notice = await complete(office)
    a_year_later(office)
    first = [office.world.event(code) for code in office.world.move("370103", "370000", office.clock.now())]
    a_year_later(office)
    second = [office.world.event(code) for code in office.world.move("370103", "320000", office.clock.now())]
    await office.deliver(*second, *first)
    assert await counts(office, notice) == (11, 11, 11)
    assert await by_child(office, notice, "370100") == {"370102": (4, 4), "370103": (2, 2)}
    assert (await office.unit("320000").get(f"/api/v1/units/{office.world.id('370103')}")).status_code == 200
