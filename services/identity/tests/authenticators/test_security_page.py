"""The page of authenticators: who may change them, what is told and recorded, what is asked before."""

import contextlib
import re
from datetime import timedelta

import pytest
from fastapi import FastAPI

from authkit import acr
from identity.accounts.errors import AccountNotFound, BadPhone
from identity.cli_authenticators import perform
from identity.sms.errors import SmsUnavailable
from identity.sms.service import TextMessages
from services.identity.tests.support.authenticators import NewPerson, Person, SoftKey, return_to_of
from services.identity.tests.support.services import sessions_in
from testkit.pages import csrf_of

SECURITY = "/account/security"


async def test_a_stranger_is_sent_to_sign_in(new_person: NewPerson) -> None:
    for path in ("", "/password", "/totp", "/passkeys"):
        location = (await new_person().http.get(SECURITY + path)).headers["location"]
        assert return_to_of(location) == SECURITY + path


async def test_nothing_is_changed_five_minutes_after_signing_in(person: Person) -> None:
    page = await person.page(SECURITY)
    assert "设置密码" in page.text
    totp = await person.page(f"{SECURITY}/totp")
    password = await person.page(f"{SECURITY}/password")
    person.clock.advance(timedelta(minutes=5, seconds=1))
    page = await person.page(SECURITY)
    assert "设置密码" not in page.text
    assert "/login?return_to=%2Faccount%2Fsecurity" in page.text
    for answer in (
        await person.send(totp, f"{SECURITY}/totp", code="123456"),
        await person.send(password, f"{SECURITY}/password", password="Tianqi-2026", again="Tianqi-2026"),
        await person.http.get(f"{SECURITY}/passkeys"),
    ):
        assert (answer.status_code, answer.headers["location"]) == (303, SECURITY)
    assert (await person.run("SELECT count(*) FROM passwords")).scalar_one() == 0


async def test_setting_something_up_makes_no_sign_in_younger(person: Person) -> None:
    """Else whoever has got hold of a session could keep it fit for changes for ever."""
    since = (await person.session()).authenticated_at
    person.clock.advance(timedelta(minutes=4))
    await person.set_password()
    await person.add_totp()
    session = await person.session()
    assert (session.acr, session.authenticated_at) == (acr.MFA, since)
    person.clock.advance(timedelta(minutes=2))
    assert "请先<a" in (await person.page(SECURITY)).text


async def test_whoever_only_reads_text_messages_adds_nothing(person: Person, new_person: NewPerson) -> None:
    await person.set_password()
    await person.add_totp()
    thief = new_person()
    await thief.sign_in()
    page = await thief.page(SECURITY)
    assert "/login/step-up?" in page.text
    for path in ("/password", "/totp", "/passkeys"):
        assert (await thief.http.get(SECURITY + path)).headers["location"] == SECURITY
    csrf = csrf_of((await thief.page("/account/sessions")).text)
    for path, form in (
        ("/remove", {"what": "totp", "confirmed": "yes"}),
        ("/remove", {"what": "password"}),
        ("/recovery-codes", {}),
        ("/password", {"password": "Xinde-2027", "again": "Xinde-2027"}),
        ("/passkeys", {"ticket": "x", "credential": "{}"}),
    ):
        answer = await thief.http.post(SECURITY + path, data={**form, "csrf": csrf})
        assert (answer.status_code, answer.headers["location"]) == (303, SECURITY)
    assert "已设置，恢复码剩余 10 个" in (await person.page(SECURITY)).text
    # A password alone does not lead further than to itself either.
    page = await thief.http.get("/login/step-up", params={"return_to": SECURITY, "acr": acr.MFA})
    assert "动态口令或恢复码" in page.text
    assert 'name="password"' not in page.text


@pytest.mark.parametrize(
    "path",
    ["/password", "/totp", "/recovery-codes", "/passkeys", "/remove", "!code", "!password", "!passkey"],
)
async def test_forms_cannot_be_forged(person: Person, path: str) -> None:
    url = path.replace("!", "/login/step-up/") if path.startswith("!") else SECURITY + path
    form = {"csrf": "0" * 64, "what": "totp", "ticket": "x", "return_to": SECURITY}
    answer = await person.http.post(url, data=form)
    assert (answer.status_code, answer.json()["code"]) == (403, "forged_form")
    csrf = csrf_of((await person.page("/account/sessions")).text)
    foreign = {"origin": "https://evil.example"}
    answer = await person.http.post(url, data={**form, "csrf": csrf}, headers=foreign)
    assert (answer.status_code, answer.json()["code"]) == (403, "forged_form")


async def test_the_sign_in_with_a_passkey_cannot_be_forged(person: Person) -> None:
    form = {"csrf": "0" * 64, "ticket": "x", "return_to": SECURITY, "credential": "{}"}
    answer = await person.http.post("/login/passkey", data=form)
    assert (answer.status_code, answer.json()["code"]) == (403, "forged_form")


@pytest.mark.parametrize(
    "path", ["/login/step-up", "/login/passkey", f"{SECURITY}/totp", f"{SECURITY}/password"]
)
async def test_pages_lead_back_to_our_own_only(person: Person, path: str) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example", "/authorize?a\\b"):
        answer = await person.http.get(path, params={"return_to": elsewhere})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_return_to")


