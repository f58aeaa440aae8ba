"""Coverage of the units in a group, and the changes of the tree that explain a coverage."""

import uuid
from datetime import timedelta
from typing import Any

from pydantic import JsonValue

from services.office.tests.support.running_office import RunningOffice
from services.office.tests.test_answers import exported, sheets
from services.office.tests.test_files import N, code_of


def codes(page: dict[str, Any]) -> list[str]:
    return [item["unit"]["code"] for item in page["items"]]


async def test_the_units_of_a_group_are_counted_listed_and_exported(office: RunningOffice) -> None:
    notice, client = await office.published(), office.unit("100000", sub=str(uuid.uuid4()))
    await office.forwarded(notice, "370000", "370100")
    await office.signed(notice, "370000", "370102")
    members: list[JsonValue] = [
        {"unit_id": office.world.id(code)} for code in ("320000", "370102", "370103", "S3701030001", "100000")
    ]
    made = await client.post("/api/v1/contact-groups", json={"name": "东部", "members": members})
    group, path = {"group": str(made.json()["id"])}, f"{N}/{notice}/coverage"
    seen = (await client.get(path, params=group)).json()
    # Neither what is below a member, nor the sender itself.
    assert (seen["total"], seen["delivered"], seen["signed"]) == (4, 3, 1)
    assert [(one["unit"]["code"], one["total"]) for one in seen["children"]] == [("320000", 1), ("370000", 3)]
    assert [(one["unit"]["code"], one["cut_off"]) for one in seen["blocking"]["items"]] == [("370103", 1)]
    assert codes(seen["missing"]) == ["320000", "370103", "S3701030001"]
    undelivered = (await client.get(f"{path}/units", params=group | {"lack": "not_delivered"})).json()
    assert (codes(undelivered), undelivered["total"]["count"]) == (["S3701030001"], 1)
    first = (await client.get(f"{path}/units", params=group | {"limit": "2"})).json()
    second = (await client.get(f"{path}/units", params=group | {"cursor": first["next"]})).json()
    assert codes(first) + codes(second) == ["320000", "370103", "S3701030001"]
    below = group | {"under": office.world.id("370000")}
    assert (await client.get(path, params=below)).json()["total"] == 3
    curve = (await client.get(f"{path}/history", params=below | {"by": "hour"})).json()
    assert (curve["total"], [point["signed"] for point in curve["points"]]) == (3, [1])
    export = await exported(client, await client.post(f"{path}/exports", params=group))
    book = sheets((await client.get(f"{export}/file")).content)
    assert [row[0] for row in book["未签收的单位"][1:]] == ["320000", "370103", "S3701030001"]
    # A group of somebody else.
    for refused in (
        await office.unit("100000").get(path, params=group),
        await office.unit("100000").post(f"{path}/exports", params=group),
    ):
        assert code_of(refused) == (404, "not_found")


async def test_the_changes_of_the_tree_explain_a_coverage(office: RunningOffice) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000", "370100")
    day = timedelta(days=1)
    office.clock.advance(day)
    await office.move("370102", "320100")
    office.clock.advance(day)
    await office.close("370103")
    office.clock.advance(day)
    await office.open("S3701009", "370100")

    async def changes(under: str, **params: str) -> dict[str, Any]:
        given = params | {"under": office.world.id(under)}
        response = await office.unit("100000").get(f"{N}/{notice}/coverage/changes", params=given)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def told(
        item: dict[str, Any],
    ) -> tuple[str, str, str | None, bool, list[tuple[str, str | None, str | None]]]:
        steps = [
            (one["kind"], *(one[end] and one[end]["code"] for end in ("from_parent", "to_parent")))
            for one in item["steps"]
        ]
        below = item["counted_below"]
        return item["unit"]["code"], item["counting"], below and below["code"], item["counted_here"], steps

    moved = [("moved", "370100", "320100")]
    with_it = [("moved_with", "370102", "370102")]
    found = await changes("370100")
    assert found["total"] == {"count": 6, "exact": True}
    opened, closed, *others = map(told, found["items"])
    assert opened == ("S3701009", "not_owed", None, False, [("opened", None, "370100")])
    assert closed == ("370103", "closed", None, False, [("closed", "370100", "370100")])
    assert sorted(others) == [
        # Its schools had not been reached: they wait with it where it stands now.
        ("370102", "reached", "370100", True, moved),
        ("D3701020001", "present", "S3701020001", False, [("moved_with", "S3701020001", "S3701020001")]),
        ("S3701020001", "present", "370102", False, with_it),
        ("S3701020002", "present", "370102", False, with_it),
    ]
    # The new superior sees why its list has more units than its coverage.
    arrived = {
        code: (counting, here) for code, counting, _, here, _ in map(told, (await changes("320100"))["items"])
    }
    assert arrived["370102"] == ("reached", False)
    assert arrived["S3701020001"] == ("present", True)
    first = await changes("370100", limit="2")
    assert codes(first) == ["S3701009", "370103"]
    assert len(codes(await changes("370100", cursor=first["next"]))) == 4
    nothing = (await office.unit("320000").get(f"{N}/{notice}/coverage/changes")).json()
    assert nothing["under"]["code"] == "320000"
    refused = await office.unit("320000").get(
        f"{N}/{notice}/coverage/changes", params={"under": office.world.id("370100")}
    )
    assert code_of(refused) == (403, "out_of_reach")
