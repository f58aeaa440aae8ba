"""Signing in and out through the portal: the session, its cookie, and that no token reaches the browser."""

import asyncio
import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import text

from portal.issuer.client import Refused
from portal.issuer.keys import new_session_key
from portal.sessions.sealing import Sealing
from servicekit.cipher import Cipher, Key
from testkit.pages import csrf_of
from testkit.writers import rows, waits
from tests.portal.conftest import NewVisitor, Site, Twin, Visitor, secrets_of

ME = "/api/identity/v1/me"
SECOND = "19900001324"


async def refused(person: Visitor, process: str = "") -> bool:
    answer = await person.call("GET", process + ME)
    return (answer.status_code, answer.json().get("code")) == (401, "sign_in_required")


async def test_somebody_signs_in_and_pages_call_the_services(site: Site, new_visitor: NewVisitor) -> None:
    person = new_visitor()
    assert (await person.call("GET", "/bff/session")).json()["code"] == "sign_in_required"
    back = await person.sign_in(path="/bff/login?return_to=/notices%3Fpage=2")
    assert (back.status_code, back.headers["location"]) == (303, "/notices?page=2")
    me = await person.call("GET", ME)
    assert (me.status_code, me.headers["cache-control"]) == (200, "no-store"), me.text
    counts = await person.call("GET", "/api/office/v1/tasks/counts")
    assert counts.status_code == 200, counts.text
    session = (await person.call("GET", "/bff/session")).json()
    assert session["sub"] == me.json()["sub"]
    assert session["now"] < session["expires_at"] < session["ends_at"]
    [line] = [one for one in back.headers.get_list("set-cookie") if "zhuxue=" in one]
    assert line.startswith("__Host-Http-zhuxue=")
    attributes = {part.strip().lower() for part in line.split(";")[1:]}
    assert attributes == {"httponly", "path=/", "samesite=strict", "secure"}
    # Everything that reached the browser: of Identity its own cookie and codes, of the portal one cookie.
    secrets = await secrets_of(site)
    assert len(secrets) == 4
    for answer in person.answers:
        seen = answer.text + str(answer.headers) + str(answer.request.url)
        assert not [one for one in secrets if one in seen], answer.url
    signed = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
    assert not any(signed.search(one.text + str(one.headers)) for one in person.answers)


async def test_a_wish_that_cannot_be_passed_on_is_refused_here(new_visitor: NewVisitor) -> None:
    """Identity would refuse it, which is no failure of Identity's."""
    person = new_visitor()
    for wish in ("login_hint=%00%C3%A6P(", "acr_values=a%0Ab", f"login_hint={'1' * 513}"):
        answer = await person.call("GET", f"/bff/login?{wish}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_shape"), wish


async def test_a_planted_session_is_not_the_one_that_is_signed_in(new_visitor: NewVisitor) -> None:
    attacker, victim = new_visitor(), new_visitor()
    await attacker.sign_in(SECOND)
    planted = attacker.session_cookie()
    victim.cookies = {host: dict(kept) for host, kept in attacker.cookies.items() if "zhuxue" in str(kept)}
    victim.cookies.pop(urlsplit(victim.site.identity_url).netloc, None)
    await victim.sign_in()
    assert victim.session_cookie() not in (None, planted)
    assert await refused(attacker), "the session that was replaced has ended"


async def test_an_answer_that_this_browser_did_not_ask_for_is_refused(new_visitor: NewVisitor) -> None:
    person, other = new_visitor(), new_visitor()
    asked = await person.send("GET", "/bff/login")
    for state in ("", "x" * 43):
        answer = await person.send("GET", "/bff/callback", params={"state": state, "code": "c", "iss": "i"})
        assert answer.headers["location"].startswith("/sign-in?error=expired")
    # Another browser's attempt: the victim of a forged sign-in.
    await person.follow(asked)
    back = await other.send("GET", "/bff/callback", params={"state": "y" * 43, "code": "c"})
    assert back.headers["location"].startswith("/sign-in?error=expired")
    assert other.session_cookie() is None


