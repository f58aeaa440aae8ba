"""The requests of an attack on the issuer, which found eleven things: sent again, they fail.

Each test replays `requests/NN-*.http`. The details of each finding have tests of their own, which
docs/security.md names.
"""

import asyncio
import base64
import re
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from pydantic import ValidationError

import cockpit.settings
import office.settings
from identity.clients.rules import DEVICE_CODE
from messaging.inprocess import InProcessBus
from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.people import CENTRE, CITY, COUNTY, COUNTY_HANDLER
from services.identity.tests.support.running_identity import Browser, running
from services.identity.tests.support.shapes import JsonObject
from testkit.clients import AssertionKeys, ProofKey
from testkit.clock import RunningClock
from testkit.forgeries import respelled
from testkit.pages import csrf_of, hidden_fields
from testkit.serving import Served
from testkit.waiting import moments

from .conftest import CALLBACK, Site
from .replaying import Attack

pytestmark = pytest.mark.asyncio(loop_scope="module")

# RFC 7636 appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
OFFICE = "urn:zhuxue:office"
PRODUCTION = {
    "database_url": "postgresql+asyncpg://db/x",
    "issuer": "https://identity.zhuxue.test/",
    "rabbitmq_url": "amqp://broker",
    "identity_url": "https://identity.zhuxue.test/",
    "client_id": "office",
    "client_secret": "o" * 40,
    "analytics_dsn": "clickhouse://facts",
}
"""Of each service in production, but where it is."""


def basic(client_id: str, secret: str) -> str:
    return base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def credentials(client: dict[str, Any]) -> dict[str, str]:
    return {
        "client_id": client["client_id"],
        "basic": basic(client["client_id"], client["client_secret"]),
    }


def cookies(browser: Browser) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.http.cookies.jar)


async def signed_in(site: Site, phone: str = COUNTY_HANDLER) -> Browser:
    browser = site.browser()
    await browser.sign_in(phone, browser.authorize_url(verifier=VERIFIER))
    return browser


async def token(site: Site, phone: str = COUNTY) -> str:
    return (await site.bearer(phone))["Authorization"].removeprefix("Bearer ")


async def initial(site: Site) -> str:
    """What a client of the county registers itself with."""
    body = {"owner_unit_id": await site.unit(COUNTY), "max_uses": 9}
    return str((await site.call(CENTRE, "POST", "/initial-access-tokens", json=body))["token"])


async def code(browser: Browser, client: dict[str, Any], redirect_uri: str = CALLBACK) -> str:
    """A code for a client, which the person has allowed what it asks."""
    url = browser.authorize_url(
        verifier=VERIFIER, client_id=client["client_id"], redirect_uri=redirect_uri, scope="openid"
    )
    answer = await browser.consented(await browser.http.get(url))
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


async def test_01_a_client_does_not_look_like_another_system(site: Site, attack: Attack) -> None:
    client = await site.register(client_name="学生资助服务", grant_types=["authorization_code", DEVICE_CODE])
    victim, county = await signed_in(site), await signed_in(site, COUNTY)
    attack.values |= credentials(client) | {"token": await token(site), "cookie": cookies(victim)}
    refused = [request for request in attack.requests.values() if request.status == 400]
    for request in refused:
        await attack(request.name, unit=await site.unit(COUNTY), initial=await initial(site))
    names = {one["client_name"] for one in (await site.call(COUNTY, "GET", "/clients"))["items"]}
    assert names <= {"学生资助服务", "奖助系统"}
    whose = f"由{client['owner_unit_name']}登记和管理"
    page = await attack("the consent page says who asks and where the person goes")
    for shown in ("授权后返回 evil.example.cn", whose, "199****1324"):
        assert shown in page.text
    typed = (await attack("a device of the client asks")).json["user_code"]
    csrf = csrf_of((await victim.http.get("/device")).text)
    page = await attack("the device page says who asks", csrf=csrf, user_code=typed)
    for shown in (whose, "199****1324"):
        assert shown in page.text
    page = await attack("the page of the system says whose it is", cookie=cookies(county))
    assert whose in page.text


async def test_02_only_the_centre_frees_a_client_from_pkce(site: Site, attack: Attack) -> None:
    client = await site.register()
    attack.values |= {"token": await token(site), "client_id": client["client_id"]}
    await attack("the county registers a client without PKCE", unit=await site.unit(COUNTY))
    await attack("the county frees its client")
    await attack("a client that registers itself frees itself", initial=await initial(site))
    assert all(one["require_pkce"] for one in (await site.call(COUNTY, "GET", "/clients"))["items"])
    answer = await attack("the client asks without PKCE", cookie=cookies(await signed_in(site)))
    assert answer.param("code") is None


