"""The certification plans of RP-initiated, back-channel and front-channel logout: one test per module."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import uuid4

import httpx
import pytest
from joserfc import jws
from sqlalchemy import select

from identity.sessions.backchannel_logout import EVENT, LogoutDelivery, _Post
from identity.sessions.logout_models import LogoutNotice

OUT = "http://localhost:8000/out"


async def signed_in(rp: Any) -> bool:
    return "code" in await rp.authorize(prompt="none")


async def confirm(rp: Any, page: Any, form_fields: Any) -> Any:
    assert page.status_code == 200, page.text
    assert "/end_session/confirm" in page.text
    return await rp.http.post("/end_session/confirm", data=form_fields(page.text))


async def logout(rp: Any, **params: str) -> Any:
    return await rp.http.get("/end_session", params=params)


async def discovery(rp: Any) -> dict[str, Any]:
    document: dict[str, Any] = (await rp.http.get("/.well-known/openid-configuration")).json()
    return document


async def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(rp: Any) -> None:
    assert (await discovery(rp))["end_session_endpoint"] == "http://localhost:8001/end_session"


async def test_oidcc_rp_initiated_logout(rp: Any) -> None:
    token = (await rp.tokens())["id_token"]
    answer = await logout(rp, id_token_hint=token, post_logout_redirect_uri=OUT, state="s1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{OUT}?state=s1")
    assert not await signed_in(rp)


async def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(rp: Any) -> None:
    token = (await rp.tokens())["id_token"]
    for bad in (f"{OUT}/", "http://evil.example/", "javascript:alert(1)", f"{OUT}#x"):
        answer = await logout(rp, id_token_hint=token, post_logout_redirect_uri=bad, state="s")
        assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert await signed_in(rp)


async def test_oidcc_rp_initiated_logout_modified_id_token_hint(rp: Any) -> None:
    header, payload, signature = (await rp.tokens())["id_token"].split(".")
    forged = f"{header}.{payload}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}"
    answer = await logout(rp, id_token_hint=forged, post_logout_redirect_uri=OUT)
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert await signed_in(rp)


async def test_oidcc_rp_initiated_logout_bad_id_token_hint(rp: Any) -> None:
    await rp.tokens()
    answer = await logout(rp, id_token_hint="nonsense", post_logout_redirect_uri=OUT)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_oidcc_rp_initiated_logout_no_id_token_hint(rp: Any, form_fields: Any) -> None:
    await rp.tokens()
    answer = await confirm(rp, await logout(rp, post_logout_redirect_uri=OUT, state="s"), form_fields)
    # Nobody vouches for the URI: signed out, and not sent anywhere.
    assert (answer.status_code, "您已退出登录" in answer.text) == (200, True)
    assert not await signed_in(rp)
    await rp.tokens()
    page = await logout(rp, client_id="rp", post_logout_redirect_uri=OUT, state="s")
    assert (await confirm(rp, page, form_fields)).headers["location"] == f"{OUT}?state=s"


async def test_oidcc_rp_initiated_logout_no_params(rp: Any, form_fields: Any) -> None:
    await rp.tokens()
    answer = await confirm(rp, await logout(rp), form_fields)
    assert "您已退出登录" in answer.text
    assert not await signed_in(rp)
    assert "您已退出登录" in (await logout(rp)).text


async def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(rp: Any) -> None:
    answer = await logout(rp, id_token_hint=(await rp.tokens())["id_token"], state="s")
    assert (answer.status_code, "您已退出登录" in answer.text) == (200, True)
    assert not await signed_in(rp)


async def test_oidcc_rp_initiated_logout_no_state(rp: Any) -> None:
    answer = await logout(rp, id_token_hint=(await rp.tokens())["id_token"], post_logout_redirect_uri=OUT)
    assert answer.headers["location"] == OUT


async def test_oidcc_rp_initiated_logout_only_state(rp: Any, form_fields: Any) -> None:
    await rp.tokens()
    answer = await confirm(rp, await logout(rp, state="s"), form_fields)
    assert "您已退出登录" in answer.text
    assert not await signed_in(rp)


async def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(rp: Any) -> None:
    token = (await rp.tokens())["id_token"]
    answer = await logout(rp, id_token_hint=token, post_logout_redirect_uri=f"{OUT}?foo=bar")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_an_expired_id_token_hint_by_post_without_cookies_ends_its_session(
    rp: Any, clock: Any, new_browser: Any
) -> None:
    token = (await rp.tokens())["id_token"]
    clock.advance(timedelta(minutes=20))
    form = {"id_token_hint": token, "post_logout_redirect_uri": OUT}
    assert (await new_browser().http.post("/end_session", data=form)).headers["location"] == OUT
    assert not await signed_in(rp)


async def test_another_site_cannot_sign_a_person_out(rp: Any, form_fields: Any) -> None:
    await rp.tokens()
    page = await logout(rp)
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    for form, headers in (
        ({"csrf": "0" * 64}, {}),
        (form_fields(page.text), {"origin": "https://evil.example"}),
    ):
        answer = await rp.http.post("/end_session/confirm", data=form, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forged_form")
    assert await signed_in(rp)


async def test_a_hint_of_another_session_or_client_asks_or_is_refused(rp: Any, register: Any) -> None:
    old = (await rp.tokens())["id_token"]
    rp.phone = "19900001324"
    await rp.tokens(prompt="login")
    page = await logout(rp, id_token_hint=old, post_logout_redirect_uri=OUT)
    assert "/end_session/confirm" in page.text
    await register("other")
    assert (await logout(rp, id_token_hint=old, client_id="other")).status_code == 400
    assert await signed_in(rp)


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


async def until(condition: Any) -> None:
    for _ in range(250):
        if await condition() if asyncio.iscoroutinefunction(condition) else condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


async def notices(rp: Any) -> list[LogoutNotice]:
    async with rp.app.state.database.transaction() as session:
        return list(await session.scalars(select(LogoutNotice)))


async def test_oidcc_backchannel_logout_discovery_endpoint_verification(rp: Any) -> None:
    document = await discovery(rp)
    assert document["backchannel_logout_supported"] is True
    assert document["backchannel_logout_session_supported"] is True


async def test_oidcc_backchannel_rp_initiated_logout(rp: Any, register: Any) -> None:
    async with receiver("200 OK") as (uri, bodies):
        await register("heard", backchannel_logout_uri=uri)
        rp.client_id = "heard"
        tokens = await rp.tokens()
        answer = await logout(rp, id_token_hint=tokens["id_token"], post_logout_redirect_uri=OUT)
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

        async def forgotten() -> bool:
            return not await notices(rp)

        await until(forgotten)
        assert len(bodies) == 1
        # A logout token is no ID token.
        assert (await logout(rp, id_token_hint=token)).status_code == 400


async def test_backchannel_2_6_logout_tokens_are_signed_like_the_client_s_id_tokens(
    rp: Any, register: Any
) -> None:
    async with receiver("200 OK") as (uri, bodies):
        await register("rsa", backchannel_logout_uri=uri, id_token_signed_response_alg="RS256")
        await register("ec", backchannel_logout_uri=uri)
        for client_id in ("rsa", "ec"):
            rp.client_id = client_id
            token = await rp.redeem((await rp.authorize())["code"])
        await logout(rp, id_token_hint=token.json()["id_token"])
        await until(lambda: len(bodies) == 2)
        algorithms = {}
        for body in bodies:
            ((_, value),) = parse_qsl(body)
            head = jws.extract_compact(value.encode()).headers()
            rp.client_id = "rsa" if head["alg"] == "RS256" else "ec"
            algorithms[(await rp.verified(value, "logout+jwt", head["alg"]))["aud"]] = head["alg"]
        assert algorithms == {"rsa": "RS256", "ec": "ES256"}


async def test_a_logout_notice_is_tried_again_until_the_client_takes_it(
    rp: Any, register: Any, clock: Any
) -> None:
    async with receiver("503 Unavailable", "302 Found", "204 No Content") as (uri, bodies):
        await register("deaf", backchannel_logout_uri=uri)
        rp.client_id = "deaf"
        await logout(rp, id_token_hint=(await rp.tokens())["id_token"])
        for attempt, error in ((1, "HTTP 503"), (2, "HTTP 302")):

            async def noted(error: str = error) -> bool:
                return [notice.last_error for notice in await notices(rp)] == [error]

            await until(noted)
            assert len(bodies) == attempt
            clock.advance(timedelta(seconds=41))

        async def forgotten() -> bool:
            return not await notices(rp)

        await until(forgotten)
        assert len(bodies) == 3
        assert len(set(bodies)) == 3


async def test_a_logout_notice_is_given_up_in_the_end(rp: Any, register: Any, clock: Any) -> None:
    await register("gone", backchannel_logout_uri="http://127.0.0.1:1/")
    rp.client_id = "gone"
    rp.app.state.logout_delivery._poll = 0.02
    await logout(rp, id_token_hint=(await rp.tokens())["id_token"])

    async def dead() -> bool:
        clock.advance(timedelta(hours=1))
        (notice,) = await notices(rp)
        return notice.dead_at is not None

    await until(dead)
    (notice,) = await notices(rp)
    assert (notice.attempts, notice.last_error) == (8, "ConnectError")


async def test_oidcc_frontchannel_logout_discovery_endpoint_verification(rp: Any) -> None:
    document = await discovery(rp)
    assert document["frontchannel_logout_supported"] is True
    assert document["frontchannel_logout_session_supported"] is True


async def test_oidcc_frontchannel_rp_initiated_logout(rp: Any, register: Any) -> None:
    await register("framed", frontchannel_logout_uri="https://framed.example:8443/bye?a=1")
    rp.client_id = "framed"
    tokens = await rp.tokens()
    page = await logout(rp, id_token_hint=tokens["id_token"], post_logout_redirect_uri=OUT, state="s")
    assert page.status_code == 200
    (source,) = re.findall(r'<iframe src="([^"]+)"', page.text)
    query = parse_qs(urlsplit(source.replace("&amp;", "&")).query)
    assert query == {"a": ["1"], "iss": ["http://localhost:8001"], "sid": [tokens["claims"]["sid"]]}
    policy = page.headers["content-security-policy"]
    assert policy.endswith("frame-src https://framed.example:8443")
    assert "script-src" not in policy
    assert f"url={OUT}?state=s" in page.text
    assert not await signed_in(rp)


@pytest.mark.parametrize("uri", ["http://insecure.example/"])
async def test_logout_tokens_leave_only_over_tls_in_production(rp: Any, uri: str) -> None:
    state = rp.app.state
    settings = state.settings.model_copy(update={"mode": "production"})
    delivery = LogoutDelivery(state.database, state.key_ring, settings, state.clock)
    async with httpx.AsyncClient() as http:
        assert await delivery._post(http, _Post(uuid4(), uri, "t")) == "not an https URI"