async def test_a_refusal_at_identity_leads_to_a_page_that_offers_another_attempt(
    new_visitor: NewVisitor,
) -> None:
    person = new_visitor()
    begun = await person.send("GET", "/bff/login", params={"return_to": "/tasks"})
    host = urlsplit(str(begun.url)).netloc
    [name] = [one for one in person.cookies[host] if "sign-in" in one]
    state = person.site.portal.state
    kept = state.sealing.opened_transaction(person.cookies[host][name])
    answer = await person.send(
        "GET",
        "/bff/callback",
        params={"state": json.loads(kept)["state"], "error": "access_denied"},
    )
    found = parse_qs(urlsplit(answer.headers["location"]).query)
    assert found == {"error": ["denied"], "return_to": ["/tasks"]}


async def test_signing_out_ends_the_session_everywhere(site: Site, new_visitor: NewVisitor) -> None:
    person, other = new_visitor(), new_visitor()
    await person.sign_in()
    await other.sign_in()
    assert (await person.send("POST", "/bff/logout")).status_code == 403, "another site cannot"
    ended = await person.call("POST", "/bff/logout")
    assert (ended.status_code, ended.json()) == (200, {"everywhere": True}), ended.text
    assert person.session_cookie() is None
    page = await person.follow(await person.send("GET", "/bff/login"))
    assert "/login" in str(page.url), "Identity asks again"
    assert not await refused(other)
    # Rights have changed since the token was issued: Identity refuses it, but its session continues.
    issuer = site.portal.state.issuer
    end = issuer.end_session

    async def refuse_once(*_: Any) -> None:
        issuer.end_session = end
        raise Refused("invalid_token")

    issuer.end_session = refuse_once
    assert (await other.call("POST", "/bff/logout")).json() == {"everywhere": True}
    page = await other.follow(await other.send("GET", "/bff/login"))
    assert "/login" in str(page.url), "Identity asks again"


async def test_many_tabs_that_sign_in_leave_room_in_the_header(new_visitor: NewVisitor) -> None:
    person = new_visitor()
    for number in range(12):
        await person.send("GET", "/bff/login", params={"return_to": f"/notices?page={number}"})
    cookies = person.cookies[urlsplit(person.site.url).netloc]
    assert sum(len(name) + len(value) + 4 for name, value in cookies.items()) < 4096
    back = await person.sign_in(path="/bff/login?return_to=/tasks")
    assert back.headers["location"] == "/tasks"


async def test_identity_ends_sessions_by_its_notice(
    site: Site, twin: Twin, new_visitor: NewVisitor, record_property: Callable[[str, object], None]
) -> None:
    """Signing out at Identity itself, or an end by an administrator, reaches every process of the portal."""
    person = new_visitor()
    # Whoever signs in may come back to another process than they left.
    person.knows(twin.url)
    person.returns_to = twin.url
    assert str((await person.sign_in()).url).startswith(f"{twin.url}/bff/callback")
    assert not await refused(person, site.url)
    assert not await refused(person, twin.url)
    headers = {"x-csrf": "1", "accept": "text/event-stream"}
    headers["cookie"] = f"__Host-Http-zhuxue={person.session_cookie()}"
    url = f"{twin.url}/api/office/v1/tasks/stream"
    async with asyncio.timeout(60), person.http.stream("GET", url, headers=headers) as stream:
        assert stream.status_code == 200
        parts = stream.aiter_raw()
        assert await anext(parts)
        page = await person.send("GET", f"{site.identity_url}/end_session")
        form = {"csrf": csrf_of(page.text)}
        begun = time.perf_counter()
        ended = await person.send("POST", f"{site.identity_url}/end_session/confirm", data=form)
        assert ended.is_success
        # Its end is that of an answer, not of a connection that broke.
        assert b"".join([part async for part in parts]) is not None
        seconds = time.perf_counter() - begun
    assert await refused(person, site.url)
    assert await refused(person, twin.url)
    record_property("seconds until an open stream had ended", round(seconds, 2))
    print(f"An open stream ended {seconds:.2f} s after the sign-out at Identity")
    async with site.portal.state.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM sessions")) == 0
    # Whatever else comes there ends nothing.
    await person.sign_in()
    for token in ("x", "a.b.c", await forged(site)):
        answer = await person.send("POST", "/bff/backchannel-logout", data={"logout_token": token})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_logout_token")
        assert answer.headers["cache-control"] == "no-store"
    assert not await refused(person)
    # One signs out here, the other process knows.
    assert not await refused(person, twin.url)
    cookie = person.session_cookie()
    assert (await person.call("POST", "/bff/logout")).status_code == 200
    person.cookies[urlsplit(twin.url).netloc]["__Host-Http-zhuxue"] = cookie or ""
    assert await refused(person, twin.url)


