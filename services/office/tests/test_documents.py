"""Drafts: their fields, rich text, autosave, revisions, and the outbox."""

import asyncio
import uuid
from datetime import timedelta

import httpx
import pytest
from pydantic import JsonValue
from sqlalchemy import func, select

from office.notices.models import Revision, Step
from services.office.tests.support.running_office import RunningOffice, a_draft
from testkit.clock import FrozenClock

N = "/api/v1/notices"
OUTBOX = f"{N}/outbox"


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


async def drafted(office: RunningOffice, code: str = "100000", **changes: JsonValue) -> str:
    response = await office.unit(code, "handler").post(N, json=a_draft(**changes))
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def test_a_document_has_the_fields_of_the_standard(office: RunningOffice) -> None:
    fields: dict[str, JsonValue] = {
        "kind": "circular",
        "urgency": "urgent",
        "salutation": "各省级学生资助管理部门",
        "copies": "各计划单列市",
        "remark": "此件公开发布",
        "printing_office": "中心办公室",
        "attachments": [{"name": "名单", "note": None, "file_id": None}],
    }
    made = await office.unit("100000", "handler").post(N, json=a_draft(**fields))
    assert made.headers["location"] == f"{OUTBOX}/{made.json()['id']}"
    own = (await office.unit("100000", "handler").get(made.headers["location"])).json()
    assert {name: own[name] for name in fields} == fields
    assert (own["status"], own["document_number"], own["issued_at"]) == ("draft", None, None)
    await office.numbered("100000")
    assert (await office.unit("100000").post(f"{N}/{own['id']}/publish")).status_code == 200
    received = (await office.unit("370000").get(f"{N}/{own['id']}")).json()
    assert {name: received[name] for name in fields} == fields
    # What only the unit itself sees.
    assert not {"created_by", "creator_name", "returned_reason", "number_prefix"} & set(received)


async def test_the_body_is_sanitised_on_write(office: RunningOffice) -> None:
    hostile = (
        "<script>alert(1)</script><p onclick='x()'>第一段</p><svg onload=x()><text>图</text></svg>"
        "<img src='data:image/png;base64,AAAA'><a href='javascript:x()'>链接</a>"
        "<p class=MsoNormal style='mso-para-margin:1;text-align:center'><o:p></o:p>第二段</p>"
        "<iframe src='https://evil.example'></iframe><!--[if mso]><p>junk</p><![endif]-->"
    )
    notice = await drafted(office, body=hostile)
    body = (await office.unit("100000").get(f"{OUTBOX}/{notice}")).json()["body"]
    assert body == (
        '<p>第一段</p><a rel="noopener noreferrer">链接</a><p style="text-align:center">第二段</p>'
    )


async def test_a_body_nested_too_deeply_is_refused(office: RunningOffice) -> None:
    for body in ("<div>" * 1000 + "x", "<ul><li>" * 30 + "x"):
        refused = await office.unit("100000").post(N, json=a_draft(body=body))
        assert code_of(refused) == (400, "body_too_deep")


@pytest.mark.parametrize("field", ["salutation", "copies", "remark", "printing_office", "title", "body"])
async def test_a_mark_is_refused_in_every_field(office: RunningOffice, field: str) -> None:
    refused = await office.unit("100000").post(N, json=a_draft(**{field: "机 密☆1年"}))
    assert code_of(refused) == (400, "classified_document_refused")


async def test_a_draft_may_be_incomplete_until_it_is_submitted(office: RunningOffice) -> None:
    await office.numbered("100000")
    client = office.unit("100000")
    notice = (await client.post(N, json={})).json()["id"]
    for act in ("submit", "publish"):
        refused = await client.post(f"{N}/{notice}/{act}")
        assert code_of(refused) == (409, "draft_incomplete")
        assert [one["pointer"] for one in refused.json()["errors"]] == ["/title", "/body"]
    blank = await client.put(
        f"{N}/{notice}", json=a_draft(body="<p> </p><p>&nbsp;</p>"), headers={"If-Match": "*"}
    )
    assert blank.json()["body"] == ""
    assert code_of(await client.post(f"{N}/{notice}/publish")) == (409, "draft_incomplete")


async def test_saves_of_one_person_within_minutes_become_one_revision(
    office: RunningOffice, clock: FrozenClock
) -> None:
    one, other = str(uuid.uuid4()), str(uuid.uuid4())
    made = await office.unit("100000", sub=one).post(N, json=a_draft(title="一"))
    path = f"{N}/{made.json()['id']}"

    async def save(sub: str, title: str) -> None:
        clock.advance(timedelta(minutes=2))
        client = office.unit("100000", sub=sub)
        saved = await client.put(path, json=a_draft(title=title), headers={"If-Match": "*"})
        assert saved.status_code == 200

    for number in range(7):
        await save(one, f"一之{number}")
    await save(other, "二")
    await save(one, "三")
    listed = (await office.unit("100000").get(f"{path}/revisions")).json()["items"]
    assert [(line["title"], line["version"]) for line in listed] == [
        ("三", 10),
        ("二", 9),
        ("一之6", 8),
        ("一之3", 5),
    ]


