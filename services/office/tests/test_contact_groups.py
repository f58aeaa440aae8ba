"""Groups and favourites of the address book, and groups as recipients."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from contracts.identity import PersonChangedV1, PersonMembership
from services.office.tests.support.running_office import RunningOffice, a_draft

G, F = "/api/v1/contact-groups", "/api/v1/contact-favourites"
PREVIEW = "/api/v1/recipients/preview"
DRAFTER = ["notices.draft", "members.read"]


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


def units(office: RunningOffice, *codes: str) -> list[dict[str, str]]:
    return [{"unit_id": office.world.id(code)} for code in codes]


async def made(client: httpx.AsyncClient, members: Any, **changes: Any) -> dict[str, Any]:
    response = await client.post(G, json={"name": "山东片区", "members": members, **changes})
    assert response.status_code == 201, response.text
    assert response.headers["etag"] == '"1"'
    body: dict[str, Any] = response.json()
    assert response.headers["location"] == f"{G}/{body['id']}"
    return body


async def test_a_group_keeps_units_and_people_in_their_order(office: RunningOffice) -> None:
    sub = uuid.uuid4()
    await office.insert_people([("370102", sub)])
    await office.index()
    client = office.unit("370000")
    members = [*units(office, "370200"), {"unit_id": office.world.id("370102"), "sub": str(sub)}]
    group = await made(client, members + units(office, "370100"))
    assert [(one["name"], one["unit_name"], one["status"]) for one in group["members"]] == [
        ("370200学生资助管理中心", None, "present"),
        ("张三", "370102学生资助管理中心", "present"),
        ("370100学生资助管理中心", None, "present"),
    ]
    assert (group["size"], group["addressable"]) == (3, 2)
    assert (await client.get(f"{G}/{group['id']}")).json() == group


async def test_own_groups_are_private_and_shared_ones_are_of_the_unit(office: RunningOffice) -> None:
    drafter, colleague = office.unit("370000"), office.unit("370000", permissions=[])
    own = await made(drafter, [])
    shared = await made(drafter, [], scope="unit", name="共享")
    seen = (await colleague.get(G)).json()["items"]
    assert [one["id"] for one in seen] == [shared["id"]]
    assert code_of(await colleague.get(f"{G}/{own['id']}")) == (404, "not_found")
    assert (await colleague.get(f"{G}/{shared['id']}")).status_code == 200
    other = office.unit("320000")
    assert code_of(await other.get(f"{G}/{shared['id']}")) == (404, "not_found")
    change = {"name": "共享", "members": []}
    refused = await colleague.put(f"{G}/{shared['id']}", json=change, headers={"If-Match": '"1"'})
    assert code_of(refused) == (403, "shared_group_read_only")
    refused = await colleague.post(G, json={"name": "另一个", "scope": "unit"})
    assert code_of(refused) == (403, "shared_group_read_only")


async def test_changes_and_deletions_name_the_version(office: RunningOffice) -> None:
    client = office.unit("370000")
    group = await made(client, [])
    path, change = f"{G}/{group['id']}", {"name": "新名称", "members": units(office, "370200")}
    assert code_of(await client.put(path, json=change)) == (428, "precondition_required")
    changed = await client.put(path, json=change, headers={"If-Match": '"1"'})
    assert (changed.headers["etag"], changed.json()["name"]) == ('"2"', "新名称")
    stale = await client.put(path, json=change, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "version_changed")
    assert code_of(await client.delete(path, headers={"If-Match": '"1"'})) == (412, "version_changed")
    assert (await client.delete(path, headers={"If-Match": '"2"'})).status_code == 204
    assert code_of(await client.get(path)) == (404, "not_found")


async def test_of_two_changes_at_once_one_is_refused(office: RunningOffice) -> None:
    client = office.unit("370000")
    group = await made(client, [])
    answers = await asyncio.gather(
        *(
            client.put(
                f"{G}/{group['id']}", json={"name": f"名称{n}", "members": []}, headers={"If-Match": '"1"'}
            )
            for n in range(5)
        )
    )
    assert sorted(one.status_code for one in answers) == [200, 412, 412, 412, 412]


async def test_a_name_is_used_once_by_an_owner(office: RunningOffice) -> None:
    client = office.unit("370000")
    answers = await asyncio.gather(*(client.post(G, json={"name": "同名"}) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409]
    assert {code_of(one) for one in answers if one.status_code == 409} == {(409, "group_name_taken")}
    await made(client, [], name="同名", scope="unit")
    await made(office.unit("370000"), [], name="同名")


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": " "},
        {"name": "a\n"[:1] + "\u0000"},
        {"name": "x" * 51},
        {"name": "重复", "members": [{"unit_id": str(uuid.UUID(int=7))}] * 2},
        {"name": "多", "members": [{"unit_id": str(uuid.UUID(int=n))} for n in range(1001)]},
        {"name": "多余", "colour": "red"},
        {"name": "范围", "scope": "everybody"},
    ],
)
async def test_a_malformed_group_is_refused(office: RunningOffice, body: dict[str, Any]) -> None:
    assert (await office.unit("370000").post(G, json=body)).status_code == 422


async def test_only_what_the_address_book_shows_is_picked(office: RunningOffice) -> None:
    sub = uuid.uuid4()
    await office.insert_people([("370103", sub)])
    await office.index()
    client = office.unit("370102")
    for members, places in (
        (units(office, "320000"), [0]),
        ([*units(office, "370103", "370100"), {"unit_id": str(uuid.uuid4())}], [2]),
        ([{"unit_id": office.world.id("370103"), "sub": str(sub)}], [0]),
        ([{"unit_id": office.world.id("370102"), "sub": str(sub)}], [0]),
    ):
        refused = await client.post(G, json={"name": "组", "members": members})
        assert code_of(refused) == (403, "contact_not_visible")
        assert [one["pointer"] for one in refused.json()["errors"]] == [f"/members/{n}" for n in places]


async def test_what_became_of_members_is_shown(office: RunningOffice) -> None:
    sub = uuid.uuid4()
    await office.insert_people([("370102", sub)])
    await office.index()
    client = office.unit("370000")
    members = [{"unit_id": office.world.id("370102"), "sub": str(sub)}]
    group = await made(client, units(office, "370102", "370103", "370200", "S3701030001") + members)
    assert group["addressable"] == 4
    office.world.close("370103", office.clock.now())
    merged = {"merged_into_id": office.world.units["370102"]["id"]}
    await office.deliver(office.world.event("370103").model_copy(update=merged))
    await office.close("370200")
    await office.move("S3701030001", "320100")
    await office.deliver(
        PersonChangedV1(
            sub=sub,
            name="张三",
            phone_masked="138****0000",
            status="active",
            unit_id=office.world.units["370100"]["id"],
            unit_path=office.world.units["370100"]["path"],
            roles=[],
            version=2,
            memberships=(
                PersonMembership(
                    unit_id=office.world.units["370100"]["id"],
                    unit_path=office.world.units["370100"]["path"],
                    roles=[],
                ),
            ),
        )
    )
    now = (await client.get(f"{G}/{group['id']}")).json()
    assert [(one["status"], one["merged_into"]) for one in now["members"]] == [
        ("present", None),
        ("merged", office.world.ref("370102")),
        ("closed", None),
        ("hidden", None),
        ("left", None),
    ]
    assert now["members"][3]["name"] == "S3701030001学生资助管理中心", "as it was called"
    assert now["addressable"] == 1
    # They may stay in the group when it is changed.
    kept = [{"unit_id": one["unit_id"], "sub": one["sub"]} for one in now["members"]]
    change = {"name": "改名", "members": kept}
    changed = await client.put(f"{G}/{group['id']}", json=change, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text


async def test_a_group_is_addressed_with_its_exact_number(office: RunningOffice) -> None:
    sender = office.unit("100000")
    group = await made(sender, units(office, "370100", "370102", "100000"))
    recipients: JsonValue = {"reach": "picked", "groups": [group["id"]], "units": [office.world.id("320000")]}
    preview = await sender.post(PREVIEW, json={"recipients": recipients})
    assert preview.status_code == 200, preview.text
    assert preview.json()["total"] == 3
    notice = await office.published(recipients=recipients)
    for code, has in (("370100", True), ("370102", True), ("320000", True), ("370000", False)):
        response = await office.unit(code).get(f"/api/v1/notices/{notice}")
        assert (response.status_code == 200) is has, code


async def test_a_group_is_resolved_when_the_notice_is_published(office: RunningOffice) -> None:
    sender = office.unit("100000")
    await office.numbered("100000")
    group = await made(sender, units(office, "370100"))
    recipients: JsonValue = {"reach": "picked", "groups": [group["id"]]}
    draft = await sender.post("/api/v1/notices", json=a_draft(recipients=recipients))
    assert draft.status_code == 201, draft.text
    assert draft.json()["recipients"]["groups"] == [group["id"]]
    change = {"name": "改", "members": units(office, "370200", "370102")}
    await sender.put(f"{G}/{group['id']}", json=change, headers={"If-Match": '"1"'})
    await office.close("370102")
    published = await sender.post(f"/api/v1/notices/{draft.json()['id']}/publish")
    assert published.status_code == 200, published.text
    assert (await office.unit("370200").get(f"/api/v1/notices/{draft.json()['id']}")).status_code == 200
    assert (await office.unit("370100").get(f"/api/v1/notices/{draft.json()['id']}")).status_code == 404


async def test_a_deleted_or_foreign_group_is_not_addressed(office: RunningOffice) -> None:
    sender = office.unit("100000")
    await office.numbered("100000")
    group = await made(sender, units(office, "370100"))
    foreign = await made(office.unit("370000"), units(office, "370100"))
    recipients: JsonValue = {"reach": "picked", "groups": [group["id"], foreign["id"]]}
    refused = await sender.post(PREVIEW, json={"recipients": recipients})
    assert code_of(refused) == (409, "group_unknown")
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/recipients/groups/1"]
    recipients = {"reach": "picked", "groups": [group["id"]]}
    draft = (await sender.post("/api/v1/notices", json=a_draft(recipients=recipients))).json()
    await sender.delete(f"{G}/{group['id']}", headers={"If-Match": '"1"'})
    refused = await sender.post(f"/api/v1/notices/{draft['id']}/publish")
    assert code_of(refused) == (409, "group_unknown")


async def test_a_group_without_units_below_addresses_nobody(office: RunningOffice) -> None:
    sender = office.unit("370000")
    await office.numbered("370000")
    group = await made(sender, units(office, "100000"))
    recipients: JsonValue = {"reach": "picked", "groups": [group["id"]]}
    preview = await sender.post(PREVIEW, json={"recipients": recipients})
    assert (preview.status_code, preview.json()["total"]) == (200, 0)
    refused = await sender.post("/api/v1/notices", json=a_draft(recipients=recipients))
    assert code_of(refused) == (409, "nothing_below")


async def test_groups_need_the_reach_of_picked_units(office: RunningOffice) -> None:
    recipients: JsonValue = {"reach": "children", "groups": [str(uuid.uuid4())]}
    assert (await office.unit("370000").post(PREVIEW, json={"recipients": recipients})).status_code == 422


async def test_favourites_are_kept_once_and_dropped(office: RunningOffice) -> None:
    client = office.unit("370102", permissions=[])
    first = await client.post(F, json=units(office, "370100")[0])
    again = await client.post(F, json=units(office, "370100")[0])
    assert (first.status_code, first.json()["id"]) == (201, again.json()["id"])
    await client.post(F, json=units(office, "370103")[0])
    kept = (await client.get(F)).json()["items"]
    assert [one["name"] for one in kept] == ["370103学生资助管理中心", "370100学生资助管理中心"]
    refused = await client.post(F, json=units(office, "320000")[0])
    assert code_of(refused) == (403, "contact_not_visible")
    other = office.unit("370102", permissions=[])
    assert (await other.get(F)).json()["items"] == []
    assert code_of(await other.delete(f"{F}/{kept[0]['id']}")) == (404, "not_found")
    assert (await client.delete(f"{F}/{kept[0]['id']}")).status_code == 204
    assert len((await client.get(F)).json()["items"]) == 1


async def test_groups_and_favourites_are_limited(
    office: RunningOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from office.groups import service

    monkeypatch.setattr(service, "MAX_GROUPS", 1)
    monkeypatch.setattr(service, "MAX_FAVOURITES", 1)
    client = office.unit("370000")
    await made(client, [])
    assert code_of(await client.post(G, json={"name": "二"})) == (409, "too_many_groups")
    await client.post(F, json=units(office, "370100")[0])
    assert code_of(await client.post(F, json=units(office, "370200")[0])) == (409, "too_many_favourites")
