"""TOTP (RFC 6238) and recovery codes."""

import asyncio
from datetime import timedelta

import pyotp
import pytest

from authkit import acr
from identity import bootstrap
from services.identity.tests.support.authenticators import NewPerson, Person
from testkit.pages import csrf_of

SECURITY = "/account/security"


async def test_enrolment_shows_secret_and_picture_and_is_confirmed_by_a_code(person: Person) -> None:
    page = await person.page(f"{SECURITY}/totp")
    assert "<svg" in page.text
    assert "style=" not in page.text.split("<svg")[1].split("</svg>")[0]
    assert "script-src" not in page.headers["content-security-policy"]
    wrong = await person.send(page, f"{SECURITY}/totp", code="000000")
    assert (wrong.status_code, "动态口令不正确" in wrong.text) == (400, True)
    assert (await person.run("SELECT count(*) FROM totp_secrets")).scalar_one() == 0
    await person.add_totp()
    session = await person.session()
    assert (session.acr, session.amr) == (acr.MFA, ["sms", "otp", "mfa"])
    assert len(set(person.recovery_codes)) == 10
    assert "totp.added" in await person.audited()
    assert "新增了动态口令" in person.messages()[-1]


async def test_made_up_people_get_a_secret_that_the_start_page_knows(person: Person) -> None:
    secret, state = pyotp.random_base32(), person.app.state
    for _ in range(2):
        async with state.database.transaction() as session:
            await bootstrap.give_totp(session, state.clock, state.vault, {person.phone: secret})
    person.totp = pyotp.TOTP(secret)
    assert (await person.step_up("code", code=person.code(1))).status_code == 303
    assert (await person.session()).acr == acr.MFA


async def test_the_secret_and_recovery_codes_are_not_stored_in_clear(person: Person) -> None:
    await person.add_totp()
    stored = str((await person.run("SELECT * FROM totp_secrets")).all())
    stored += str((await person.run("SELECT * FROM recovery_codes")).all())
    assert person.totp.secret not in stored
    assert not any(code.replace("-", "") in stored for code in person.recovery_codes)


async def test_a_page_of_enrolment_works_a_quarter_of_an_hour_and_in_its_browser_only(
    person: Person, new_person: NewPerson
) -> None:
    page = await person.page(f"{SECURITY}/totp")
    other = new_person("19900001324")
    await other.sign_in()
    own = await other.page(f"{SECURITY}/totp")
    stolen = page.text.split('name="ticket" value="')[1].split('"')[0]
    answer = await other.send(own, f"{SECURITY}/totp", ticket=stolen, code="000000")
    assert "页面已失效" in answer.text
    for ticket in ("", "x", "AAAA", "é"):
        answer = await person.send(page, f"{SECURITY}/totp", ticket=ticket, code="000000")
        assert answer.status_code in (400, 422)
    person.clock.advance(timedelta(minutes=15))
    assert (await person.send(page, f"{SECURITY}/totp", code="000000")).status_code == 303
    assert (await person.run("SELECT count(*) FROM totp_secrets")).scalar_one() == 0


async def test_rfc6238_5_2_a_code_is_taken_once(person: Person) -> None:
    await person.add_totp()
    await person.sign_in()
    # The code that confirmed the enrolment has been used.
    assert (await person.step_up("code", code=person.code())).status_code == 400
    person.clock.advance(timedelta(seconds=30))
    code = person.code()
    assert (await person.step_up("code", code=code)).status_code == 303
    await person.sign_in()
    assert (await person.step_up("code", code=code)).status_code == 400
    # Nor is one of before the last.
    assert (await person.step_up("code", code=person.code(1))).status_code == 303
    await person.sign_in()
    assert (await person.step_up("code", code=person.code(0))).status_code == 400


async def test_of_two_sign_ins_at_once_one_code_lets_one_in(person: Person, new_person: NewPerson) -> None:
    await person.add_totp()
    person.clock.advance(timedelta(minutes=1))
    other = new_person()
    await other.sign_in()
    await person.sign_in()
    for code in (person.code(), person.recovery_codes[0]):
        answers = await asyncio.gather(*(one.step_up("code", code=code) for one in (person, other)))
        assert sorted(answer.status_code for answer in answers) == [303, 400]
        await other.sign_in()
        await person.sign_in()


