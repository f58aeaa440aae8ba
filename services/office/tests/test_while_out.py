"""What happens to notices at the border: of their scope, of their deadline, of their life, of the tree."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from pydantic import JsonValue

from office.reminders.jobs import Reminding
from services.office.tests.support.running_office import RunningOffice, a_draft
from services.office.tests.test_answers import answered, asked, save, submit
from services.office.tests.test_files import N, code_of
from services.office.tests.test_reminders import reminded

DEADLINE = "2023-05-08T17:30:00+08:00"
UNTIL_DEADLINE = timedelta(days=11, hours=8, minutes=30)


async def statuses(office: RunningOffice, path: str, *codes: str) -> dict[str, int]:
    return {code: (await office.unit(code).get(path)).status_code for code in codes}


async def tasks_of(office: RunningOffice, code: str) -> list[str]:
    listed = (await office.unit(code).get("/api/v1/tasks")).json()["items"]
    return [task["subject"] for task in listed]


async def test_an_announcement_is_public_inside_its_scope_only(office: RunningOffice) -> None:
    notice = await office.published("370000", kind="announcement", recipients={"reach": "subtree"})
    found = await statuses(
        office, f"{N}/{notice}", "370000", "370100", "370102", "S3701020001", "320000", "100000"
    )
    assert found == {
        **dict.fromkeys(("370000", "370100", "370102", "S3701020001"), 200),
        **dict.fromkeys(("320000", "100000"), 404),
    }
    # Everybody there, whatever they may do with notices.
    member = office.unit("370102", "member")
    assert (await member.get(f"{N}/{notice}")).status_code == 200
    assert (await member.post(f"{N}/{notice}/read")).status_code == 200
    # A unit that comes into the scope later has it, too.
    await office.open("370300", "370000")
    assert await statuses(office, f"{N}/{notice}", "370300") == {"370300": 200}


async def test_a_chain_of_replaced_notices_is_shown_both_ways(office: RunningOffice) -> None:
    client = office.unit("100000")
    everybody: JsonValue = {"reach": "subtree"}
    first = await office.published(title="第一版", recipients=everybody)
    second = await office.published(title="第二版", supersedes_id=first, recipients=everybody)
    # The last one goes to one province only.
    some: JsonValue = {"reach": "picked", "units": [office.world.id("370000")]}
    third = await office.published(title="第三版", supersedes_id=second, recipients=some)

    async def chain(code: str, notice: str) -> list[tuple[str, str, bool] | None]:
        shown = (await office.unit(code).get(f"{N}/{notice}")).json()
        related = [shown["replaces"], shown["replaced_by"]]
        return [one and (one["id"], one["title"], one["received"]) for one in related]

    one, two, three = (first, "第一版"), (second, "第二版"), (third, "第三版")
    for code in ("100000", "370000"):
        assert await chain(code, first) == [None, (*two, True)]
        assert await chain(code, second) == [(*one, True), (*three, True)]
        assert await chain(code, third) == [(*two, True), None]
    # Who does not have the newest one learns of it, and that it is not there to be opened.
    assert await chain("320000", second) == [(*one, True), (*three, False)]
    assert (await office.unit("320000").get(f"{N}/{third}")).status_code == 404
    numbers = (await client.get(f"{N}/{second}")).json()
    assert numbers["replaced_by"]["document_number"].endswith("3号")


async def test_answers_returns_and_reads_race_a_withdrawal(
    office: RunningOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each came before it, or was refused."""
    now = office.clock.now()
    ticks = count(1)
    monkeypatch.setattr(office.clock, "now", lambda: now + timedelta(microseconds=next(ticks)))
    for _ in range(4):
        notice = await asked(office)
        answers = await asyncio.gather(
            submit(office, "370000", notice, people=1),
            office.unit("320000").post(f"{N}/{notice}/returns", json={"reason": "不属于本省"}),
            office.unit("100000").post(f"{N}/{notice}/withdraw", json={"reason": "内容有误"}),
            office.unit("370100").post(f"{N}/{notice}/read"),
            submit(office, "370102", notice, people=2),
        )
        assert answers[2].status_code == 200, answers[2].text
        withdrawn = answers[2].json()["withdrawn_at"]
        for answer, field in zip(
            (*answers[:2], *answers[3:]),
            ("submitted_at", "returned_at", "read_at", "submitted_at"),
            strict=True,
        ):
            if answer.status_code < 300:
                assert answer.json()[field] <= withdrawn
            else:
                assert code_of(answer) == (409, "notice_withdrawn")


