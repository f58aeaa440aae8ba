"""The page of a new delegation refuses what it cannot do, and drops nothing."""

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.identity.tests.support.running_identity import NewBrowser
from testkit.pages import csrf_of
from testkit.postgres import Migration

COUNTY_ADMIN, COUNTY_HANDLER = "19900001323", "19900001324"
VERIFIER = "v" * 64


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def test_more_than_four_roles_at_once_are_refused(app: FastAPI, new_browser: NewBrowser) -> None:
    mine, other = new_browser(), new_browser()
    headers = await other.bearer(COUNTY_HANDLER)
    taker = (await other.http.get("/api/v1/me", headers=headers)).json()
    await mine.sign_in(COUNTY_ADMIN, mine.authorize_url(verifier=VERIFIER))
    roles = ["unit_admin", "approver", "handler", "reviewer", "custom_role"]
    async with app.state.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE memberships SET roles = '{unit_admin,approver,handler,reviewer}' WHERE id ="
                " (SELECT id FROM memberships WHERE roles @> '{unit_admin}' AND unit_id = :unit)"
            ),
            {"unit": taker["unit_id"]},
        )
    page = await mine.http.get("/account/delegations/new")
    form = {
        "csrf": csrf_of(page.text),
        "unit_id": taker["unit_id"],
        "to": taker["sub"],
        "role": roles,
        "starts_on": "2026-12-01",
        "ends_on": "2026-12-03",
        "reason": "出差期间代办",
    }
    refused = await mine.http.post("/account/delegations", data=form)
    assert (refused.status_code, "一次最多委托 4 个角色" in refused.text) == (400, True), refused.text
    async with app.state.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM delegations")) == 0
