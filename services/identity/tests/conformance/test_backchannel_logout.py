"""oidcc-backchannel-rp-initiated-logout-certification-test-plan: one test per module, then the deliveries."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import pytest
from joserfc import jws
from sqlalchemy import text

from identity.base import job_queue
from identity.sessions.jobs import EVENT, NOTIFY, LogoutDelivery
from jobs.kinds import State
from jobs.queue import JobView
from services.identity.tests.support.registering import Register
from testkit.idle import wake_workers
from testkit.relying_party import RelyingParty
from testkit.waiting import moments

OUT = "http://localhost:8000/out"


@asynccontextmanager
async def receiver(*statuses: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A client's back-channel endpoint that answers with one status after the other, the last for ever."""
    bodies: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        found = re.search(r"content-length: (\d+)", head)
        assert found is not None
        bodies.append((await reader.readexactly(int(found.group(1)))).decode())
        status = statuses[min(len(bodies), len(statuses)) - 1]
        more = "location: http://127.0.0.1:1/\r\n" if status.startswith("3") else ""
        writer.write(f"HTTP/1.1 {status}\r\n{more}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/backchannel", bodies


async def until(condition: Callable[[], object]) -> None:
    async for _ in moments():
        found = condition()
        if await found if inspect.isawaitable(found) else found:
            return
    raise AssertionError("it did not happen")


async def notices(rp: RelyingParty) -> list[JobView]:
    async with rp.browser.app.state.database.transaction() as session:
        return await job_queue.list(session, kind=NOTIFY.name)


async def time_passes(rp: RelyingParty) -> None:
    """As if the wait for the next attempt were over."""
    async with rp.browser.app.state.database.transaction() as session:
        await session.execute(text("UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued'"))
        await session.execute(
            text(
                "SELECT pg_notify('ch_pgqueuer', json_build_object('channel', 'ch_pgqueuer', "
                "'operation', 'update', 'sent_at', now(), 'table', 'pgqueuer', "
                "'type', 'table_changed_event')::text)"
            )
        )


async def test_oidcc_backchannel_logout_discovery_endpoint_verification(rp: RelyingParty) -> None:
    document = await rp.discovery()
    assert document["backchannel_logout_supported"] is True
    assert document["backchannel_logout_session_supported"] is True


async def test_oidcc_backchannel_rp_initiated_logout(rp: RelyingParty, register: Register) -> None:
    async with receiver("200 OK") as (uri, bodies):
        await register("heard", backchannel_logout_uri=uri)
        rp.client_id = "heard"
        tokens = await rp.tokens()
        answer = await rp.logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=OUT)
        assert answer.headers["location"] == OUT
        await until(lambda: bodies)
        ((name, token),) = parse_qsl(bodies[0])
        assert name == "logout_token"
        claims = await rp.verified(token, "logout+jwt")
        assert claims["sub"] == tokens["claims"]["sub"]
        assert claims["sid"] == tokens["claims"]["sid"]
        assert claims["events"] == {EVENT: {}}
        assert claims["jti"]
        assert claims["iat"] < claims["exp"] <= claims["iat"] + 120
        assert "nonce" not in claims

        async def delivered() -> bool:
            return [notice.state for notice in await notices(rp)] == [State.SUCCEEDED]

        await until(delivered)
        assert len(bodies) == 1
        # A logout token is no ID token.
        assert (await rp.logout(id_token_hint=token)).status_code == 400


