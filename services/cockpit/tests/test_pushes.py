"""A platform pushes for units and feeds it is registered for, with a token bound to its key."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from cockpit.models import PushRecord
from servicekit.ids import new_id
from services.cockpit.tests.support.running_cockpit import Cockpit, amount, award, csv_of, move, stored
from testkit.clients import ProofKey
from testkit.tokens import OMIT

PUSHES = "/api/v1/intake/pushes"
GRANTS = "/api/v1/intake/push-grants"
CLIENT = "provincial-platform"


class Platform:
    """A client of an integration, which acts for itself."""

    def __init__(self, cockpit: Cockpit, client_id: str = CLIENT) -> None:
        self.cockpit = cockpit
        self.client_id = client_id
        self.key = ProofKey("http://cockpit.test")

    def token(self, **changes: Any) -> str:
        """As `identity.oauth.tokens.access_tokens.for_client` makes it."""
        of_people = ("sid", "acr", "auth_time", "permissions")
        claims = {
            **dict.fromkeys(of_people, OMIT),
            "sub": self.client_id,
            "client_id": self.client_id,
            "scope": "cockpit:write",
            "cnf": {"jkt": self.key.jkt},
            **changes,
        }
        return self.cockpit.tokens.without_membership(**claims)

    async def call(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        token = token or self.token()
        proof = self.key.proof(path, method=method, token=token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof, **more.pop("headers", {})}
        return await self.cockpit.http.request(method, path, headers=headers, **more)

    async def push(
        self, content: str, token: str | None = None, batch_id: str | None = None, **params: str
    ) -> httpx.Response:
        given = {"feed": "award", "source": "省平台", "unit_code": "370102", **params}
        return await self.call(
            "POST",
            PUSHES,
            token,
            params={**given, "batch_id": batch_id or str(new_id())},
            content=content,
            headers={"Content-Type": "text/csv"},
        )


async def register(cockpit: Cockpit, who: str = "county", **changes: Any) -> httpx.Response:
    given = {"client_id": CLIENT, "name": "某省学生资助平台", "feeds": ["award"], **changes}
    return await cockpit.http.post(GRANTS, json=given, headers=cockpit.bearer(who, roles=["unit_admin"]))


async def records(cockpit: Cockpit) -> list[str]:
    async with cockpit.database.transaction() as session:
        rows = await session.scalars(sa.select(PushRecord).order_by(PushRecord.at, PushRecord.id))
        return [row.action for row in rows]


async def test_a_registered_platform_pushes_and_reads_its_report(cockpit: Cockpit) -> None:
    platform = Platform(cockpit)
    assert (await register(cockpit)).status_code == 201
    name = str(new_id())
    content = csv_of([award(amount="5"), award(amount="-1"), award(unit_code="3701030001")])
    made = await platform.push(content, batch_id=name)
    assert (made.status_code, made.json()["accepted"], made.json()["rejected"]) == (201, 1, 2)
    again = await platform.push(content, batch_id=name)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    url = made.headers["location"]
    found = (await platform.call("GET", url)).json()
    assert found["rejected_by_reason"] == {"amount_not_positive": 1, "unit_out_of_batch": 1}
    report = await platform.call("GET", f"{url}/quarantine.csv")
    assert len(report.text.splitlines()) == 3
    assert await amount(cockpit) == "5.00"
    # People of the unit see it among their batches.
    listed = await cockpit.http.get("/api/v1/intake/batches", headers=cockpit.bearer())
    assert [one["source"] for one in listed.json()["items"]] == ["省平台"]
    assert await records(cockpit) == ["granted", "pushed", "pushed", "read"]


async def test_what_is_not_registered_is_refused_and_recorded(cockpit: Cockpit) -> None:
    platform, content = Platform(cockpit), csv_of([award()])
    assert (await platform.push(content)).json()["code"] == "push_not_granted"
    grant = (await register(cockpit)).json()
    others = ({"unit_code": "370103"}, {"unit_code": "999999"}, {"unit_code": "370100"}, {"feed": "payment"})
    for params in others:
        refused = await platform.push(content, **params)
        assert (refused.status_code, refused.json()["code"]) == (403, "push_not_granted"), params
    stranger = Platform(cockpit, "other-platform")
    assert (await stranger.push(content)).json()["code"] == "push_not_granted"

    made = await platform.push(content)
    assert (await stranger.call("GET", made.headers["location"])).json()["code"] == "batch_not_found"
    revoke = f"{GRANTS}/{grant['id']}/revoke"
    for _ in range(2):
        gone = await cockpit.http.post(revoke, headers=cockpit.bearer(roles=["unit_admin"]))
        assert gone.json()["revoked_at"]
    assert (await platform.push(csv_of([award()]))).json()["code"] == "push_not_granted"
    assert (await platform.call("GET", made.headers["location"])).json()["code"] == "batch_not_found"
    assert await records(cockpit) == [
        *("refused", "granted", "refused", "refused", "refused", "refused", "refused"),
        *("pushed", "revoked", "refused"),
    ]
    assert (await register(cockpit)).status_code == 201
    with pytest.raises(DBAPIError, match="append-only"):
        async with cockpit.database.transaction() as session:
            await session.execute(sa.update(PushRecord).values(client_id="x"))


async def test_only_a_client_with_a_token_bound_to_its_key_pushes(cockpit: Cockpit) -> None:
    platform, content = Platform(cockpit), csv_of([award()])
    await register(cockpit)
    params = {"feed": "award", "source": "s", "unit_code": "370102", "batch_id": str(new_id())}

    async def as_bearer(token: str) -> str:
        answer = await cockpit.http.post(
            PUSHES,
            params=params,
            content=content,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "text/csv"},
        )
        return str(answer.json()["code"])

    assert await as_bearer(platform.token()) == "invalid_token"
    assert await as_bearer(platform.token(cnf=OMIT)) == "bound_token_required"
    assert await as_bearer(cockpit.tokens.access_token(**cockpit.claims())) == "client_required"
    assert (await platform.push(content, platform.token(scope="cockpit:read"))).json()["code"] == (
        "insufficient_scope"
    )
    other = Platform(cockpit)
    stolen = await other.push(content, platform.token())
    assert (stolen.status_code, stolen.json()["code"]) == (401, "invalid_dpop_proof")
    # What is for people stays closed to it, and what it sends is judged like any file.
    assert (await platform.call("GET", "/api/v1/intake/batches")).json()["code"] == "membership_required"
    for changes, code in (
        ({"source": "370102198001010013"}, "personal_number"),
        ({"unit_code": "37-01"}, "invalid_shape"),
    ):
        assert (await platform.push(content, **changes)).json()["code"] == code
    assert await stored(cockpit) == (0, 0, 0)


async def test_a_registration_is_for_the_own_subtree(cockpit: Cockpit) -> None:
    foreign = await register(cockpit, unit=str(cockpit.world["sibling"].id))
    assert (foreign.status_code, foreign.json()["code"]) == (403, "out_of_reach")
    below = await register(cockpit, "city", unit=str(cockpit.world["county"].id), feeds=["award", "payment"])
    assert (below.status_code, below.json()["feeds"]) == (201, ["award", "payment"])
    assert (await register(cockpit)).json()["code"] == "push_already_granted"
    assert (await register(cockpit, client_id="x", name="13800138000")).json()["code"] == "personal_number"
    assert (await register(cockpit, feeds=[])).status_code == 422
    headers = cockpit.bearer(roles=["handler"])
    assert (await cockpit.http.get(GRANTS, headers=headers)).json()["code"] == "permission_required"
    foreign = await cockpit.http.post(
        f"{GRANTS}/{below.json()['id']}/revoke", headers=cockpit.bearer("sibling", roles=["unit_admin"])
    )
    assert foreign.json()["code"] == "push_grant_not_found"
    # Who is in charge of the unit now decides.
    await move(cockpit, "county", "province")
    gone = await cockpit.http.post(
        f"{GRANTS}/{below.json()['id']}/revoke", headers=cockpit.bearer("city", roles=["unit_admin"])
    )
    assert gone.json()["code"] == "push_grant_not_found"
