"""Records of single students: for the county in charge, masked, after a fresh sign-in, and recorded."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from authkit import acr
from cockpit.analytics.errors import AnalyticsTimeout
from cockpit.individuals.models import IndividualUse
from cockpit.individuals.repository import IndividualFacts
from services.cockpit.tests.support.running_cockpit import Cockpit, award, csv_of, withdraw

PROGRAMME = "high_school_grant"
ASKED = {"feed": "award", "year": 2017, "reason": "核对漏发名单"}


def fresh() -> dict[str, Any]:
    return {"acr": acr.PASSWORD_SMS, "auth_time": int(datetime.now(UTC).timestamp())}


async def look(
    cockpit: Cockpit,
    who: str = "county",
    *,
    query: str = "",
    claims: dict[str, Any] | None = None,
    **changes: Any,
) -> httpx.Response:
    return await cockpit.http.post(
        f"/api/v1/individuals{query}",
        json={**ASKED, **changes},
        headers=cockpit.bearer(who, **(fresh() if claims is None else claims)),
    )


async def uses(cockpit: Cockpit) -> list[IndividualUse]:
    async with cockpit.database.transaction() as session:
        return list(await session.scalars(select(IndividualUse).order_by(IndividualUse.id)))


async def test_the_county_sees_its_records_masked_page_by_page_and_each_page_is_recorded(
    cockpit: Cockpit,
) -> None:
    rows = [award(record_id=f"r-{number:03d}", unit_code=f"370102000{1 + number % 2}") for number in range(7)]
    await cockpit.upload("award", "county", csv_of(rows))
    await cockpit.upload("award", "sibling", csv_of([award(unit_code="3701030001")]))

    found, query = [], "?limit=3"
    while query:
        page = await look(cockpit, query=query)
        assert page.status_code == 200, page.text
        body = page.json()
        assert (body["total"]["count"], body["persons"]) == (7, 7)
        found += body["items"]
        query = f"?limit=3&cursor={body['next']}" if body["next"] else ""
    assert {one["record_id"] for one in found} == {row["record_id"] for row in rows}
    assert [one["unit_code"] for one in found] == sorted(one["unit_code"] for one in found)
    tokens = {row["record_id"]: row["person_token"] for row in rows}
    for one in found:
        token = tokens[one["record_id"]]
        assert one["person"] == f"{token[:4]}…{token[-4:]}"
        assert one["yuan"] == "625.00"
        assert one["unit_name"]
    kept = await uses(cockpit)
    assert [use.further for use in kept] == [False, True, True]
    assert {(use.reason, use.unit_path) for use in kept} == {(ASKED["reason"], cockpit.world["county"].path)}


async def test_filters_narrow_the_list_and_what_was_withdrawn_is_gone(cockpit: Cockpit) -> None:
    wanted = award(unit_code="3701020002", programme="普通高中国家助学金", stage="普通高中", term="秋季")
    made = await cockpit.upload("award", "county", csv_of([award(), wanted]))
    assert made.json()["accepted"] == 2, made.text[300:]
    gone = (await cockpit.upload("award", "county", csv_of([award(unit_code="3701020002")]))).json()
    await withdraw(cockpit, gone["id"], "county")
    narrow: list[dict[str, Any]] = [
        {"school": "3701020002"},
        {"programme": PROGRAMME},
        {"stage": "general_high"},
        {"period": "autumn"},
    ]
    for filters in narrow:
        body = (await look(cockpit, claims=None, query="", **filters)).json()
        assert [one["record_id"] for one in body["items"]] == [wanted["record_id"]], filters
        assert (body["total"]["count"], body["persons"]) == (1, 1)
    refused = await look(cockpit, feed="hardship", programme=PROGRAMME)
    assert (refused.status_code, refused.json()["code"]) == (400, "records_not_listed")


async def test_a_corrected_record_is_listed_as_it_counts_and_a_deleted_one_is_not(cockpit: Cockpit) -> None:
    corrected, deleted = award(amount="5"), award(amount="7")
    await cockpit.upload("award", "county", csv_of([corrected, deleted]))
    fixed = {**corrected, "amount": "6", "funding": "地方财政"}
    made = await cockpit.upload("award", "county", csv_of([fixed]), mode="correction")
    gone = await cockpit.upload("award", "county", csv_of([deleted]), mode="deletion")
    assert (made.json()["accepted"], gone.json()["accepted"]) == (1, 1)
    body = (await look(cockpit)).json()
    assert (body["total"]["count"], body["persons"]) == (1, 1)
    (one,) = body["items"]
    assert (one["record_id"], one["yuan"], one["values"]["funding"], one["batch_id"]) == (
        *(corrected["record_id"], "6.00", "local"),
        made.json()["id"],
    )


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("centre", "county_required"),
        ("province", "county_required"),
        ("city", "county_required"),
        ("school", "level_not_admitted"),
        ("nutrition", "kind_not_admitted"),
    ],
)
async def test_others_than_the_county_in_charge_are_refused(cockpit: Cockpit, who: str, code: str) -> None:
    response = await look(cockpit, who)
    assert (response.status_code, response.json()["code"]) == (403, code)
    assert await uses(cockpit) == []


@pytest.mark.parametrize(
    "claims",
    [
        {"acr": acr.SMS, "auth_time": int(datetime.now(UTC).timestamp()) + 3600},
        {"acr": acr.MFA, "auth_time": int(datetime.now(UTC).timestamp()) - 3600},
    ],
    ids=["weak", "old"],
)
async def test_a_weak_or_old_sign_in_is_challenged(cockpit: Cockpit, claims: dict[str, Any]) -> None:
    response = await look(cockpit, claims=claims)
    assert (response.status_code, response.json()["code"]) == (401, "insufficient_user_authentication")
    assert f'acr_values="{acr.PASSWORD_SMS}", max_age="{acr.RECENT}"' in response.headers["www-authenticate"]


async def test_a_use_is_recorded_even_if_the_store_does_not_answer(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(*_: object) -> None:
        raise AnalyticsTimeout

    monkeypatch.setattr(IndividualFacts, "page", late)
    response = await look(cockpit)
    assert (response.status_code, response.json()["code"]) == (503, "analytics_timeout")
    assert response.headers["retry-after"]
    assert len(await uses(cockpit)) == 1


async def test_a_reason_with_a_personal_number_is_refused_and_kept_nowhere(cockpit: Cockpit) -> None:
    response = await look(cockpit, reason="核对学生 11010519491231002X")
    assert (response.status_code, response.json()["code"]) == (400, "personal_number")
    assert await uses(cockpit) == []


async def test_superiors_read_the_record_of_uses_and_nobody_changes_it(cockpit: Cockpit) -> None:
    await look(cockpit)
    for who, seen in (("county", 1), ("city", 1), ("centre", 1), ("sibling", 0)):
        listed = await cockpit.http.get("/api/v1/individuals/uses", headers=cockpit.bearer(who))
        assert listed.json()["total"]["count"] == seen
    for statement in ("UPDATE individual_uses SET sub = 'x'", "DELETE FROM individual_uses"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with cockpit.database.transaction() as session:
                await session.execute(text(statement))