async def test_backchannel_2_6_logout_tokens_are_signed_like_the_client_s_id_tokens(
    rp: RelyingParty, register: Register
) -> None:
    async with receiver("200 OK") as (uri, bodies):
        await register("rsa", backchannel_logout_uri=uri, id_token_signed_response_alg="RS256")
        await register("ec", backchannel_logout_uri=uri)
        for client_id in ("rsa", "ec"):
            rp.client_id = client_id
            token = await rp.redeem((await rp.authorize())["code"])
        await rp.logout(id_token_hint=token.json()["id_token"])
        await until(lambda: len(bodies) == 2)
        algorithms = {}
        for body in bodies:
            ((_, value),) = parse_qsl(body)
            head = jws.extract_compact(value.encode()).headers()
            rp.alg = head["alg"]
            rp.client_id = "rsa" if rp.alg == "RS256" else "ec"
            algorithms[(await rp.verified(value, "logout+jwt"))["aud"]] = rp.alg
        assert algorithms == {"rsa": "RS256", "ec": "ES256"}


async def test_a_logout_notice_is_tried_again_until_the_client_takes_it(
    rp: RelyingParty, register: Register
) -> None:
    async with receiver("503 Unavailable", "302 Found", "204 No Content") as (uri, bodies):
        await register("deaf", backchannel_logout_uri=uri)
        rp.client_id = "deaf"
        await rp.logout(id_token_hint=(await rp.tokens())["id_token"])
        for attempt, error in ((1, "HTTP 503"), (2, "HTTP 302")):

            async def noted(error: str = error) -> bool:
                return [notice.error for notice in await notices(rp)] == [f"NotDelivered: {error}"]

            await until(noted)
            assert len(bodies) == attempt
            (notice,) = await notices(rp)
            wait = (notice.run_at - notice.updated_at).total_seconds()
            assert wait == pytest.approx(10 * 4 ** (attempt - 1), rel=0.21)
            await time_passes(rp)

        async def delivered() -> bool:
            return [notice.state for notice in await notices(rp)] == [State.SUCCEEDED]

        await until(delivered)
        assert len(bodies) == 3
        assert len(set(bodies)) == 3


async def test_a_logout_notice_is_given_up_in_the_end(rp: RelyingParty, register: Register) -> None:
    await register("gone", backchannel_logout_uri="http://127.0.0.1:1/")
    rp.client_id = "gone"
    await rp.logout(id_token_hint=(await rp.tokens())["id_token"])

    async def dead() -> bool:
        await time_passes(rp)
        (notice,) = await notices(rp)
        return notice.state == State.DEAD

    await until(dead)
    (notice,) = await notices(rp)
    assert (notice.attempts, notice.error) == (8, "NotDelivered: ConnectError")
    async with rp.browser.app.state.database.transaction() as session:
        told = await session.scalar(
            text("SELECT count(*) FROM audit_log WHERE action = 'logout.undeliverable'")
        )
    assert told == 1


async def test_a_notice_that_the_release_before_writes_is_delivered_as_a_job(
    rp: RelyingParty, register: Register
) -> None:
    async with receiver("200 OK") as (uri, bodies):
        await register("heard", backchannel_logout_uri=uri)
        async with rp.browser.app.state.database.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO logout_notices "
                    "(id, client_id, account_id, session_id, created_at, attempts, next_attempt_at) "
                    "VALUES (gen_random_uuid(), 'heard', gen_random_uuid(), gen_random_uuid(), now(), 0, "
                    "now())"
                )
            )
        wake_workers()
        await until(lambda: bodies)
        async with rp.browser.app.state.database.transaction() as session:
            assert await session.scalar(text("SELECT count(*) FROM logout_notices")) == 0


@pytest.mark.parametrize(
    ("uri", "error"),
    [
        ("http://insecure.example/", "not an https URI"),
        ("https://127.0.0.1:1/", "not a public address"),
        ("https://169.254.169.254/", "not a public address"),
    ],
)
async def test_logout_tokens_leave_only_over_tls_to_public_addresses_in_production(
    rp: RelyingParty, uri: str, error: str
) -> None:
    state = rp.browser.app.state
    settings = state.settings.model_copy(update={"mode": "production"})
    delivery = LogoutDelivery(state.key_ring, settings, state.clock)
    assert await delivery._post(uri, "t") == error