async def test_03_a_second_click_on_consent_leads_to_the_client_again(site: Site, attack: Attack) -> None:
    attack.values |= credentials(await site.register())
    attack.values["cookie"] = cookies(await signed_in(site))
    pushed = (await attack("the request is pushed")).json
    page = await attack("the consent page", request_uri=pushed["request_uri"])
    form = urlencode(hidden_fields(page.text))
    clicks = [await attack("a click on consent", form=form) for _ in range(2)]
    answers = [await attack("the browser goes on", next=click.location) for click in clicks]
    for answer in answers:
        assert answer.location.startswith(f"{CALLBACK}?code=")
    await attack("another browser goes on", next=clicks[-1].location)
    given = answers[-1].param("code")
    assert given is not None
    await attack("the code of the last click is redeemed", code=given)


WITHIN = (
    *("10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0"),
    *("192.88.99.1", "[fc00::1]", "[fe80::1]", "[ff02::1]", "[fec0::1]", "[::7f00:1]", "[64:ff9b::a01:203]"),
    *("[2002:a01:203::1]", "[::ffff:10.1.2.3]", "2130706433", "0x7f000001", "127.1", "intranet"),
)


async def test_04_no_call_of_the_issuer_leads_within(
    site: Site, attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack.values |= {"token": await token(site), "unit": await site.unit(COUNTY)}
    before = len((await site.call(COUNTY, "GET", "/clients"))["items"])
    for address in WITHIN:
        for member in ("jwks_uri", "backchannel_logout_uri"):
            await attack("an address within", member=member, uri=f"https://{address}/x")
    assert len((await site.call(COUNTY, "GET", "/clients"))["items"]) == before
    client = (await attack("a name, which is judged at each call")).json["client_id"]
    asked, real = list[str](), asyncio.get_running_loop().getaddrinfo

    async def getaddrinfo(host: str, port: int, **more: Any) -> list[Any]:
        if host != "keys.evil.example.cn":
            return await real(host, port, **more)
        asked.append(host)
        return await real("10.1.2.3", port, **more)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    connected = list[Any]()
    monkeypatch.setattr("identity.outgoing.httpx.AsyncClient.send", lambda *_, **__: connected.append(_))
    await attack("the name leads within", assertion=AssertionKeys(site.origin).assertion(client))
    assert (asked, connected) == (["keys.evil.example.cn"], [])


async def test_05_clients_of_a_closed_unit_end_with_it(site: Site, attack: Attack) -> None:
    unit = {
        "parent_id": await site.unit(CITY),
        "code": "S3701000099",
        "name": "待撤并学校",
        "level": "school",
        "kind": "school",
        "stages": ["compulsory"],
    }
    made = await site.call(CITY, "POST", "/units", json=unit)
    client = await site.register(CITY, owner_unit_id=made["id"])
    browser = await signed_in(site)
    attack.values |= credentials(client) | {"token": await token(site, CITY), "cookie": cookies(browser)}
    got = await code(browser, client)
    await attack("the unit is closed", unit=made["id"])
    await attack("its client redeems a code", code=got)
    assert not (await attack("its client asks a person")).location
    await attack("its client is enabled again")
    assert (await site.call(CITY, "GET", f"/clients/{client['client_id']}"))["status"] == "disabled"


async def test_06_a_client_on_the_own_machine_gets_no_code_silently(site: Site, attack: Attack) -> None:
    registered = "http://127.0.0.1/cb"
    client = await site.register(
        application_type="native", token_endpoint_auth_method="none", redirect_uris=[registered]
    )
    browser = await signed_in(site)
    assert await code(browser, client, registered)
    attack.values |= {"client_id": client["client_id"], "cookie": cookies(browser)}
    answer = await attack("silently, on any port", port="51004")
    assert answer.param("code") is None
    answer = await attack("silently, at the registered address")
    assert answer.param("code") is None
    page = await attack("without prompt=none the person is asked again", port="51004")
    assert "/authorize/decision" in page.text


@pytest.mark.parametrize("other", ["revoked", "used"])
async def test_07_a_token_is_one_token_in_both_spellings(site: Site, attack: Attack, other: str) -> None:
    attack.values["basic"] = basic("office", "o" * 40)
    browser = await signed_in(site)
    bearer = await browser.bearer(COUNTY_HANDLER)
    issued = (await browser.token(COUNTY_HANDLER, OFFICE)).json()["access_token"]
    for one in (issued, respelled(issued)):
        assert (await attack("introspection", token=one)).json["active"] is True
    await attack("revocation", token=respelled(issued) if other == "revoked" else issued)
    for one in (issued, respelled(issued)):
        assert (await attack("introspection", token=one)).json == {"active": False}
    mine = bearer["Authorization"].removeprefix("Bearer ")
    await attack("revocation", token=respelled(mine) if other == "revoked" else mine)
    async for _ in moments():
        if (await browser.http.get("/api/v1/me", headers=bearer)).status_code == 401:
            break
    for one in (mine, respelled(mine)):
        await attack("use", token=one)


async def test_08_a_widened_client_does_not_become_another(site: Site, attack: Attack) -> None:
    plain: JsonObject = {"client_name": "奖助系统", "redirect_uris": ["https://rp.example.cn/cb"]}
    client = await site.register(**plain)
    path = f"/clients/{client['client_id']}"
    widened = plain | {"scopes": ["openid", "office"]}
    await site.call(CENTRE, "PUT", path, json=widened)
    attack.values |= {"token": await token(site), "client_id": client["client_id"]}
    for name in ("the county changes its name", "the county changes where people go"):
        await attack(name)
        await attack("the county approves it")
    seen = await site.call(COUNTY, "GET", path)
    assert {name: seen[name] for name in widened} == widened
    answer = await attack("a person is sent there", cookie=cookies(await signed_in(site)))
    assert not answer.location


async def test_09_an_id_token_alone_signs_nobody_out(site: Site, attack: Attack) -> None:
    browser = site.browser()
    tokens = (await browser.token(COUNTY_HANDLER)).json()
    attack.values["id_token"] = tokens["id_token"]
    page = await attack("an ID token without a cookie asks")
    assert "要退出登录吗" in page.text
    again = (await attack("an ID token in a form of another site")).location
    assert urlsplit(again).path == "/end_session"
    there = await attack("where the form leads, it asks", again=again)
    assert "要退出登录吗" in there.text
    await attack("another browser confirms", form=urlencode(hidden_fields(page.text)))
    assert (await attack("the person is still signed in", cookie=cookies(browser))).param("code")


async def test_10_a_proof_is_for_one_address_and_one_use(
    site: Site, attack: Attack, clock: RunningClock
) -> None:
    key, browser = ProofKey(site.origin), site.browser()
    first = await browser.http.post("/token", data={}, headers={"DPoP": key.proof("/token")})
    nonce = first.headers["dpop-nonce"]
    got = await tools.code_for(browser)
    answer = await tools.redeem(browser, got, headers={"DPoP": key.proof("/token", nonce=nonce)})
    bound = answer.json()["access_token"]
    attack.values["token"] = bound
    elsewhere = key.proof("", method="GET", token=bound, htu="http://evil.example.cn/userinfo")
    await attack("a proof for the address of another host", proof=elsewhere)
    proof = key.proof("/userinfo", method="GET", token=bound)
    await attack("a proof for the issuer", proof=proof)
    await attack("the same proof once more", proof=proof)
    other = Served()
    url = str(site.app.state.settings.database_url)
    async with running(url, clock, site.origin, bus=InProcessBus()) as app, other.running(app):
        await attack("the same proof once more", proof=proof, origin=other.url)
        await attack(
            "a proof for the issuer",
            proof=key.proof("/userinfo", method="GET", token=bound),
            origin=other.url,
        )
    other.close()
    for settings in (office.settings.Settings, cockpit.settings.Settings):
        with pytest.raises(ValidationError, match="public_url is required in production"):
            settings.model_validate(PRODUCTION)


NOT_HERE = {
    "/userinfo": {"403", "503"},
    "/jwks": {"429"},
    "/.well-known/openid-configuration": {"429"},
    "/.well-known/oauth-authorization-server": {"429"},
}
"""Limits and outages, which have tests of their own, and what is refused earlier: `11-*.http` says why."""


async def test_11_openapi_lists_the_statuses_of_the_protocol(site: Site, attack: Attack) -> None:
    client = await site.register(grant_types=["authorization_code", DEVICE_CODE])
    browser, leaving, out = await signed_in(site), await signed_in(site), "https://evil.example.cn/out"
    party = await site.register(post_logout_redirect_uris=[out])
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    form["code"] = await code(leaving, party)
    auth = (party["client_id"], party["client_secret"])
    hint = (await leaving.http.post("/token", data=form, auth=auth)).json()["id_token"]
    ask = parse_qs(urlsplit(browser.authorize_url(verifier=VERIFIER)).query) | {
        "client_id": [client["client_id"]],
        "redirect_uri": [CALLBACK],
        "scope": ["openid"],
    }
    attack.values |= credentials(client) | {
        "cookie": cookies(browser),
        "leaving": cookies(leaving),
        "ask": urlencode(ask, doseq=True),
        "token": (await browser.token(COUNTY_HANDLER)).json()["access_token"],
        "plain": (await browser.token(COUNTY_HANDLER, scope="profile")).json()["access_token"],
        "id_token": hint,
        "out": quote(out, safe=""),
        "initial": await initial(site),
    }
    listed = site.app.openapi()["paths"]
    seen: dict[tuple[str, str], set[str]] = {}
    for request in attack.requests.values():
        # Each code is used before the next is asked for.
        values = {"code": await code(browser, client)} if "{{code}}" in request.body else {}
        answer = await attack(request.name, **values)
        if request.name == "register":
            made = answer.json
            attack.values |= {"registered": made["client_id"], "own": made["registration_access_token"]}
        method, path, _ = request.head.splitlines()[0].split(" ")
        path = re.sub(r"^/register/.+", "/register/{client_id}", path.partition("?")[0])
        seen.setdefault((method.lower(), path), set()).add(str(request.status))
    assert seen == {
        (method, path): set(listed[path][method]["responses"]) - NOT_HERE.get(path, set())
        for method, path in seen
    }
