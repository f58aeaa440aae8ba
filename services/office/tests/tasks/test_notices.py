"""What notices put on desks: signing and answering, until it is done or the notice is withdrawn."""

from typing import Any

from contracts.vocabulary import Role
from services.office.tests.support.running_office import RunningOffice, a_draft
from services.office.tests.support.tasks import a_person, acting, ids, listed

PROVINCE, CITY, OTHER, COUNTY = "370000", "370100", "370200", "370102"


async def _signs(office: RunningOffice, code: str, view: str = "open") -> list[dict[str, Any]]:
    """The tasks of signing on the desk of a clerk of the unit."""
    return await listed(office.unit(code, Role.HANDLER), view=view, kind=["sign"])


async def test_a_published_notice_is_on_the_desks_of_its_recipients_until_they_sign(
    office: RunningOffice,
) -> None:
    notice = await office.published(PROVINCE)
    (item,) = await _signs(office, CITY)
    assert (item["subject"], item["link"]) == (f"notice/{notice}", f"/notices/{notice}")
    assert item["days_left"] is not None
    assert [await _signs(office, code) for code in (PROVINCE, COUNTY, "320000")] == [[], [], []]
    sub = await a_person(office, CITY, name="李四")
    signed = await acting(office, sub, CITY).post(f"/api/v1/notices/{notice}/sign")
    assert signed.status_code == 201, signed.text
    assert await _signs(office, CITY) == []
    (done,) = await _signs(office, CITY, "done")
    assert (done["id"], done["done_by"]["name"]) == (item["id"], "李四")
    assert len(await _signs(office, OTHER)) == 1


async def test_only_people_who_may_sign_have_the_task(office: RunningOffice) -> None:
    await office.published(PROVINCE)
    assert await ids(office.unit(CITY, Role.REVIEWER)) == []
    assert len(await ids(office.unit(CITY, Role.APPROVER))) == 1


async def test_a_forwarded_notice_is_on_the_desks_below(office: RunningOffice) -> None:
    notice = await office.published(PROVINCE)
    assert await _signs(office, COUNTY) == []
    await office.forwarded(notice, CITY)
    (item,) = await _signs(office, COUNTY)
    await office.signed(notice, COUNTY)
    assert await _signs(office, COUNTY) == []
    (city,) = await _signs(office, CITY)
    assert city["id"] == item["id"]


async def test_what_a_person_has_taken_is_done_when_a_colleague_signs(office: RunningOffice) -> None:
    notice = await office.published(PROVINCE)
    sub = await a_person(office, CITY)
    me = acting(office, sub, CITY)
    (task,) = await ids(me)
    assert (await me.post(f"/api/v1/tasks/{task}/take")).status_code == 200
    await office.signed(notice, CITY)
    assert await ids(me, view="mine") == []
    assert await ids(me, view="done") == [task]


async def test_a_withdrawn_notice_leaves_the_desks_with_its_reason(office: RunningOffice) -> None:
    notice = await office.published(PROVINCE)
    await office.signed(notice, OTHER)
    withdrawn = await office.unit(PROVINCE).post(
        f"/api/v1/notices/{notice}/withdraw", json={"reason": "时间有误，另行通知"}
    )
    assert withdrawn.status_code == 200, withdrawn.text
    assert await _signs(office, CITY) == []
    (item,) = await _signs(office, CITY, "withdrawn")
    assert "时间有误，另行通知" in item["withdrawal"]["cause"]
    (done,) = await _signs(office, OTHER, "done")
    assert "时间有误，另行通知" in done["withdrawal"]["cause"]


async def test_a_notice_with_a_form_asks_for_an_answer_too(office: RunningOffice) -> None:
    await office.numbered(PROVINCE)
    publisher = office.unit(PROVINCE)
    draft = (await publisher.post("/api/v1/notices", json=a_draft())).json()["id"]
    field = {"key": "count", "label": "参加人数", "type": "number"}
    put = await publisher.put(f"/api/v1/notices/{draft}/form", json={"fields": [field]})
    assert put.status_code in {200, 201}, put.text
    assert (await publisher.post(f"/api/v1/notices/{draft}/publish")).status_code == 200
    kinds = {item["kind"] for item in await listed(office.unit(CITY, Role.HANDLER))}
    assert kinds == {"sign", "answer"}
    await office.signed(draft, CITY)
    assert [item["kind"] for item in await listed(office.unit(CITY, Role.HANDLER))] == ["answer"]


async def test_an_announcement_asks_nothing(office: RunningOffice) -> None:
    await office.published(PROVINCE, kind="announcement")
    assert await ids(office.unit(CITY)) == []


async def test_a_returned_notice_leaves_the_desk_of_the_unit(office: RunningOffice) -> None:
    notice = await office.published(PROVINCE)
    returned = await office.unit(CITY).post(
        f"/api/v1/notices/{notice}/returns", json={"reason": "与本单位职责无关"}
    )
    assert returned.status_code == 201, returned.text
    assert await _signs(office, CITY) == []
    confirmed = await office.unit(PROVINCE).post(
        f"/api/v1/notices/{notice}/returns/{office.world.id(CITY)}/confirm", json={}
    )
    assert confirmed.status_code == 200, confirmed.text
    assert await _signs(office, CITY) == []
    assert len(await _signs(office, OTHER)) == 1
