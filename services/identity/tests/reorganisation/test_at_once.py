"""Changes of the tree at once with each other, with invites and with signing in: no deadlock, one tree."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from identity.units.models import Unit
from services.identity.tests.support.running_identity import NewBrowser

from .test_changes_of_the_tree import CENTRE_ADMIN, COUNTY_ADMIN, Office

ROUNDS = 4


@pytest.fixture
async def centre(new_browser: NewBrowser) -> Office:
    return await Office.of(new_browser(), CENTRE_ADMIN)


async def post(office: Office, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await office.browser.http.post(f"/api/v1{path}", headers={**office.headers, **headers}, json=body)


async def test_moving_opening_inviting_renaming_and_closing_at_once_end_in_a_tree(
    centre: Office, new_browser: NewBrowser, app: FastAPI
) -> None:
    units = {code: (await centre.unit(code))["id"] for code in ("370102", "370100", "370200", "S3701020002")}
    invite = await post(centre, f"/units/{units['S3701020002']}/invites", {"roles": ["handler"]})
    assert invite.status_code == 201, invite.text
    statuses: list[int] = []
    why = {"reason": "区划调整"}
    for number in range(ROUNDS):
        to = units["370200" if number % 2 == 0 else "370100"]
        new = {
            "parent_id": units["370102"],
            "code": f"S370102900{number}",
            "name": f"第{number}小学",
            "level": "school",
            "kind": "school",
            "stages": ["compulsory"],
        }
        answers = await asyncio.gather(
            post(centre, f"/units/{units['370102']}/move", {**why, "parent_id": to}, **{"If-Match": "*"}),
            post(centre, f"/units/{units['370102']}/move", {**why, "parent_id": to}, **{"If-Match": "*"}),
            post(centre, "/units", new),
            post(
                centre,
                f"/units/{units['S3701020002']}/rename",
                {**why, "name": f"济南市历下区第{number}中学"},
                **{"If-Match": "*"},
            ),
            post(centre, f"/units/{units['S3701020002']}/invites", {"roles": ["handler"]}),
            post(centre, f"/units/{units['S3701020002']}/close", why, **{"If-Match": "*"}),
            new_browser().bearer(COUNTY_ADMIN),
        )
        statuses += [answer.status_code for answer in answers if isinstance(answer, httpx.Response)]
        moves = sorted(answer.status_code for answer in answers[:2] if isinstance(answer, httpx.Response))
        assert moves == [200, 409]
    assert max(statuses) < 500, statuses
    async with app.state.database.transaction() as session:
        assert await session.scalar(select(Unit.path).where(Unit.code == "370102")) == (
            "100000.370000.370100.370102"
        )
        wrong = text(
            "SELECT count(*) FROM units u JOIN units p ON p.id = u.parent_id"
            " WHERE u.path <> p.path || u.code::ltree"
        )
        assert await session.scalar(wrong) == 0
        several = text(
            "SELECT count(*) FROM (SELECT unit_id FROM unit_changes WHERE valid_to IS NULL"
            " AND kind <> 'moved_with' GROUP BY unit_id HAVING count(*) <> 1) s"
        )
        assert await session.scalar(several) == 0