@pytest.mark.parametrize(("after", "late"), [(0.0, False), (0.999, False), (1.0, True)])
async def test_an_answer_in_the_second_of_the_deadline_is_in_time(
    office: RunningOffice, after: float, late: bool
) -> None:
    notice = await asked(office, deadline=DEADLINE, deadline_workdays=None)
    await answered(office, "320000", notice, people=1)
    office.clock.advance(UNTIL_DEADLINE + timedelta(seconds=after))
    first = await submit(office, "370000", notice, people=2)
    assert (first.status_code, first.json()["late"]) == (200, late)
    # A submitted answer can be changed until the same moment.
    changed = await save(office, "320000", notice, 1, people=3)
    assert changed.status_code == (409 if late else 200)


async def test_a_unit_that_closes_while_a_notice_is_out_owes_nothing_more(office: RunningOffice) -> None:
    notice = await office.published(recipients={"reach": "subtree"})
    before = await office.unit("100000").get(f"{N}/{notice}/reminders/preview")
    await office.close("370200")
    for act in ("sign", "read"):
        refused = await office.unit("370200").post(f"{N}/{notice}/{act}")
        assert code_of(refused) == (403, "unit_inactive")
    path = f"{N}/{notice}/units/{office.world.id('370200')}/sign"
    for_it = await office.unit("370000").post(path, json={"reason": "单位已撤销"})
    assert code_of(for_it) == (403, "out_of_reach")
    after = await office.unit("100000").get(f"{N}/{notice}/reminders/preview")
    assert after.json()["unsigned"] == before.json()["unsigned"] - 1
    assert (await reminded(office, notice))["unsigned"] == after.json()["unsigned"]


async def test_a_unit_that_moves_while_a_notice_is_out_keeps_it_and_is_reminded_once(
    office: RunningOffice,
) -> None:
    notice = await office.published(recipients={"reach": "subtree"})
    assert await tasks_of(office, "370102") == [f"notice/{notice}"]
    await reminded(office, notice)
    await office.move("370102", "320100")
    assert await tasks_of(office, "370102") == [f"notice/{notice}"]
    assert await reminded(office, notice) == {"unsigned": 0, "blocking": 0}
    assert (await office.unit("370102").post(f"{N}/{notice}/sign")).status_code == 201
    assert await tasks_of(office, "370102") == []
    # Its schools came with it, and a schedule reminds them in the new place.
    office.clock.advance(datetime(2023, 5, 6, 1, tzinfo=UTC) - office.clock.now())
    assert await Reminding(office.database, office.clock).schedule() == 1


async def test_a_draft_to_units_that_have_closed_meanwhile_is_not_published(office: RunningOffice) -> None:
    await office.numbered("100000")
    client = office.unit("100000")
    picked: JsonValue = {"reach": "picked", "units": [office.world.id("370200")]}
    notice = (await client.post(N, json=a_draft(recipients=picked))).json()["id"]
    await office.close("370200")
    refused = await client.post(f"{N}/{notice}/publish")
    assert code_of(refused) == (403, "recipients_out_of_reach")
    # No number is lost by it.
    assert (await client.get(f"{N}/outbox/{notice}")).json()["document_number"] is None
    following = await office.published()
    shown = (await client.get(f"{N}/outbox/{following}")).json()
    assert shown["document_number"].endswith("〕1号")