async def test_removing_anything_is_asked_for_and_the_last_strong_one_with_a_warning(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    await person.add_totp()
    await person.add_passkey(soft_key(), "办公电脑")
    other = new_person()
    await other.sign_in()
    page = await person.page(SECURITY)
    sid = (await person.session()).id
    passkey = re.search(r'name="passkey" value="([^"]+)"', page.text)
    assert passkey is not None
    form = {"csrf": csrf_of(page.text), "what": "passkey", "passkey": passkey[1]}
    asked = await person.http.post(f"{SECURITY}/remove", data=form)
    assert (asked.status_code, "最后一个" in asked.text) == (200, False)
    assert "要移除通行密钥吗" in asked.text
    removed = await person.send(asked, f"{SECURITY}/remove", confirmed="yes")
    assert "通行密钥已移除。" in (await person.page(removed.headers["location"])).text
    assert "移除了通行密钥" in person.messages()[-1]
    assert (await other.http.get(SECURITY)).status_code == 303
    form = {"csrf": form["csrf"], "what": "totp"}
    asked = await person.http.post(f"{SECURITY}/remove", data=form)
    assert (asked.status_code, "最后一个" in asked.text) == (200, True)
    assert "恢复码剩余 10 个" in (await person.page(SECURITY)).text
    removed = await person.send(asked, f"{SECURITY}/remove", confirmed="yes")
    assert removed.status_code == 303
    assert (await person.run("SELECT count(*) FROM recovery_codes")).scalar_one() == 0
    assert (await person.session()).id == sid
    assert {"passkey.removed", "totp.removed"} <= set(await person.audited())


async def test_nobody_removes_what_is_not_theirs(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    await person.add_passkey(soft_key())
    theirs = (await person.run("SELECT id FROM passkeys")).scalar_one()
    other = new_person("19900001324")
    await other.sign_in()
    csrf = csrf_of((await other.page("/account/sessions")).text)
    for what, passkey in (("passkey", str(theirs)), ("totp", ""), ("password", "")):
        form = {"csrf": csrf, "what": what, "confirmed": "yes"} | ({"passkey": passkey} if passkey else {})
        assert (await other.http.post(f"{SECURITY}/remove", data=form)).status_code == 303
    assert (await person.run("SELECT count(*) FROM passkeys")).scalar_one() == 1
    bad = {"csrf": csrf, "what": "sms"}
    assert (await other.http.post(f"{SECURITY}/remove", data=bad)).status_code == 422


async def test_no_change_goes_unnoticed(person: Person, app: FastAPI) -> None:
    """The message is committed with the change, and sent as soon as the gateway takes it."""

    class Broken:
        async def send(self, phone: str, text: str, *, key: str | None = None) -> None:
            raise SmsUnavailable

    dispatcher = app.state.sms_dispatcher
    page = await person.page(f"{SECURITY}/password")
    working, dispatcher.gateway = dispatcher.gateway, Broken()
    answer = await person.send(page, f"{SECURITY}/password", password="Tianqi-2026", again="Tianqi-2026")
    assert answer.status_code == 303
    assert (await person.run("SELECT count(*) FROM passwords")).scalar_one() == 1
    assert person.messages() == []
    dispatcher.gateway = working
    person.clock.advance(timedelta(hours=20))
    await dispatcher.drain()
    assert "设置了登录密码" in person.messages()[-1]


async def test_every_field_has_a_label_and_messages_are_announced(person: Person) -> None:
    await person.set_password()
    await person.add_totp()
    await person.sign_in()
    pages = [
        await person.page(f"/login/step-up?return_to={SECURITY}&acr={acr.PASSWORD_SMS}"),
        await person.page(SECURITY),
        await person.step_up("code", code="0"),
        await person.page("/login/passkey?return_to=/account/security"),
    ]
    person.clock.advance(timedelta(minutes=1))
    await person.step_up("code", code=person.code())
    pages += [await person.page(f"{SECURITY}/{name}") for name in ("password", "passkeys")]
    for answer in pages:
        assert '<html lang="zh-CN">' in answer.text
        assert answer.text.count("<h1>") == 1
        for field in re.findall(r"<input [^>]+>", answer.text):
            if 'type="hidden"' not in field:
                name = re.search(r'id="(\w+)"', field)
                assert name is not None, field
                assert f'<label for="{name[1]}">' in answer.text
    assert 'role="alert"' in pages[2].text
    assert 'aria-describedby="message"' in pages[2].text


async def test_the_account_page_leads_there(person: Person) -> None:
    assert f'href="{SECURITY}"' in (await person.page("/account/sessions")).text
    assert "/login/passkey?return_to=" in (await person.page(f"/login?return_to={SECURITY}")).text


async def test_the_operator_helps_whom_nobody_else_can(person: Person, app: FastAPI) -> None:
    await person.set_password()
    await person.add_totp()
    state = app.state
    for phone, refusal in (("19900001323", None), ("13800138000", AccountNotFound), ("110", BadPhone)):
        with contextlib.nullcontext() if refusal is None else pytest.raises(refusal):
            async with state.database.transaction() as session:
                messages = TextMessages(session, person.clock, state.vault, state.sms_dispatcher)
                await perform(session, person.clock, state.vault, state.settings, messages, phone)
    await state.sms_dispatcher.caught_up()
    assert (await person.run("SELECT count(*) FROM totp_secrets")).scalar_one() == 0
    assert (await person.http.get(SECURITY)).status_code == 303
    assert "已由管理员重置" in person.messages()[-1]
    actor = "SELECT actor FROM audit_log WHERE action = 'authenticators.reset'"
    assert (await person.run(actor)).scalar_one() == "operator"


async def test_a_session_that_has_ended_does_not_step_up(person: Person, app: FastAPI) -> None:
    """Ended between the page and the answer, by somebody else."""
    sid = (await person.session()).id
    async with app.state.database.transaction() as session:
        sessions = sessions_in(app, session)
        row = await sessions.lock(sid)
        assert row is not None
        await sessions.end(row, "test")
        assert await sessions.step_up(row, acr=acr.MFA, amr=["sms"]) is None
