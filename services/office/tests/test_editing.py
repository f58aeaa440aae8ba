"""Two people edit one draft: they know of each other, and nobody overwrites the other unnoticed."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest_asyncio
from sqlalchemy import func, select

from office.editing.jobs import pruning_editors
from office.editing.models import DraftEditor
from office.editing.rules import LEASE
from services.office.tests.support.running_office import RunningOffice, a_draft
from services.office.tests.support.streams import browser
from services.office.tests.test_files import N, code_of
from testkit.serving import Served

ANNA, BERT = (str(uuid.UUID(int=number)) for number in (11, 12))


@pytest_asyncio.fixture
async def url(office: RunningOffice) -> AsyncIterator[str]:
    served = Served()
    async with served.running(office.app):
        yield served.url
    served.close()


async def drafted(office: RunningOffice) -> tuple[httpx.AsyncClient, httpx.AsyncClient, str]:
    """Two people of the centre, and a draft that the first one has made."""
    await office.insert_people([("100000", uuid.UUID(ANNA)), ("100000", uuid.UUID(BERT))])
    anna, bert = office.unit("100000", sub=ANNA), office.unit("100000", sub=BERT)
    made = await anna.post(N, json=a_draft())
    return anna, bert, str(made.json()["id"])


async def editors(client: httpx.AsyncClient, notice: str) -> list[str]:
    response = await client.post(f"{N}/{notice}/editing")
    assert response.status_code == 200, response.text
    return [one["sub"] for one in response.json()["editors"]]


async def save(client: httpx.AsyncClient, notice: str, seen: str, title: str = "通知") -> httpx.Response:
    return await client.put(f"{N}/{notice}", json=a_draft(title=title), headers={"If-Match": seen})


async def test_who_has_a_draft_open_is_shown_until_the_lease_ends(office: RunningOffice) -> None:
    anna, bert, notice = await drafted(office)
    assert await editors(anna, notice) == [ANNA]
    office.clock.advance(timedelta(seconds=30))
    assert await editors(bert, notice) == [ANNA, BERT]
    shown = (await bert.post(f"{N}/{notice}/editing")).json()
    assert (shown["version"], shown["editors"][0]["name"]) == (1, "张三")
    # A save is a sign, too.
    office.clock.advance(timedelta(seconds=40))
    assert (await save(bert, notice, '"1"')).status_code == 200
    assert await editors(bert, notice) == [BERT]
    assert (await bert.delete(f"{N}/{notice}/editing")).status_code == 204
    assert await editors(anna, notice) == [ANNA]
    office.clock.advance(2 * LEASE + timedelta(seconds=1))
    await pruning_editors(office.database, office.clock).call()
    async with office.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(DraftEditor)) == 0


async def test_only_who_may_draft_in_the_unit_edits(office: RunningOffice) -> None:
    anna, _, notice = await drafted(office)
    path = f"{N}/{notice}/editing"
    assert code_of(await office.unit("370000").post(path)) == (404, "not_found")
    assert (await office.unit("100000", "reviewer").post(path)).status_code == 403
    await office.numbered("100000")
    assert (await anna.post(f"{N}/{notice}/publish")).status_code == 200
    assert code_of(await anna.post(path)) == (409, "notice_not_draft")


async def test_who_saves_an_outdated_version_learns_who_changed_it(office: RunningOffice) -> None:
    anna, bert, notice = await drafted(office)
    office.clock.advance(timedelta(minutes=5))
    assert (await save(anna, notice, '"1"', "甲")).status_code == 200
    at = office.clock.now()
    office.clock.advance(timedelta(minutes=5))
    refused = await save(bert, notice, '"1"', "乙")
    assert code_of(refused) == (412, "version_changed")
    assert refused.headers["etag"] == '"2"'
    changed = refused.json()["changed"]
    assert changed == {"version": 2, "by": ANNA, "name": "张三", "at": at.isoformat().replace("+00:00", "Z")}
    assert "张三" in refused.json()["detail"]
    # With the version from the answer, the merged text is saved.
    assert (await save(bert, notice, refused.headers["etag"], "甲乙")).status_code == 200


async def test_of_saves_at_once_one_succeeds(office: RunningOffice) -> None:
    anna, bert, notice = await drafted(office)
    answers = await asyncio.gather(save(anna, notice, '"1"', "甲"), save(bert, notice, '"1"', "乙"))
    assert sorted(one.status_code for one in answers) == [200, 412]


async def test_editors_hear_of_each_other_at_once(office: RunningOffice, url: str) -> None:
    anna, bert, notice = await drafted(office)
    await editors(anna, notice)
    token = office.token("100000", "handler", sub=ANNA)
    async with browser(url, token) as one:
        await one.hears("ready")
        await editors(bert, notice)
        joined = await one.hears("editing")
        assert joined["notice_id"] == notice
        assert [(each["sub"], each["name"]) for each in joined["editors"]] == [(ANNA, "张三"), (BERT, "张三")]
        assert (await save(bert, notice, '"1"')).status_code == 200
        await one.until(lambda heard: len(heard.named("editing")) == 2)
        saved = one.named("editing")[1].data
        assert (saved["version"], saved["updated_by"]) == (2, BERT)
        assert (await bert.delete(f"{N}/{notice}/editing")).status_code == 204
        await one.until(lambda heard: len(heard.named("editing")) == 3)
        assert [each["sub"] for each in one.named("editing")[2].data["editors"]] == [ANNA]
        assert one.named("counts") == []