async def forged(site: Site) -> str:
    """A logout token of another key, right in all else."""
    key = ECKey.generate_key("P-256")
    now = int(site.clock.now().timestamp())
    async with site.portal.state.database.transaction() as session:
        sid = await session.scalar(text("SELECT sid FROM sessions"))
    claims = {
        "iss": site.identity_url,
        "aud": "workbench",
        "iat": now,
        "exp": now + 60,
        "jti": "j",
        "sid": sid,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    kid = (await person_keys(site))["keys"][0]["kid"]
    return jwt.encode({"alg": "ES256", "typ": "logout+jwt", "kid": kid}, claims, key, ["ES256"])


async def person_keys(site: Site) -> dict[str, Any]:
    async with httpx.AsyncClient() as http:
        found: dict[str, Any] = (await http.get(f"{site.identity_url}/jwks")).json()
        return found


async def test_a_session_that_is_not_used_ends(site: Site, new_visitor: NewVisitor) -> None:
    person = new_visitor()
    await person.sign_in()
    site.clock.advance(timedelta(minutes=100))
    assert (await person.call("GET", "/bff/session")).status_code == 200
    site.clock.advance(timedelta(minutes=100))
    assert (await person.call("GET", "/bff/session")).status_code == 200
    site.clock.advance(timedelta(minutes=119))
    # An open page goes on asking by itself. The services, which have another clock, may refuse its tokens.
    for path in ("/bff/session", ME, "/api/office/v1/tasks/counts"):
        assert (await person.call("GET", path, headers={"x-unattended": "1"})).status_code in {200, 503}
    site.clock.advance(timedelta(minutes=2))
    assert (await person.call("GET", "/bff/session")).status_code == 401


async def test_a_session_that_ends_while_it_is_used_is_over(site: Site, new_visitor: NewVisitor) -> None:
    person, other = new_visitor(), new_visitor()
    await person.sign_in()
    site.clock.advance(timedelta(minutes=5))
    database = site.portal.state.database
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM sessions"))
        call = asyncio.create_task(person.call("GET", "/bff/session"))
        await waits(database, "%sessions%")
    assert (await call).json()["code"] == "sign_in_required"
    # So is one whose key is lost: the portal begins with another one.
    await person.sign_in()
    await other.sign_in()
    lost = Sealing(Cipher([Key.parse("d2" * 32)]))
    async with database.transaction() as session:
        await session.execute(text("UPDATE access_tokens SET token = :it"), {"it": lost.access_token("t")})
        sealed = {"key": lost.key(new_session_key()), "token": lost.refresh_token("t")}
        await session.execute(text("UPDATE sessions SET key = :key, refresh_token = :token"), sealed)
    assert await refused(person)
    assert (await person.call("GET", "/bff/session")).status_code == 401
    assert (await other.call("DELETE", "/bff/sessions")).json() == {"ended": 0}
    await person.sign_in()
    assert (await person.call("DELETE", "/bff/sessions")).json() == {"ended": 1}
    assert await refused(other)


async def test_people_see_their_sessions_and_end_them(site: Site, new_visitor: NewVisitor) -> None:
    first, second, stranger = new_visitor(), new_visitor(), new_visitor()
    await first.sign_in()
    await second.sign_in()
    await stranger.sign_in(SECOND)
    listed = (await second.call("GET", "/bff/sessions")).json()["items"]
    assert [one["current"] for one in listed] == [True, False]
    [foreign] = (await stranger.call("GET", "/bff/sessions")).json()["items"]
    assert (await first.call("DELETE", f"/bff/sessions/{foreign['id']}")).status_code == 404
    assert (await second.call("DELETE", f"/bff/sessions/{listed[1]['id']}")).status_code == 204
    assert await refused(first)
    async with asyncio.timeout(60):
        ended = "SELECT 1 FROM sessions WHERE ended_at IS NOT NULL"
        while not await rows(site.identity.state.database, ended):  # noqa: ASYNC110 - after the answer
            await asyncio.sleep(0.05)
    page = await first.follow(await first.send("GET", "/bff/login"))
    assert "/login" in str(page.url), "Identity asks again"
    assert not await refused(second)
    await first.sign_in()
    assert (await first.call("DELETE", "/bff/sessions")).json() == {"ended": 1}
    assert await refused(second)
    assert not await refused(stranger)