async def test_two_people_editing_at_once_lose_nothing(office: RunningOffice) -> None:
    people = [str(uuid.uuid4()) for _ in range(2)]
    created = await office.unit("100000", sub=people[0]).post(N, json=a_draft(title="初稿"))
    path = f"{N}/{created.json()['id']}"
    answers = await asyncio.gather(
        *(
            office.unit("100000", sub=sub).put(
                path, json=a_draft(title=f"{sub}的文字"), headers={"If-Match": '"1"'}
            )
            for sub in people
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    winner = next(sub for sub, answer in zip(people, answers, strict=True) if answer.status_code == 200)
    loser = next(sub for sub in people if sub != winner)
    # The loser's screen shows both texts: its own, and the one that it reads now.
    theirs = (await office.unit("100000", sub=loser).get(f"{OUTBOX}/{path.rpartition('/')[2]}")).json()
    assert (theirs["title"], theirs["updated_by"], theirs["version"]) == (f"{winner}的文字", winner, 2)
    merged = await office.unit("100000", sub=loser).put(
        path, json=a_draft(title="合并后的文字"), headers={"If-Match": '"2"'}
    )
    assert merged.status_code == 200


async def test_a_revision_is_restored_as_a_new_version(office: RunningOffice, clock: FrozenClock) -> None:
    client = office.unit("100000", sub=str(uuid.uuid4()))
    made = await client.post(N, json=a_draft(title="原文", remark="附注", body="<p>原文</p>"))
    path = f"{N}/{made.json()['id']}"
    clock.advance(timedelta(minutes=11))
    await client.put(path, json=a_draft(title="改坏了", body="<p>坏</p>"), headers={"If-Match": '"1"'})
    seen = (await client.get(f"{path}/revisions/1")).json()
    assert (seen["title"], seen["content"]["body"]) == ("原文", "<p>原文</p>")
    assert code_of(await client.post(f"{path}/revisions/1/restore")) == (428, "precondition_required")
    clock.advance(timedelta(minutes=11))
    restored = await client.post(f"{path}/revisions/1/restore", headers={"If-Match": '"2"'})
    assert (restored.json()["title"], restored.json()["remark"], restored.headers["etag"]) == (
        "原文",
        "附注",
        '"3"',
    )
    kept = (await client.get(f"{path}/revisions/2")).json()
    assert kept["title"] == "改坏了"
    assert code_of(await client.get(f"{path}/revisions/9")) == (404, "revision_not_found")
    assert code_of(await office.unit("370000").get(f"{path}/revisions")) == (404, "not_found")


async def test_a_deleted_draft_is_gone_with_its_revisions(office: RunningOffice) -> None:
    notice = await drafted(office)
    refused = await office.unit("370000").delete(f"{N}/{notice}")
    assert code_of(refused) == (404, "not_found")
    stale = await office.unit("100000").delete(f"{N}/{notice}", headers={"If-Match": '"9"'})
    assert code_of(stale) == (412, "version_changed")
    assert (await office.unit("100000", "handler").delete(f"{N}/{notice}")).status_code == 204
    assert code_of(await office.unit("100000").get(f"{OUTBOX}/{notice}")) == (404, "not_found")
    async with office.database.transaction() as session:
        for table in (Revision, Step):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
    published = await office.published()
    refused = await office.unit("100000").delete(f"{N}/{published}")
    assert code_of(refused) == (409, "notice_not_draft")


async def test_the_outbox_is_filtered_searched_and_counted(office: RunningOffice, clock: FrozenClock) -> None:
    writer = uuid.uuid4()
    await office.insert_people([("100000", writer)])
    client = office.unit("100000", sub=str(writer))
    await office.numbered("100000")
    training = (await client.post(N, json=a_draft(title="关于举办培训的通知"))).json()["id"]
    await client.post(f"{N}/{training}/publish")
    praise = (
        await client.post(
            N,
            json=a_draft(
                title="关于表彰的通报", kind="circular", urgency="urgent", body="<p>山东省表现突出</p>"
            ),
        )
    ).json()["id"]
    clock.advance(timedelta(days=366))
    draft = await drafted(office, title="关于预算的通知")
    await office.published("370000")

    async def found(**query: str | list[str]) -> list[str]:
        answer = (await client.get(OUTBOX, params=query)).json()
        assert answer["total"] == {"count": len(answer["items"]), "exact": True}
        return [line["id"] for line in answer["items"]]

    assert await found() == [draft, praise, training]
    assert await found(status=["draft"]) == [draft, praise]
    assert await found(status=["draft", "published"]) == [draft, praise, training]
    assert await found(kind="circular") == [praise]
    assert await found(urgency="urgent") == [praise]
    assert await found(year="2023") == [praise, training]
    assert await found(year="2024") == [draft]
    assert await found(q="举办培训") == [training]
    assert await found(q="山东") == [praise]
    assert await found(q="〔2023〕1号") == [training]
    assert await found(q="通知 预算") == [draft]
    assert await found(q="没有") == []
    assert await found(drafted_by=str(writer)) == [praise, training]
    lines = (await client.get(OUTBOX, params={"limit": 2})).json()
    assert (lines["total"]["count"], lines["items"][1]["creator_name"]) == (3, "张三")
    assert (await found(status="published")) == [training]
    clock.advance(timedelta(hours=1))
    await client.put(f"{N}/{praise}", json=a_draft(title="关于表彰的通报"), headers={"If-Match": "*"})
    assert await found(order="updated") == [praise, draft, training]
    first = (await client.get(OUTBOX, params={"order": "updated", "limit": 2})).json()
    rest = await client.get(OUTBOX, params={"order": "updated", "limit": 2, "cursor": first["next"]})
    assert [line["id"] for line in rest.json()["items"]] == [training]
    counts = (await client.get(f"{OUTBOX}/counts")).json()["items"]
    assert counts == [{"status": "draft", "count": 2}, {"status": "published", "count": 1}]
    counts = (await office.unit("100000", "reviewer").get(f"{OUTBOX}/counts")).json()["items"]
    assert counts == [{"status": "published", "count": 1}]
    hidden = (await office.unit("100000", "reviewer").get(OUTBOX)).json()
    assert [line["id"] for line in hidden["items"]] == [training]
