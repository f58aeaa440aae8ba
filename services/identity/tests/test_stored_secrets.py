"""What stands in the database: nothing that whoever reads it could use, and a record of what was done."""

import secrets
from hashlib import sha256

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from identity.accounts.models import Account
from identity.audit.models import AuditRecord
from identity.codes.models import SmsCode
from identity.units.models import UnitChange
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock

ADMIN, ABOVE = "19900001323", "19900001039"
PHONE = "13812345678"
VERIFIER = "v" * 64


async def everything(app: FastAPI) -> str:
    """All rows of all tables; binary columns in hexadecimal."""
    async with app.state.database.transaction() as session:
        tables = await session.scalars(
            text("SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'")
        )
        rows: list[str] = []
        for table in tables:
            rows += (await session.scalars(text(f"SELECT t::text FROM {table} t"))).all()
    return "\n".join(rows)


async def registered(browser: Browser) -> dict[str, str]:
    """Somebody new, signed in; their bearer header."""
    assert (await browser.register(PHONE)).status_code == 201
    return dict(await browser.bearer(PHONE))


async def test_no_code_secret_token_or_number_stands_in_the_database_in_clear(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    admin, person = new_browser(), new_browser()
    headers = await admin.bearer(ADMIN)
    unit = (await admin.http.get("/api/v1/me", headers=headers)).json()["unit_id"]
    invite = await admin.http.post(
        f"/api/v1/units/{unit}/invites", headers=headers, json={"roles": ["handler"]}
    )
    client = await admin.http.post(
        "/api/v1/clients",
        headers=headers,
        json={
            "client_name": "奖助系统",
            "owner_unit_id": unit,
            "redirect_uris": ["https://rp.example.cn/cb"],
        },
    )
    await registered(person)
    token = (await person.token(PHONE)).json()
    url = person.authorize_url(verifier=VERIFIER)
    code = (await person.http.get(url)).headers["location"].partition("code=")[2].partition("&")[0]
    (cookie,) = [value for name, value in person.http.cookies.items() if "session" in name]
    known = {
        "phone number": PHONE,
        "authorization code": code,
        "access token": token["access_token"].rpartition(".")[2],
        "refresh token": token["refresh_token"],
        "session cookie": cookie.partition(".")[2],
        "client secret": client.json()["client_secret"],
        "invite code": invite.json()["code"],
        "invite code without hyphens": invite.json()["code"].replace("-", ""),
    }
    assert all(len(value) > 8 for value in known.values())
    stored = await everything(app)
    assert "王小明" in stored
    found = [n for n, value in known.items() if value in stored or value.encode().hex() in stored]
    assert found == []
    # A number or an invite code is short enough to be guessed: a hash without a key would not hide it.
    for name in ("phone number", "invite code", "invite code without hyphens"):
        assert sha256(known[name].encode()).hexdigest() not in stored


async def test_authorization_codes_are_stored_as_hashes(app: FastAPI, new_browser: NewBrowser) -> None:
    browser = new_browser()
    await browser.token(ADMIN)
    url = browser.authorize_url(verifier=VERIFIER)
    code = (await browser.http.get(url)).headers["location"].partition("code=")[2].partition("&")[0]
    assert sha256(code.encode()).hexdigest() in await everything(app)


async def test_a_phone_number_is_sealed_found_by_a_keyed_index_and_shown_masked(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    headers = await registered(browser)
    vault = app.state.vault
    async with app.state.database.transaction() as session:
        account = await session.scalar(
            select(Account).where(Account.phone_index == vault.index("phone", PHONE))
        )
    assert vault.open("phone", account.phone_sealed) == PHONE
    assert account.phone_sealed != vault.seal("phone", PHONE), "a fresh nonce each time"
    me = (await browser.http.get("/api/v1/me", headers=headers)).json()
    assert me["phone_masked"] == "138****5678"
    assert PHONE not in str(me)


async def test_sms_codes_are_stored_under_a_keyed_hash(app: FastAPI, new_browser: NewBrowser) -> None:
    browser = new_browser()
    await browser.ask(PHONE)
    code = browser.last_code(PHONE)
    async with app.state.database.transaction() as session:
        (row,) = (await session.scalars(select(SmsCode))).all()
    plain = {sha256(text.encode()).digest() for text in (code, f"{PHONE}{code}", f"register{code}")}
    assert row.code_hash not in plain
    assert row.code_hash == app.state.vault.index(f"code:register:{PHONE}", code)
    assert row.ticket_hash == app.state.vault.index("code-ticket", str(browser.ticket))


async def acts(app: FastAPI) -> dict[str, AuditRecord]:
    async with app.state.database.transaction() as session:
        rows = (await session.scalars(select(AuditRecord).order_by(AuditRecord.at, AuditRecord.id))).all()
    return {row.action: row for row in rows}


async def test_what_is_done_is_recorded_with_who_and_whom(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    admin, person = new_browser(), new_browser()
    headers = await admin.bearer(ADMIN)
    boss = (await admin.http.get("/api/v1/me", headers=headers)).json()
    outsider = await registered(person)
    sub = (await person.http.get("/api/v1/me", headers=outsider)).json()["sub"]
    invite = await admin.http.post(
        f"/api/v1/units/{boss['unit_id']}/invites", headers=headers, json={"roles": ["handler"]}
    )
    asked = await person.http.post(
        "/api/v1/join-requests", headers=outsider, json={"invite_code": invite.json()["code"]}
    )
    above = new_browser()
    higher = await above.bearer(ABOVE)
    done = [
        await admin.http.post(f"/api/v1/join-requests/{asked.json()['id']}/approve", headers=headers),
        await above.http.post(
            f"/api/v1/accounts/{sub}/entitlements", headers=higher, json={"name": "cockpit"}
        ),
        await admin.http.post(
            f"/api/v1/accounts/{sub}/suspend", headers=headers, json={"reason": "调离岗位"}
        ),
    ]
    assert [answer.status_code for answer in done] == [200, 200, 200]
    async with app.state.database.transaction() as session:
        await session.execute(text("DELETE FROM sms_codes"))
    refused = await new_browser().sign_in(PHONE, person.authorize_url(verifier=VERIFIER))
    assert refused.status_code == 403
    recorded = await acts(app)
    by_admin = {"invite.created", "join.approved", "account.suspended"}
    assert {name: recorded[name].actor for name in by_admin} == dict.fromkeys(by_admin, boss["sub"])
    about = {"account.registered", "entitlement.granted", "account.suspended", "sign_in.refused"}
    assert {name: recorded[name].target_id for name in about} == dict.fromkeys(about, sub)
    assert {"sign_in", "oauth.token_issued"} <= recorded.keys()
    assert recorded["account.suspended"].details["reason"] == "调离岗位"
    assert all(row.correlation_id for row in recorded.values())
    assert PHONE not in str([row.details for row in recorded.values()])


async def test_reuse_of_a_code_is_recorded(app: FastAPI, new_browser: NewBrowser) -> None:
    browser = new_browser()
    await browser.token(ADMIN)
    url = browser.authorize_url(verifier=VERIFIER)
    code = (await browser.http.get(url)).headers["location"].partition("code=")[2].partition("&")[0]
    form = {
        "grant_type": "authorization_code",
        "client_id": "portal",
        "code": code,
        "redirect_uri": "http://localhost:8000/callback",
        "code_verifier": VERIFIER,
    }
    statuses = [(await browser.http.post("/token", data=form)).status_code for _ in range(2)]
    assert statuses == [200, 400]
    row = (await acts(app))["oauth.grant_revoked"]
    assert (row.actor, row.details["reason"]) == ("portal", "authorization code reused")


async def test_every_state_of_a_unit_is_kept_with_who_made_it(app: FastAPI, new_browser: NewBrowser) -> None:
    admin = new_browser()
    headers = await admin.bearer(ADMIN)
    boss = (await admin.http.get("/api/v1/me", headers=headers)).json()
    school = {
        "parent_id": boss["unit_id"],
        "code": "S3701029001",
        "name": "济南市历下区新建小学",
        "level": "school",
        "kind": "school",
        "stages": ["compulsory"],
    }
    unit = (await admin.http.post("/api/v1/units", headers=headers, json=school)).json()["id"]
    seen = {**headers, "If-Match": "*"}
    closed = await admin.http.post(f"/api/v1/units/{unit}/close", headers=seen, json={"reason": "布局调整"})
    assert closed.status_code == 200
    async with app.state.database.transaction() as session:
        rows = (
            await session.scalars(
                select(UnitChange).where(UnitChange.unit_id == unit).order_by(UnitChange.version)
            )
        ).all()
    assert [(row.state["status"], str(row.changed_by)) for row in rows] == [
        ("active", boss["sub"]),
        ("closed", boss["sub"]),
    ]


@pytest.mark.parametrize("purpose", ["phone", "signing-key"])
async def test_what_is_sealed_for_one_field_opens_in_no_other(app: FastAPI, purpose: str) -> None:
    from cryptography.exceptions import InvalidTag

    sealed = app.state.vault.seal(purpose, secrets.token_hex(8))
    with pytest.raises(InvalidTag):
        app.state.vault.open("elsewhere", sealed)
