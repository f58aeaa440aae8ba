"""Token exchange (RFC 8693): a service acts at another one on behalf of a person."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from authkit.principal import Principal
from identity import bootstrap
from identity.audit.models import AuditRecord
from identity.clients.models import Client, ClientSecret, secret_hash
from identity.clients.rules import TOKEN_EXCHANGE
from identity.oauth.grants.token_exchange import ACCESS_TOKEN
from identity.settings import BootstrapSettings
from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.shapes import Credentials, Form, Headers, JsonObject
from testkit.clients import ProofKey
from testkit.clock import FrozenClock
from testkit.pages import csrf_of
from testkit.postgres import Migration
from testkit.waiting import moments

PHONE = "19900001323"
OFFICE = ("office", "o" * 40)
COCKPIT = ("cockpit", "c" * 40)
TO_COCKPIT: Form = {"resource": "urn:zhuxue:cockpit"}
TO_OFFICE: Form = {"resource": "urn:zhuxue:office"}
TO_IDENTITY: Form = {"resource": "urn:zhuxue:identity"}


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture(autouse=True)
async def _registered(app: FastAPI, clock: FrozenClock) -> None:
    """The operator lets Office and Cockpit act at each other and at Identity."""
    scopes = ["office", "cockpit:read", "identity"]
    async with app.state.database.transaction() as session:
        await bootstrap.ensure_keys_and_clients(
            session,
            clock,
            app.state.vault,
            service_secrets={"office": "o" * 40, "cockpit": "c" * 40},
            redirect_uris=["http://localhost:8000/callback"],
            exchanges={"office": scopes, "cockpit": scopes},
        )


@pytest.mark.parametrize(
    ("entry", "good"),
    [
        ("office cockpit:read", True),
        ("cockpit office", True),
        ("office identity", True),
        ("office office", False),
        ("cockpit cockpit:write", False),
        ("portal office", False),
        ("office openid", False),
        ("office directory:read", False),
        ("office", False),
        ("office cockpit:read\n", False),
    ],
)
def test_what_an_operator_may_let_a_service_do(entry: str, good: bool) -> None:
    values: JsonObject = {"office_client_secret": "o" * 40, "cockpit_client_secret": "c" * 40}
    if good:
        settings = BootstrapSettings(**values, token_exchange=[entry])
        service, _, scope = entry.partition(" ")
        assert settings.exchanges_of(service) == [scope]
    else:
        with pytest.raises(ValueError, match="token_exchange"):
            BootstrapSettings(**values, token_exchange=[entry])


async def exchange(
    browser: Browser,
    token: str,
    *,
    auth: Credentials | None = OFFICE,
    headers: Headers | None = None,
    **more: str,
) -> httpx.Response:
    form = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN} | more
    chosen = httpx.USE_CLIENT_DEFAULT if auth is None else auth
    kept = {name: value for name, value in form.items() if value}
    return await browser.http.post("/token", data=kept, headers=headers, auth=chosen)


async def subject(browser: Browser, resource: str = "urn:zhuxue:office", **more: str) -> str:
    answer = await browser.token(PHONE, resource, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def active(browser: Browser, token: str, auth: Credentials = COCKPIT) -> bool:
    answer = await browser.http.post("/introspect", data={"token": token}, auth=auth)
    return bool(answer.json()["active"])


def refused(answer: httpx.Response, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (401 if error == "invalid_client" else 400, error)


async def test_a_service_gets_a_token_for_another_one_on_behalf_of_the_person(
    new_browser: NewBrowser,
) -> None:
    browser = new_browser()
    token = await subject(browser)
    answer = await exchange(browser, token, **TO_COCKPIT)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["issued_token_type"], body["token_type"]) == (ACCESS_TOKEN, "Bearer")
    assert body.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    before, after = tools.claims_of(token), tools.claims_of(body["access_token"])
    same = {
        "sub",
        "sid",
        "grant_id",
        "acr",
        "auth_time",
        "unit",
        "unit_path",
        "level",
        "kind",
        "roles",
        "iss",
    }
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert (after["aud"], after["client_id"], after["act"]) == (
        "urn:zhuxue:cockpit",
        "office",
        {"sub": "office"},
    )
    assert (after["scope"], body["scope"]) == ("cockpit:read", "cockpit:read")
    assert after["jti"] != before["jti"]
    found = (
        await browser.http.post("/introspect", data={"token": body["access_token"]}, auth=COCKPIT)
    ).json()
    assert (found["active"], found["act"]) == (True, {"sub": "office"})


async def test_a_resource_server_learns_who_acts(new_browser: NewBrowser) -> None:
    browser = new_browser()
    answer = await exchange(browser, await subject(browser), **TO_IDENTITY)
    verifier = browser.app.state.verifier
    principal: Principal = await verifier.verify(answer.json()["access_token"])
    assert (principal.actor, principal.is_client) == ("office", False)
    own: Principal = await verifier.verify(await subject(browser, "urn:zhuxue:identity"))
    assert own.actor is None
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await browser.http.get("/api/v1/me", headers=headers)).status_code == 200
    assert (await browser.http.get("/userinfo", headers=headers)).status_code == 401


async def test_what_is_done_with_an_exchanged_token_is_audited_as_such(
    new_browser: NewBrowser, app: FastAPI
) -> None:
    browser = new_browser()
    token = await subject(browser)
    body = {"client_name": "奖助系统", "redirect_uris": ["https://rp.example.cn/cb"]}
    for value in ((await exchange(browser, token, **TO_IDENTITY)).json()["access_token"], None):
        value = value or await subject(browser, "urn:zhuxue:identity")
        headers = {"Authorization": f"Bearer {value}"}
        unit = (await browser.http.get("/api/v1/me", headers=headers)).json()["unit_id"]
        answer = await browser.http.post(
            "/api/v1/clients", json={**body, "owner_unit_id": unit}, headers=headers
        )
        assert answer.status_code == 201, answer.text
    async with app.state.database.transaction() as session:
        rows = await session.scalars(
            select(AuditRecord).where(AuditRecord.action == "client.registered").order_by(AuditRecord.id)
        )
        assert [row.details.get("via") for row in rows] == ["office", None]


async def test_4_1_actors_are_nested_up_to_three(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = await subject(browser)
    wide: Form = {"scope": "cockpit:read office"}
    hops = [(OFFICE, TO_COCKPIT), (COCKPIT, TO_OFFICE), (OFFICE, TO_COCKPIT)]
    for auth, target in hops:
        answer = await exchange(browser, token, auth=auth, **(target | wide))
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
    act = tools.claims_of(token)["act"]
    assert act == {"sub": "office", "act": {"sub": "cockpit", "act": {"sub": "office"}}}
    refused(await exchange(browser, token, auth=COCKPIT, **(TO_OFFICE | wide)), "invalid_request")


async def test_the_new_token_lives_no_longer_than_the_old(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    token = await subject(browser)
    clock.advance(timedelta(seconds=200))
    body = (await exchange(browser, token, **TO_COCKPIT)).json()
    assert tools.claims_of(body["access_token"])["exp"] == tools.claims_of(token)["exp"]
    assert body["expires_in"] <= 100
    clock.advance(timedelta(seconds=101))
    refused(await exchange(browser, token, **TO_COCKPIT), "invalid_request")


async def test_2_2_2_bad_tokens_are_invalid_request(new_browser: NewBrowser) -> None:
    browser = new_browser()
    answer = await browser.token(PHONE, "urn:zhuxue:office")
    token = answer.json()["access_token"]
    for value in (
        answer.json()["id_token"],
        answer.json()["refresh_token"],
        token[:-4] + "AAAA",
        "a.b.c",
        "",
    ):
        refused(await exchange(browser, value, **TO_COCKPIT), "invalid_request")
    wrong: list[Form] = [
        {"subject_token_type": ""},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"actor_token": "x"},
        {"actor_token_type": ACCESS_TOKEN},
        {"actor_token": token, "actor_token_type": ACCESS_TOKEN},
    ]
    for more in wrong:
        refused(await exchange(browser, token, **(TO_COCKPIT | more)), "invalid_request")
    refused(await exchange(browser, token), "invalid_request")
    form = {"grant_type": "client_credentials", "resource": "urn:zhuxue:office"}
    own = (await browser.http.post("/token", data=form, auth=COCKPIT)).json()["access_token"]
    refused(await exchange(browser, own, **TO_COCKPIT), "invalid_request")


async def test_an_actor_token_may_only_be_the_client_s_own(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = await subject(browser)
    for auth, ok in ((OFFICE, True), (COCKPIT, False)):
        answer = await browser.http.post("/token", data={"grant_type": "client_credentials"}, auth=auth)
        actor: Form = {"actor_token": answer.json()["access_token"], "actor_token_type": ACCESS_TOKEN}
        answer = await exchange(browser, token, **(TO_COCKPIT | actor))
        assert (answer.status_code == 200) is ok


async def test_a_token_that_is_none_of_the_caller_s_business_is_refused(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = await subject(browser, "urn:zhuxue:identity")
    refused(await exchange(browser, token, **TO_COCKPIT), "invalid_request")
    refused(await exchange(browser, await subject(browser), auth=COCKPIT, **TO_COCKPIT), "invalid_request")


async def test_targets_and_scopes_are_within_registration_and_subject_token(
    new_browser: NewBrowser, app: FastAPI
) -> None:
    browser = new_browser()
    token = await subject(browser)
    elsewhere: list[Form] = [{"resource": "urn:elsewhere"}, {"audience": "urn:elsewhere"}]
    for target in elsewhere:
        refused(await exchange(browser, token, **target), "invalid_target")
    refused(
        await exchange(browser, token, resource="urn:zhuxue:cockpit", audience="urn:zhuxue:identity"),
        "invalid_target",
    )
    answer = await exchange(browser, token, audience="urn:zhuxue:cockpit")
    assert answer.status_code == 200
    for scope in ("cockpit:write", "directory:read", "openid", "cockpit:read profile", "nonsense"):
        refused(await exchange(browser, token, **TO_COCKPIT, scope=scope), "invalid_scope")
    narrow = await subject(browser, scope="openid office")
    refused(await exchange(browser, narrow, **TO_COCKPIT), "invalid_scope")
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE clients SET audiences = '{}' WHERE client_id = 'office'"))
    refused(await exchange(browser, token, **TO_COCKPIT), "invalid_target")


async def test_only_confidential_clients_that_are_registered_for_it(
    new_browser: NewBrowser, app: FastAPI
) -> None:
    browser = new_browser()
    token = await subject(browser)
    refused(await exchange(browser, token, auth=("office", "x" * 40), **TO_COCKPIT), "invalid_client")
    refused(await exchange(browser, token, auth=None, client_id="portal", **TO_COCKPIT), "invalid_client")
    refused(await exchange(browser, token, auth=None, client_id="office", **TO_COCKPIT), "invalid_client")
    async with app.state.database.transaction() as session:
        await session.execute(
            text("UPDATE clients SET grant_types = '{client_credentials}' WHERE client_id = 'office'")
        )
    refused(await exchange(browser, token, **TO_COCKPIT), "unauthorized_client")


async def test_a_client_exchanges_tokens_issued_to_it(new_browser: NewBrowser, app: FastAPI) -> None:
    browser = new_browser()
    async with app.state.database.transaction() as session:
        portal = await session.get(Client, "portal", populate_existing=True)
        portal.grant_types = [*portal.grant_types, TOKEN_EXCHANGE]
        portal.token_endpoint_auth_method = "client_secret_post"
        portal.secrets = [
            ClientSecret(
                client_id="portal", secret_hash=secret_hash("p" * 40), created_at=portal.registered_at
            )
        ]
    code = await tools.code_for(browser, resource="urn:zhuxue:office")
    answer = await tools.redeem(browser, code, client_secret="p" * 40)
    token = answer.json()["access_token"]
    own: Form = {"client_id": "portal", "client_secret": "p" * 40}
    answer = await exchange(browser, token, auth=None, **(own | TO_COCKPIT), scope="cockpit:read")
    assert answer.status_code == 200, answer.text
    assert tools.claims_of(answer.json()["access_token"])["act"] == {"sub": "portal"}


async def test_rfc9449_a_bound_token_gives_only_a_bound_token(
    new_browser: NewBrowser, dpop: ProofKey
) -> None:
    browser, own = new_browser(), type(dpop)(dpop.origin)
    answer = await browser.http.post(
        "/token",
        data={"grant_type": "client_credentials"},
        auth=OFFICE,
        headers={"DPoP": dpop.proof("/token")},
    )
    nonce = answer.headers["dpop-nonce"]
    code = await tools.code_for(browser, resource="urn:zhuxue:office")
    answer = await tools.redeem(browser, code, headers={"DPoP": dpop.proof("/token", nonce=nonce)})
    bound = answer.json()["access_token"]
    refused(await exchange(browser, bound, **TO_COCKPIT), "invalid_dpop_proof")
    headers = {"DPoP": own.proof("/token", nonce=nonce)}
    answer = await exchange(browser, bound, headers=headers, **TO_COCKPIT)
    assert answer.json()["token_type"] == "DPoP"
    assert tools.claims_of(answer.json()["access_token"])["cnf"] == {"jkt": own.jkt}
    headers = {"DPoP": own.proof("/token", nonce=nonce)}
    plain = await exchange(browser, await subject(browser), headers=headers, **TO_COCKPIT)
    # Issued to Office, bound to Office's key: of no use with another key.
    token = answer.json()["access_token"]
    headers = {"DPoP": dpop.proof("/token", nonce=nonce)}
    refused(await exchange(browser, token, headers=headers, **TO_COCKPIT), "invalid_request")
    assert tools.claims_of(plain.json()["access_token"])["cnf"] == {"jkt": own.jkt}


async def test_an_exchanged_token_ends_with_the_session(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = await subject(browser)
    exchanged = (await exchange(browser, token, **TO_COCKPIT)).json()["access_token"]
    mine = (await exchange(browser, token, **TO_IDENTITY)).json()["access_token"]
    assert await active(browser, exchanged)
    page = await browser.http.get("/end_session")
    csrf = csrf_of(page.text)
    await browser.http.post("/end_session/confirm", data={"csrf": csrf})
    assert not await active(browser, exchanged)
    refused(await exchange(browser, token, **TO_COCKPIT), "invalid_request")
    headers = {"Authorization": f"Bearer {mine}"}
    async for _ in moments():
        answer = await browser.http.get("/api/v1/me", headers=headers)
        if answer.status_code == 401:
            break
    assert answer.json()["code"] == "token_revoked"


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE accounts SET status = 'suspended'",
        "UPDATE grants SET revoked_at = now()",
        "UPDATE clients SET status = 'disabled' WHERE client_id = 'office'",
    ],
)
async def test_an_exchanged_token_ends_with_account_grant_and_acting_client(
    new_browser: NewBrowser, app: FastAPI, end: str
) -> None:
    browser = new_browser()
    answer = await exchange(browser, await subject(browser), scope="cockpit:read office", **TO_COCKPIT)
    exchanged = answer.json()["access_token"]
    further = (await exchange(browser, exchanged, auth=COCKPIT, **TO_COCKPIT)).json()["access_token"]
    assert await active(browser, further)
    async with app.state.database.transaction() as session:
        await session.execute(text(end))
    assert not await active(browser, exchanged)
    assert not await active(browser, further)


async def test_revoking_an_exchanged_token_leaves_the_person_s_grant(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = await subject(browser)
    exchanged = (await exchange(browser, token, **TO_COCKPIT)).json()["access_token"]
    answer = await browser.http.post("/revoke", data={"token": exchanged}, auth=OFFICE)
    assert answer.status_code == 200
    assert not await active(browser, exchanged)
    assert await active(browser, token, OFFICE)


async def test_an_exchange_is_audited_with_actor_and_subject(new_browser: NewBrowser, app: FastAPI) -> None:
    browser = new_browser()
    token = await subject(browser)
    await exchange(browser, token, **TO_COCKPIT)
    async with app.state.database.transaction() as session:
        (row,) = await session.scalars(
            select(AuditRecord).where(AuditRecord.action == "oauth.token_exchanged")
        )
    claims = tools.claims_of(token)
    assert (row.actor, row.target_id) == ("office", claims["sub"])
    assert row.details["subject_jti"] == claims["jti"]
    assert (row.details["audience"], row.details["chain"]) == ("urn:zhuxue:cockpit", ["office"])
