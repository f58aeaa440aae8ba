"""Wall displays show the views of one unit, as long as they are neither stopped nor revoked."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from cockpit.walls.consumers import EVENTS, WallEvents
from contracts.identity import AccessRevokedV1, ClientRevokedV1, WallAllowedV1
from servicekit.clock import SystemClock
from servicekit.ids import new_id
from services.cockpit.tests.support.running_cockpit import Cockpit

W = "/api/v1/walls"
VIEW = "/api/v1/views/overview"
APPROVER = new_id()


async def tell(cockpit: Cockpit, event: Any) -> None:
    assert isinstance(event, EVENTS)
    async with cockpit.database.transaction() as session:
        await WallEvents(SystemClock()).handle(session, event, None)  # type: ignore[arg-type]


async def allowed(cockpit: Cockpit, unit: str = "county", **changes: Any) -> UUID:
    grant_id, now = new_id(), datetime.now(UTC)
    event = WallAllowedV1(
        grant_id=grant_id,
        client_id="wall",
        sub=APPROVER,
        approver="张三",
        unit_id=cockpit.world[unit].id,
        name="一楼大厅",
        allowed_at=now,
        expires_at=now + timedelta(days=90),
    ).model_copy(update=changes)
    await tell(cockpit, event)
    await tell(cockpit, event)
    return grant_id


async def look(cockpit: Cockpit, grant_id: UUID, unit: str = "county", path: str = VIEW) -> httpx.Response:
    wall = cockpit.bearer(
        unit, scope="cockpit:wall offline_access", grant_id=str(grant_id), client_id="wall", sub=str(APPROVER)
    )
    return await cockpit.http.get(path, headers=wall)


async def listed(cockpit: Cockpit, by: str = "county", **params: Any) -> list[dict[str, Any]]:
    answer = await cockpit.http.get(W, params=params, headers=cockpit.bearer(by))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_wall_display_sees_the_views_of_its_unit_and_nothing_else(cockpit: Cockpit) -> None:
    unknown = await look(cockpit, new_id())
    assert (unknown.status_code, unknown.json()["code"]) == (403, "wall_refused")
    wall = await allowed(cockpit)
    (before,) = await listed(cockpit)
    assert (before["name"], before["last_seen_at"]) == ("一楼大厅", None)
    assert (await look(cockpit, wall)).status_code == 200
    (after,) = await listed(cockpit)
    assert after["last_seen_at"] is not None
    # Whoever allowed it acts for another unit now.
    moved = await look(cockpit, wall, "city")
    assert (moved.status_code, moved.json()["code"]) == (403, "wall_refused")
    for path in (
        "/api/v1/overview?year=2017",
        "/api/v1/metrics",
        "/api/v1/exports",
        W,
        "/api/v1/individuals/uses",
    ):
        other = await look(cockpit, wall, path=path)
        assert (path, other.status_code, other.json()["code"]) == (path, 403, "insufficient_scope")


async def test_one_that_is_stopped_or_revoked_or_expired_shows_nothing(cockpit: Cockpit) -> None:
    now = datetime.now(UTC)
    walls = {name: await allowed(cockpit, name=name) for name in ("stopped", "grant", "client", "stays")}
    await allowed(cockpit, name="expired", expires_at=now - timedelta(seconds=1))
    for path, headers, expected in (
        (W, cockpit.bearer("county"), (403, "permission_required")),
        (W, cockpit.bearer("sibling", permissions=["entitlements.grant"]), (404, "wall_not_found")),
        (W, cockpit.bearer("county", sub=str(APPROVER)), (200, None)),
        (W, cockpit.bearer("province", permissions=["entitlements.grant"]), (409, "wall_ended")),
    ):
        answer = await cockpit.http.post(f"{path}/{walls['stopped']}/stop", headers=headers)
        assert (answer.status_code, answer.json().get("code")) == expected
    until = {"not_before": now, "expires_at": now + timedelta(minutes=6), "reason": "撤回"}
    await tell(cockpit, AccessRevokedV1(sub=APPROVER, grant_id=str(walls["grant"]), **until))
    # Of all tokens of the person, which says nothing about the grant.
    await tell(cockpit, AccessRevokedV1(sub=APPROVER, **until))
    assert {one["name"] for one in await listed(cockpit, "city")} == {"client", "stays"}
    later = {**until, "not_before": datetime.now(UTC) + timedelta(seconds=3)}
    await tell(cockpit, ClientRevokedV1(client_id="other", **later))
    assert (await look(cockpit, walls["client"])).status_code == 200
    await tell(cockpit, ClientRevokedV1(client_id="wall", **later))
    for wall in walls.values():
        assert (await look(cockpit, wall)).json()["code"] == "wall_refused"
    ended = await listed(cockpit, ended=True)
    assert {one["name"]: one["ended_by"] is not None for one in ended} == {
        "stopped": True,
        "grant": False,
        "client": False,
        "stays": False,
        "expired": False,
    }
    assert await listed(cockpit, "sibling") == []
