"""Every read of unmasked personal data is in the audit log."""

import httpx
from fastapi import FastAPI
from sqlalchemy import select

from authkit import acr
from identity.accounts.models import Account
from identity.audit.models import AuditRecord
from identity.bootstrap import World
from services.identity.tests.support.authenticators import Person
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock

ADMIN = "19900001323"


async def recorded(app: FastAPI, action: str) -> list[AuditRecord]:
    async with app.state.database.transaction() as session:
        return list(await session.scalars(select(AuditRecord).where(AuditRecord.action == action)))


async def account_of(app: FastAPI, phone: str) -> Account:
    async with app.state.database.transaction() as session:
        index = app.state.vault.index("phone", phone)
        found: Account | None = await session.scalar(select(Account).where(Account.phone_index == index))
    assert found is not None
    return found


async def test_userinfo_that_gives_the_number_is_recorded(app: FastAPI, new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = (await browser.token(ADMIN, None)).json()["access_token"]
    said = (await browser.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})).json()
    assert said["phone_number"] == f"+86{ADMIN}"
    (row,) = await recorded(app, "account.disclosed")
    assert (row.actor, row.target_id, row.details["fields"]) == ("portal", said["sub"], ["phone"])


async def test_a_number_that_went_to_another_person_is_not_given(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    token = (await browser.token(ADMIN, None)).json()["access_token"]
    async with app.state.database.transaction() as session:
        account = await session.get(Account, (await account_of(app, ADMIN)).id)
        vault, placeholder = app.state.vault, f"lost:{account.id}"
        account.lose_phone(vault.seal("phone", placeholder), vault.slots("phone", placeholder), clock.now())
    said = (await browser.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})).json()
    assert "phone_number" not in said
    assert said["phone_number_verified"] is False
    assert await recorded(app, "account.disclosed") == []


async def test_a_sign_in_by_text_message_alone_is_not_enough(app: FastAPI, new_browser: NewBrowser) -> None:
    browser = new_browser()
    headers = await browser.bearer(ADMIN)
    sub = (await account_of(app, ADMIN)).id
    refused = await browser.http.post(
        f"/api/v1/accounts/{sub}/unmask", headers=headers, json={"reason": "核对身份"}
    )
    assert (refused.status_code, refused.json()["code"]) == (401, "insufficient_user_authentication")
    assert await recorded(app, "account.unmasked") == []


async def test_an_administrator_sees_numbers_in_reach_and_each_look_is_recorded(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock, one_line_world: World
) -> None:
    phones = {one.unit_code: one.phone for one in one_line_world.people if "unit_admin" in one.roles}
    below, above = [await account_of(app, phones[code]) for code in ("370102", "370000")]
    admin = Person(app, new_browser(), clock, phones["370100"])
    await admin.sign_in()
    await admin.add_totp()
    resource = {"resource": "urn:zhuxue:identity"}
    token = await admin.redeem(await admin.authorize(acr_values=acr.MFA, max_age="300", **resource))
    headers = {"Authorization": f"Bearer {token['access_token']}"}

    async def unmask(account: Account, **body: str) -> httpx.Response:
        path = f"/api/v1/accounts/{account.id}/unmask"
        return await admin.http.post(path, headers=headers, json=body)

    seen = await unmask(below, reason="核对身份")
    assert seen.json() == {"sub": str(below.id), "phone": phones["370102"], "id_number": None}
    refused = await unmask(above, reason="核对身份")
    assert (refused.status_code, refused.json()["code"]) == (403, "out_of_reach")
    assert (await unmask(below)).status_code == 422, "a reason is required"
    (row,) = await recorded(app, "account.unmasked")
    assert row.target_id == str(below.id)
    assert row.details["reason"] == "核对身份"
    assert phones["370102"] not in str(row.details)
