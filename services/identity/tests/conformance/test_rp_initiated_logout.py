"""oidcc-rp-initiated-logout-certification-test-plan: one test per module, then what else must hold."""

from collections.abc import Callable
from datetime import timedelta

from services.identity.tests.support.registering import Register
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock
from testkit.relying_party import RelyingParty

OUT = "http://localhost:8000/out"


async def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(rp: RelyingParty) -> None:
    assert (await rp.discovery())["end_session_endpoint"] == f"{rp.issuer}/end_session"


async def test_oidcc_rp_initiated_logout(rp: RelyingParty) -> None:
    token = (await rp.tokens())["id_token"]
    answer = await rp.logout(id_token_hint=token, post_logout_redirect_uri=OUT, state="s1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{OUT}?state=s1")
    assert not await rp.signed_in()


async def test_the_query_of_a_post_logout_redirect_uri_comes_back_byte_for_byte(
    rp: RelyingParty, register: Register
) -> None:
    out = f"{OUT}?a=b%20c&g=%e5%8a%a9"
    await register("queries", post_logout_redirect_uris=[out])
    rp.client_id = "queries"
    token = (await rp.tokens())["id_token"]
    answer = await rp.logout(id_token_hint=token, post_logout_redirect_uri=out, state="s1")
    assert answer.headers["location"] == f"{out}&state=s1"


async def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(rp: RelyingParty) -> None:
    token = (await rp.tokens())["id_token"]
    for bad in (f"{OUT}/", "http://evil.example/", "javascript:alert(1)", f"{OUT}#x"):
        answer = await rp.logout(id_token_hint=token, post_logout_redirect_uri=bad, state="s")
        assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert await rp.signed_in()


async def test_oidcc_rp_initiated_logout_modified_id_token_hint(rp: RelyingParty) -> None:
    header, payload, signature = (await rp.tokens())["id_token"].split(".")
    forged = f"{header}.{payload}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}"
    answer = await rp.logout(id_token_hint=forged, post_logout_redirect_uri=OUT)
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert await rp.signed_in()


async def test_oidcc_rp_initiated_logout_bad_id_token_hint(rp: RelyingParty) -> None:
    await rp.tokens()
    answer = await rp.logout(id_token_hint="nonsense", post_logout_redirect_uri=OUT)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_oidcc_rp_initiated_logout_no_id_token_hint(rp: RelyingParty) -> None:
    await rp.tokens()
    answer = await rp.confirm(await rp.logout(post_logout_redirect_uri=OUT, state="s"))
    # Nobody vouches for the URI: signed out, and not sent anywhere.
    assert (answer.status_code, "您已退出登录" in answer.text) == (200, True)
    assert not await rp.signed_in()
    await rp.tokens()
    page = await rp.logout(client_id="rp", post_logout_redirect_uri=OUT, state="s")
    assert (await rp.confirm(page)).headers["location"] == f"{OUT}?state=s"


async def test_oidcc_rp_initiated_logout_no_params(rp: RelyingParty) -> None:
    await rp.tokens()
    answer = await rp.confirm(await rp.logout())
    assert "您已退出登录" in answer.text
    assert "以下系统不接收退出通知" in answer.text
    assert "已通知" not in answer.text
    assert not await rp.signed_in()
    assert "您已退出登录" in (await rp.logout()).text


async def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(rp: RelyingParty) -> None:
    answer = await rp.logout(id_token_hint=(await rp.tokens())["id_token"], state="s")
    assert (answer.status_code, "您已退出登录" in answer.text) == (200, True)
    assert not await rp.signed_in()


async def test_oidcc_rp_initiated_logout_no_state(rp: RelyingParty) -> None:
    answer = await rp.logout(id_token_hint=(await rp.tokens())["id_token"], post_logout_redirect_uri=OUT)
    assert answer.headers["location"] == OUT


async def test_oidcc_rp_initiated_logout_only_state(rp: RelyingParty) -> None:
    await rp.tokens()
    answer = await rp.confirm(await rp.logout(state="s"))
    assert "您已退出登录" in answer.text
    assert not await rp.signed_in()


async def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(rp: RelyingParty) -> None:
    token = (await rp.tokens())["id_token"]
    answer = await rp.logout(id_token_hint=token, post_logout_redirect_uri=f"{OUT}?foo=bar")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_an_expired_id_token_hint_by_post_from_another_site_ends_its_session(
    rp: RelyingParty, clock: FrozenClock, new_browser: NewBrowser
) -> None:
    token = (await rp.tokens())["id_token"]
    clock.advance(timedelta(minutes=20))
    form = {"id_token_hint": token, "post_logout_redirect_uri": OUT}
    # A form from another site does not send the SameSite cookie; the redirect does.
    again = (await new_browser().http.post("/end_session", data=form)).headers["location"]
    assert await rp.signed_in()
    assert (await rp.http.get(again)).headers["location"] == OUT
    assert not await rp.signed_in()


async def test_an_id_token_without_the_cookie_of_its_session_asks_first(
    rp: RelyingParty, new_browser: NewBrowser, form_fields: Callable[[str], dict[str, str]]
) -> None:
    """RP-Initiated Logout §2: the ID token does not belong to a session of this browser."""
    token = (await rp.tokens())["id_token"]
    other = new_browser()
    params = {"id_token_hint": token, "post_logout_redirect_uri": OUT, "state": "s"}
    page = await other.http.get("/end_session", params=params)
    assert (page.status_code, "要退出登录吗" in page.text) == (200, True)
    assert await rp.signed_in()
    fields = form_fields(page.text)
    forged = await new_browser().http.post("/end_session/confirm", data=fields)
    assert (forged.status_code, forged.json()["code"]) == (403, "forged_form")
    assert await rp.signed_in()
    answer = await other.http.post("/end_session/confirm", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{OUT}?state=s")
    assert not await rp.signed_in()
    # Nothing is left to end, so nothing is left to ask.
    assert (await other.http.get("/end_session", params=params)).headers["location"] == f"{OUT}?state=s"


async def test_another_site_cannot_sign_a_person_out(
    rp: RelyingParty, form_fields: Callable[[str], dict[str, str]]
) -> None:
    await rp.tokens()
    page = await rp.logout()
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    for form, headers in (
        ({"csrf": "0" * 64}, {}),
        (form_fields(page.text), {"origin": "https://evil.example"}),
    ):
        answer = await rp.http.post("/end_session/confirm", data=form, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forged_form")
    assert await rp.signed_in()


async def test_a_hint_of_another_session_or_client_asks_or_is_refused(
    rp: RelyingParty, register: Register
) -> None:
    old = (await rp.tokens())["id_token"]
    rp.phone = "19900001324"
    await rp.tokens(prompt="login")
    page = await rp.logout(id_token_hint=old, post_logout_redirect_uri=OUT)
    assert "/end_session/confirm" in page.text
    await register("other")
    assert (await rp.logout(id_token_hint=old, client_id="other")).status_code == 400
    assert await rp.signed_in()
