"""Who is turned away, and what bad input gets."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import JsonValue

from contracts.identity import AccessRevokedV1, ClientRevokedV1
from messaging.envelope import Envelope
from servicekit.ids import new_id
from servicekit.paging import encode
from services.office.tests.support.running_office import RunningOffice, a_draft

N = "/api/v1/notices"
NOWHERE = "00000000-0000-7000-8000-000000000000"


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


async def test_nobody_gets_in_without_a_good_token(office: RunningOffice) -> None:
    tokens = office.tokens
    expected = {
        None: "unauthenticated",
        tokens.wrong_audience(): "invalid_token",
        tokens.wrong_issuer(): "invalid_token",
        tokens.expired(): "token_expired",
        tokens.unsigned(): "invalid_token",
        tokens.hs256_with_public_key(): "invalid_token",
        tokens.unknown_kid(): "invalid_token",
        tokens.embedded_jwk(): "invalid_token",
    }
    for token, code in expected.items():
        assert code_of(await office.client(token).get(f"{N}/inbox")) == (401, code)


EVERYTHING = pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{N}/inbox"),
        ("GET", f"{N}/outbox"),
        ("POST", N),
        ("GET", f"{N}/{NOWHERE}"),
        ("PUT", f"{N}/{NOWHERE}"),
        ("POST", f"{N}/{NOWHERE}/publish"),
        ("POST", f"{N}/{NOWHERE}/forward"),
        ("POST", f"{N}/{NOWHERE}/sign"),
        ("POST", f"{N}/{NOWHERE}/read"),
        ("POST", f"{N}/{NOWHERE}/withdraw"),
        ("GET", f"{N}/{NOWHERE}/coverage"),
        ("GET", "/api/v1/units"),
        ("GET", f"/api/v1/units/{NOWHERE}"),
    ],
)


@EVERYTHING
async def test_a_token_without_membership_opens_nothing(
    office: RunningOffice, method: str, path: str
) -> None:
    client = office.client(office.tokens.without_membership(scope="office"))
    body = a_draft() if method != "GET" else None
    assert code_of(await client.request(method, path, json=body)) == (403, "membership_required")


@EVERYTHING
async def test_a_token_for_something_else_opens_nothing(
    office: RunningOffice, method: str, path: str
) -> None:
    body = a_draft() if method != "GET" else None
    for scope in ("openid profile", "cockpit:read", "office:read", ""):
        client = office.unit("100000", scope=scope)
        assert code_of(await client.request(method, path, json=body)) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("act", "unit", "allowed"),
    [
        ("draft", "100000", {"handler", "approver", "unit_admin"}),
        ("publish", "100000", {"approver"}),
        ("withdraw", "100000", {"approver"}),
        ("forward", "370000", {"handler", "approver", "unit_admin"}),
        ("sign", "370000", {"handler", "approver", "unit_admin"}),
        ("outbox", "370000", {"handler", "reviewer", "approver", "unit_admin"}),
    ],
)
async def test_each_act_needs_its_role(office: RunningOffice, act: str, unit: str, allowed: set[str]) -> None:
    notice = await office.published()
    for role in ("handler", "unit_admin", "reviewer", "approver"):
        client = office.unit(unit, role)
        if act == "draft":
            response = await client.post(N, json=a_draft())
        elif act == "outbox":
            response = await client.get(f"{N}/outbox")
        else:
            response = await client.post(f"{N}/{notice}/{act}", json={})
        refused = response.status_code == 403
        assert refused == (role not in allowed)
        if refused:
            assert code_of(response) == (403, "permission_required")


async def test_a_unit_not_yet_replicated_is_told_to_wait(office: RunningOffice) -> None:
    token = office.tokens.access_token(roles=["handler"], scope="office")
    response = await office.client(token).get(f"{N}/inbox")
    assert code_of(response) == (503, "unit_not_replicated")
    assert response.headers["retry-after"] == "2"


async def test_a_closed_unit_does_nothing_more(office: RunningOffice) -> None:
    office.world.units["370000"]["status"] = "closed"
    await office.replace_units(office.world)
    assert code_of(await office.unit("370000").get(f"{N}/inbox")) == (403, "unit_inactive")


async def test_a_withdrawn_token_is_refused_at_once(office: RunningOffice) -> None:
    sub = uuid.uuid4()
    past = int(datetime.now(UTC).timestamp()) - 30
    client = office.unit("370000", sub=str(sub), iat=past)
    assert (await client.get(f"{N}/inbox")).status_code == 200
    now = datetime.now(UTC)
    event = AccessRevokedV1(
        sub=sub, not_before=now, expires_at=now + timedelta(minutes=5), reason="suspended"
    )
    await announce(office, event)
    assert code_of(await client.get(f"{N}/inbox")) == (401, "token_revoked")
    assert (await office.unit("370000", iat=past).get(f"{N}/inbox")).status_code == 200


async def test_tokens_of_a_withdrawn_client_are_refused_at_once(office: RunningOffice) -> None:
    past = int(datetime.now(UTC).timestamp()) - 30
    of_app, of_portal = (office.unit("370000", client_id=name, iat=past) for name in ("app", "portal"))
    assert (await of_app.get(f"{N}/inbox")).status_code == 200
    now = datetime.now(UTC)
    await announce(
        office,
        ClientRevokedV1(
            client_id="app", not_before=now, expires_at=now + timedelta(minutes=5), reason="client disabled"
        ),
    )
    assert code_of(await of_app.get(f"{N}/inbox")) == (401, "token_revoked")
    assert (await of_portal.get(f"{N}/inbox")).status_code == 200


async def announce(office: RunningOffice, event: AccessRevokedV1 | ClientRevokedV1) -> None:
    envelope = Envelope(
        id=new_id(),
        source="/zhuxue/identity",
        type=event.type,
        subject="somebody",
        time=event.not_before,
        data=event.model_dump(mode="json"),
    )
    assert await office.bus.publish([envelope]) == [None]


async def test_malformed_json_is_a_problem(office: RunningOffice) -> None:
    for body in (b"{", b"\xff\xfe", b'{"a":'):
        response = await office.unit("100000").post(
            N, content=body, headers={"Content-Type": "application/json"}
        )
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"


async def test_ten_megabytes_are_refused(office: RunningOffice) -> None:
    body = b'{"title": "' + b"x" * 10_000_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    assert code_of(await office.unit("100000").post(N, content=body, headers=headers)) == (
        413,
        "body_too_large",
    )

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 100_000
            await asyncio.sleep(0)

    response = await office.unit("100000").post(N, content=stream(), headers=headers)
    assert code_of(response) == (413, "body_too_large")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"title": "标题\u0000"},
        {"title": "第一行\n第二行"},
        {"title": "长" * 201},
        {"body": []},
        {"body": ["是列表"]},
        {"body": "正文\u0007"},
        {"body": "长" * 200_001},
        {"number_prefix": "教助中心〔2023〕"},
        {"document_number": "教助中心〔2023〕11号"},
        {"urgency": "急"},
        {"kind": "命令"},
        {"secrecy": "内部"},
        {"deadline": "2023-05-08T00:00:00"},
        {"deadline": "2023-05-08T00:00:00+08:00"},  # and deadline_workdays as well
        {"deadline_workdays": 0},
        {"deadline_workdays": 10**30},
        {"unknown": 1},
        {"attachments": [{"note": "没有名称"}]},
    ],
)
async def test_a_draft_of_the_wrong_shape_is_told_where(
    office: RunningOffice, spoilt: dict[str, JsonValue]
) -> None:
    response = await office.unit("100000").post(N, json=a_draft(**spoilt))
    assert code_of(response) == (422, "invalid_shape")
    top = response.json()["errors"][0]["pointer"].split("/")[:2]
    # Two fields that contradict each other are an error of the whole body.
    assert top == ([""] if str(spoilt.get("deadline")).endswith("+08:00") else ["", *spoilt])


async def test_a_lone_surrogate_is_not_stored(office: RunningOffice) -> None:
    body = json.dumps(a_draft(title="\ud800")).encode()
    headers = {"Content-Type": "application/json"}
    assert code_of(await office.unit("100000").post(N, content=body, headers=headers)) == (
        422,
        "invalid_shape",
    )


@pytest.mark.parametrize("deadline", ["2999-12-31T23:59:59-12:00", "2000-01-01T00:00:00+14:00"])
async def test_a_deadline_far_off_is_refused(office: RunningOffice, deadline: str) -> None:
    response = await office.unit("100000").post(N, json=a_draft(deadline=deadline, deadline_workdays=None))
    assert code_of(response) == (400, "deadline_out_of_range")


@pytest.mark.parametrize("path", ["inbox", "outbox"])
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "W10",
        "é",
        encode(["a", "b"]),
        encode(["0001-01-01T00:00:00+14:00", NOWHERE]),
        encode(["9999-12-31T23:59:59-23:59", NOWHERE]),
        encode(["2023-04-27T01:00:00", NOWHERE]),
    ],
)
async def test_a_foreign_cursor_is_refused(office: RunningOffice, path: str, cursor: str) -> None:
    response = await office.unit("100000").get(f"{N}/{path}", params={"cursor": cursor})
    assert code_of(response) == (400, "bad_cursor")


@pytest.mark.parametrize(
    "when", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "2023-05-06T17:30:00"]
)
async def test_a_time_that_cannot_be_stored_is_refused(office: RunningOffice, when: str) -> None:
    refused = await office.unit("100000", "handler").post(
        N, json=a_draft(deadline=when, deadline_workdays=None)
    )
    assert code_of(refused)[0] == 422