@pytest.mark.parametrize(("steps", "expected"), [(-2, 400), (-1, 303), (0, 303), (1, 303), (2, 400)])
async def test_rfc6238_5_2_one_step_of_delay_is_allowed(person: Person, steps: int, expected: int) -> None:
    await person.add_totp()
    person.clock.advance(timedelta(minutes=10))
    await person.sign_in()
    assert (await person.step_up("code", code=f" {person.code(steps)} ")).status_code == expected


async def test_five_wrong_codes_lock_for_fifteen_minutes(person: Person) -> None:
    await person.add_totp()
    person.clock.advance(timedelta(minutes=1))
    await person.sign_in()
    for status in (400, 400, 400, 400, 400, 429):
        assert (await person.step_up("code", code="12345")).status_code == status
    for code in (person.code(), person.recovery_codes[0]):
        assert (await person.step_up("code", code=code)).status_code == 429
    person.clock.advance(timedelta(minutes=15))
    await person.sign_in()
    assert (await person.step_up("code", code=person.code())).status_code == 303


async def test_a_recovery_code_works_once_and_its_use_is_told(person: Person) -> None:
    await person.add_totp()
    await person.sign_in()
    typed = person.recovery_codes[3].upper().replace("-", " ")
    assert (await person.step_up("code", code=typed)).status_code == 303
    assert (await person.session()).acr == acr.MFA
    assert "使用了一个恢复码，还剩 9 个" in person.messages()[-1]
    await person.sign_in()
    assert (await person.step_up("code", code=typed)).status_code == 400
    assert (await person.step_up("code", code=person.recovery_codes[0])).status_code == 303


async def test_new_recovery_codes_end_the_old_ones(person: Person) -> None:
    await person.add_totp()
    page = await person.page(SECURITY)
    assert "恢复码剩余 10 个" in page.text
    renewed = await person.send(page, f"{SECURITY}/recovery-codes")
    assert renewed.status_code == 303
    old = person.recovery_codes
    await person.see_recovery_codes(renewed)
    await person.sign_in()
    assert (await person.step_up("code", code=old[0])).status_code == 400
    assert (await person.step_up("code", code=person.recovery_codes[0])).status_code == 303


async def test_recovery_codes_are_shown_once_and_only_in_their_session(
    person: Person, new_person: NewPerson
) -> None:
    await person.add_totp()
    answer = await person.send(await person.page(SECURITY), f"{SECURITY}/recovery-codes")
    cookie = answer.headers["set-cookie"]
    assert "httponly" in cookie.lower()
    other = new_person()
    await other.sign_in()
    other.http.cookies.set("zhuxue_flash", person.http.cookies["zhuxue_flash"])
    assert "恢复码已显示过" in (await other.page(f"{SECURITY}/recovery-codes")).text
    assert len(set((await person.see_recovery_codes(answer)).text.split("<code>"))) == 11
    assert "恢复码已显示过" in (await person.page(f"{SECURITY}/recovery-codes")).text


async def test_a_code_of_somebody_else_is_wrong(person: Person, new_person: NewPerson) -> None:
    await person.add_totp()
    other = new_person("19900001324")
    await other.sign_in()
    await other.add_totp()
    person.clock.advance(timedelta(minutes=1))
    await person.sign_in()
    for code in (other.code(), other.recovery_codes[0]):
        assert (await person.step_up("code", code=code)).status_code == 400


async def test_there_is_one_totp_at_a_time(person: Person) -> None:
    page = await person.page(f"{SECURITY}/totp")
    await person.add_totp()
    secret = page.text.split('id="secret">')[1].split("<")[0]
    again = await person.http.get(f"{SECURITY}/totp")
    assert (again.status_code, again.headers["location"]) == (303, SECURITY)
    csrf = csrf_of((await person.page(SECURITY)).text)
    code = pyotp.TOTP(secret).at(person.clock.now())
    answer = await person.send(page, f"{SECURITY}/totp", csrf=csrf, code=code)
    assert answer.status_code == 303
    assert (await person.run("SELECT count(*) FROM totp_secrets")).scalar_one() == 1
