"""Help: articles of the centre, found by two characters, with versions."""

import httpx
from pydantic import JsonValue

from office.help import first
from services.office.tests.support.running_office import RunningOffice

H = "/api/v1/help-articles"
CHILD = "370000"


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


def an_article(**changes: JsonValue) -> dict[str, JsonValue]:
    return {
        "title": "如何转发上级通知",
        "category": "通知",
        "body": "<p>打开收件箱，点击<strong>转发</strong>。</p><script>x</script>",
        **changes,
    }


async def made(office: RunningOffice, **changes: JsonValue) -> httpx.Response:
    response = await office.unit("100000", "unit_admin").post(H, json=an_article(**changes))
    assert response.status_code == 201, response.text
    return response


async def titles(office: RunningOffice, **query: str | int) -> list[str]:
    response = await office.unit(CHILD, "handler").get(H, params=query)
    assert response.status_code == 200, response.text
    return [one["title"] for one in response.json()["items"]]


async def test_an_article_of_the_centre_is_read_everywhere(office: RunningOffice) -> None:
    response = await made(office)
    assert response.headers["etag"] == '"1"'
    seen = (await office.unit("S3701020001", "handler").get(response.headers["location"])).json()
    assert (seen["title"], seen["category"], seen["retired_at"]) == ("如何转发上级通知", "通知", None)
    assert "<script>" not in seen["body"]
    assert (await office.client(None).get(H)).status_code == 401


async def test_only_the_centre_keeps_articles(office: RunningOffice) -> None:
    path = (await made(office)).headers["location"]
    other = office.unit(CHILD, "unit_admin")
    assert code_of(await other.post(H, json=an_article())) == (403, "only_centre")
    assert code_of(await other.delete(path)) == (403, "only_centre")
    handler = office.unit("100000", "handler")
    assert code_of(await handler.post(H, json=an_article())) == (403, "permission_required")


async def test_articles_are_in_order_and_found_by_two_characters(office: RunningOffice) -> None:
    await made(office, title="签收", position=2)
    await made(office, title="转发", position=1)
    await made(office, title="修改密码", category="账号", body="<p>在个人中心修改。</p>")
    assert await titles(office, category="通知") == ["转发", "签收"]
    assert await titles(office, q="密码") == ["修改密码"]
    assert await titles(office, q="个人 修改") == ["修改密码"]
    assert await titles(office, q="码") == ["修改密码"]
    assert await titles(office, q="不存在") == []
    first = (await office.unit(CHILD).get(H, params={"limit": 2})).json()
    rest = (await office.unit(CHILD).get(H, params={"limit": 2, "cursor": first["next"]})).json()
    assert first["total"] == {"count": 3, "exact": True}
    assert len({one["id"] for one in first["items"] + rest["items"]}) == 3


async def test_a_change_keeps_the_earlier_version_and_needs_the_latest(office: RunningOffice) -> None:
    path = (await made(office)).headers["location"]
    client = office.unit("100000", "approver")
    changed = an_article(body="<p>新的内容</p>")
    assert code_of(await client.put(path, json=changed)) == (428, "precondition_required")
    assert (await client.put(path, json=changed, headers={"If-Match": '"1"'})).status_code == 200
    again = await client.put(path, json=changed, headers={"If-Match": '"1"'})
    assert code_of(again) == (412, "version_changed")
    versions = (await office.unit(CHILD).get(f"{path}/versions")).json()["items"]
    assert [one["version"] for one in versions] == [2, 1]
    assert "收件箱" in (await office.unit(CHILD).get(f"{path}/versions/1")).json()["body"]
    assert code_of(await office.unit(CHILD).get(f"{path}/versions/9")) == (404, "not_found")


async def test_a_retired_article_is_not_listed_but_can_still_be_cited(office: RunningOffice) -> None:
    path = (await made(office)).headers["location"]
    client = office.unit("100000", "unit_admin")
    assert code_of(await client.post(H, json=an_article())) == (409, "article_title_taken")
    assert (await client.delete(path)).status_code == 204
    assert code_of(await client.delete(path)) == (404, "not_found")
    assert await titles(office) == []
    assert (await office.unit(CHILD).get(path)).json()["retired_at"] is not None
    await made(office)


async def test_marks_of_secrets_and_control_characters_are_refused(office: RunningOffice) -> None:
    client = office.unit("100000", "unit_admin")
    marked = an_article(body="<p>机密★1年</p>")
    assert code_of(await client.post(H, json=marked)) == (400, "classified_document_refused")
    for bad in ({"title": ""}, {"title": "a\x00b"}, {"position": -1}, {"extra": 1}, {"body": ""}):
        assert (await client.post(H, json=an_article(**bad))).status_code == 422, bad


async def test_an_empty_system_begins_with_articles_that_the_centre_keeps(office: RunningOffice) -> None:
    await first.load(office.database)
    found = await titles(office)
    assert sorted(found) == sorted(one.title for one in first.articles())
    assert await titles(office, q="签收", category="通知") == ["收到通知后怎么办", "起草与签发通知"]
    listed = (await office.unit(CHILD, "handler").get(H)).json()["items"]
    path = f"{H}/{listed[0]['id']}"
    centre = office.unit("100000", "unit_admin")
    article = (await centre.get(path)).json()
    body = {name: article[name] for name in ("title", "category", "position")} | {"body": "<p>见附件。</p>"}
    assert (await centre.put(path, json=body, headers={"If-Match": '"1"'})).status_code == 200
    versions = (await centre.get(f"{path}/versions")).json()["items"]
    assert [(one["version"], one["author_name"]) for one in versions][1:] == [(1, None)]
    # What the centre has changed or retired stays so.
    for one in listed:
        assert (await centre.delete(f"{H}/{one['id']}")).status_code == 204
    await first.load(office.database)
    assert await titles(office) == []
