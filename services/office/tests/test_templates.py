"""Templates: own and offered ones, variables, versions."""

import uuid
from datetime import timedelta

import httpx
import pytest
from pydantic import JsonValue

from services.office.tests.support.running_office import RunningOffice, a_draft

T = "/api/v1/notice-templates"
N = "/api/v1/notices"


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


def a_template(**changes: JsonValue) -> dict[str, JsonValue]:
    return {
        "name": "会议通知",
        "title": "关于召开{{会议名称}}的通知",
        "body": "<p>{{ 单位名称 }}定于{{会议时间}}召开<strong>{{会议名称}}</strong>。</p><script>x</script>",
        "remark": "{{年度}}年",
        "hints": {"会议时间": "如5月10日"},
        **changes,
    }


async def made(office: RunningOffice, code: str = "100000", **changes: JsonValue) -> httpx.Response:
    response = await office.unit(code, "approver").post(T, json=a_template(**changes))
    assert response.status_code == 201, response.text
    return response


async def listed(office: RunningOffice, code: str, **query: str) -> list[str]:
    answer = (await office.unit(code, "handler").get(T, params=query)).json()
    assert answer["total"] == {"count": len(answer["items"]), "exact": True}
    return [one["name"] for one in answer["items"]]


async def test_a_template_names_its_variables_with_hints(office: RunningOffice) -> None:
    response = await made(office)
    assert response.headers["location"] == f"{T}/{response.json()['id']}"
    seen = (await office.unit("100000", "handler").get(response.headers["location"])).json()
    assert seen["variables"] == [
        {"name": "会议名称", "hint": None},
        {"name": "会议时间", "hint": "如5月10日"},
    ]
    assert "<script>" not in seen["body"]


async def test_a_filled_template_is_the_content_of_a_draft(office: RunningOffice) -> None:
    template = (await made(office, kind="circular")).json()["id"]
    client = office.unit("100000", "handler", "approver")
    values = {"会议名称": "业务<b>培训</b>会", "会议时间": "5月10日\n上午"}
    filled = (await client.post(f"{T}/{template}/fill", json={"values": values})).json()
    assert (filled["kind"], filled["title"], filled["remark"], filled["missing"]) == (
        "circular",
        "关于召开业务<b>培训</b>会的通知",
        "2023年",
        [],
    )
    assert filled["body"] == (
        "<p>100000学生资助管理中心定于5月10日<br>上午召开<strong>业务&lt;b&gt;培训&lt;/b&gt;会</strong>。</p>"
    )
    draft = a_draft(title=filled["title"], body=filled["body"], kind=filled["kind"])
    assert (await client.post(N, json=draft)).status_code == 201


async def test_a_notice_with_open_variables_is_not_issued(office: RunningOffice) -> None:
    template = (await made(office)).json()["id"]
    client = office.unit("100000")
    filled = (await client.post(f"{T}/{template}/fill", json={"values": {"会议名称": "培训会"}})).json()
    assert filled["missing"] == ["会议时间"]
    await office.numbered("100000")
    notice = (await client.post(N, json=a_draft(title=filled["title"], body=filled["body"]))).json()["id"]
    refused = await client.post(f"{N}/{notice}/publish")
    assert code_of(refused) == (409, "draft_incomplete")
    assert refused.json()["errors"] == [{"pointer": "/body", "detail": "请填写正文中的“会议时间”"}]


async def test_units_below_use_what_is_offered_to_them(office: RunningOffice) -> None:
    await made(office, name="国家的", offered=True)
    await made(office, name="中心自用")
    province = (await made(office, "370000", name="省里的", offered=True)).json()["id"]
    assert await listed(office, "370100") == ["省里的", "国家的"]
    assert await listed(office, "320100") == ["国家的"]
    assert await listed(office, "100000") == ["中心自用", "国家的"]
    assert await listed(office, "370000", own="true") == ["省里的"]
    assert await listed(office, "370000", own="false") == ["国家的"]
    assert await listed(office, "370100", q="省里") == ["省里的"]
    assert await listed(office, "370100", kind="circular") == []
    city = office.unit("370100")
    assert (await city.post(f"{T}/{province}/fill", json={})).status_code == 200
    assert code_of(await city.put(f"{T}/{province}", json=a_template(), headers={"If-Match": "*"})) == (
        404,
        "not_found",
    )
    assert code_of(await city.delete(f"{T}/{province}")) == (404, "not_found")
    assert code_of(await office.unit("320100").get(f"{T}/{province}")) == (404, "not_found")


async def test_a_change_keeps_the_earlier_version(office: RunningOffice) -> None:
    writer = uuid.uuid4()
    await office.insert_people([("100000", writer)])
    client = office.unit("100000", "unit_admin", sub=str(writer))
    response = await client.post(T, json=a_template())
    path = f"{T}/{response.json()['id']}"
    office.clock.advance(timedelta(hours=1))
    changed = a_template(title="新标题")
    assert code_of(await client.put(path, json=changed)) == (428, "precondition_required")
    assert (await client.put(path, json=changed, headers={"If-Match": '"1"'})).headers["etag"] == '"2"'
    assert code_of(await client.put(path, json=changed, headers={"If-Match": '"1"'})) == (
        412,
        "version_changed",
    )
    versions = (await client.get(f"{path}/versions")).json()["items"]
    assert [(one["version"], one["title"], one["editor_name"]) for one in versions] == [
        (2, "新标题", "张三"),
        (1, "关于召开{{会议名称}}的通知", "张三"),
    ]


async def test_a_retired_template_frees_its_name(office: RunningOffice) -> None:
    template = (await made(office)).json()["id"]
    again = await office.unit("100000").post(T, json=a_template())
    assert code_of(again) == (409, "template_name_taken")
    assert (await office.unit("100000", "approver").delete(f"{T}/{template}")).status_code == 204
    assert code_of(await office.unit("100000").get(f"{T}/{template}")) == (404, "not_found")
    assert await listed(office, "100000") == []
    await made(office)


async def test_templates_are_written_by_approvers_and_administrators(office: RunningOffice) -> None:
    for role in ("handler", "reviewer"):
        refused = await office.unit("100000", role).post(T, json=a_template())
        assert code_of(refused) == (403, "permission_required")
        assert (await office.unit("100000", role).get(T)).status_code == 200


@pytest.mark.parametrize("field", ["name", "title", "body", "remark", "salutation"])
async def test_a_marked_template_is_refused(office: RunningOffice, field: str) -> None:
    refused = await office.unit("100000").post(T, json=a_template(**{field: "机密★1年"}))
    assert code_of(refused) == (400, "classified_document_refused")


@pytest.mark.parametrize(
    "spoilt",
    [{"name": ""}, {"hints": {"a b": "x"}}, {"hints": {"x": ""}}, {"body": ["x"]}, {"kind": "x"}, {"x": 1}],
)
async def test_a_template_of_the_wrong_shape_is_refused(
    office: RunningOffice, spoilt: dict[str, JsonValue]
) -> None:
    response = await office.unit("100000").post(T, json=a_template(**spoilt))
    assert code_of(response) == (422, "invalid_shape")
