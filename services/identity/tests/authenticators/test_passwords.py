"""Passwords: set, asked for beside an SMS code, locked, expired, not repeated."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from argon2 import Type

from authkit import acr
from identity.authenticators import step_up
from identity.authenticators.errors import AuthenticatorProblem
from servicekit.problems import Problem
from services.identity.tests.support.authenticators import NewPerson, Person
from services.identity.tests.support.running_identity import PRODUCTION_HASHER
from testkit.pages import csrf_of

SECURITY = "/account/security"
PASSWORD = "Tianqi-2026"


def test_a_password_costs_what_rfc9106_section_4_recommends() -> None:
    hasher = PRODUCTION_HASHER
    cost = (hasher.time_cost, hasher.memory_cost, hasher.parallelism)
    assert (hasher.type, cost) == (Type.ID, (3, 64 * 1024, 4))


async def test_a_password_is_argon2id_and_asked_for_beside_an_sms_code(person: Person) -> None:
    assert (await person.set_password()).status_code == 303
    assert (await person.session()).acr == acr.PASSWORD_SMS
    stored = (await person.run("SELECT * FROM passwords")).one()
    assert stored.hash.startswith("$argon2id$")
    assert PASSWORD not in str(stored)
    assert person.messages() == ["【学生资助】您的账号设置了登录密码。如非本人操作，请立即联系本单位管理员。"]
    assert "password.set" in await person.audited()
    await person.sign_in()
    assert (await person.session()).acr == acr.SMS
    assert (await person.step_up("password", password=PASSWORD)).status_code == 303
    session = await person.session()
    assert (session.acr, session.amr) == (acr.PASSWORD_SMS, ["sms", "otp", "pwd", "mfa"])


async def test_a_password_alone_signs_nobody_in(person: Person, new_person: NewPerson) -> None:
    await person.set_password()
    other = new_person()
    form = {"csrf": "0" * 64, "return_to": SECURITY, "password": PASSWORD}
    answer = await other.http.post("/login/step-up/password", data=form)
    assert (answer.status_code, answer.json()["code"]) == (403, "forged_form")
    person.clock.advance(timedelta(minutes=6))
    page = await person.page(f"/login/step-up?return_to={SECURITY}")
    assert "用短信验证码重新登录" in page.text
    assert 'name="password"' not in page.text
    csrf = csrf_of((await person.page("/account/sessions")).text)
    answer = await person.http.post("/login/step-up/password", data=form | {"csrf": csrf})
    assert answer.status_code == 403
    assert "请先用短信验证码登录" in answer.text


@pytest.mark.parametrize(
    ("password", "again", "words"),
    [
        ("Aa1-567", None, "至少 8 位"),
        ("aaaa1111", None, "至少三类"),
        ("Aa1-" + "x" * 125, None, "最多 128 位"),
        ("Aa-19900001323", None, "手机号或姓名"),
        ("Password1!", None, "过于常见"),
        (PASSWORD, PASSWORD + "x", "两次输入的密码不一致"),
        ("", None, "至少 8 位"),
    ],
)
async def test_an_unfit_password_is_refused_with_the_rule(
    person: Person, password: str, again: str | None, words: str
) -> None:
    answer = await person.set_password(password, again)
    assert answer.status_code == 400
    assert words in answer.text
    assert (await person.run("SELECT count(*) FROM passwords")).scalar_one() == 0


async def test_five_wrong_passwords_lock_for_fifteen_minutes(person: Person) -> None:
    await person.set_password()
    await person.sign_in()
    for _ in range(4):
        answer = await person.step_up("password", password="Wrong-2026")
        assert "密码不正确" in answer.text
    # The right one makes counting begin anew.
    await person.step_up("password", password=PASSWORD)
    for status in (400, 400, 400, 400, 400, 429):
        assert (await person.step_up("password", password="Wrong-2026")).status_code == status
    locked = await person.step_up("password", password=PASSWORD)
    assert locked.status_code == 429
    assert "请 15 分钟后再试" in locked.text
    person.clock.advance(timedelta(minutes=15))
    await person.sign_in()
    assert (await person.step_up("password", password=PASSWORD)).status_code == 303
    assert (await person.audited()).count("password.refused") == 11


async def test_wrong_passwords_count_although_the_page_fails(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await person.set_password()
    await person.sign_in()

    made = step_up._render

    async def broken(*given: Any, **more: Any) -> Any:
        if any(isinstance(one, AuthenticatorProblem) for one in given):
            raise Problem
        return await made(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(step_up, "_render", broken)
        for _ in range(5):
            assert (await person.step_up("password", password="Wrong-2026")).status_code >= 400
    assert (await person.step_up("password", password=PASSWORD)).status_code == 429


async def test_guesses_at_once_are_all_counted(person: Person) -> None:
    await person.set_password()
    await person.sign_in()
    wrong = [person.step_up("password", password="Wrong-2026") for _ in range(6)]
    answers = await asyncio.gather(*wrong)
    assert sorted(answer.status_code for answer in answers) == [400] * 5 + [429]


async def test_the_last_five_passwords_are_not_taken_again(person: Person) -> None:
    passwords = [f"Tianqi-202{number}" for number in range(6)]
    for password in passwords:
        assert (await person.set_password(password)).status_code == 303
    for password in passwords[1:]:
        answer = await person.set_password(password)
        assert (answer.status_code, "最近使用过的 5 个密码" in answer.text) == (400, True)
    assert (await person.set_password(passwords[0])).status_code == 303


async def test_after_ninety_days_a_password_counts_only_with_a_new_one(person: Person) -> None:
    await person.set_password()
    person.clock.advance(timedelta(days=90))
    await person.sign_in()
    assert "已到期" in (await person.page(SECURITY)).text
    asked = await person.step_up("password", password=PASSWORD)
    assert (asked.status_code, 'name="new_password"' in asked.text) == (400, True)
    assert (await person.session()).acr == acr.SMS
    for new, again, words in (
        (PASSWORD, PASSWORD, "最近使用过的 5 个密码"),
        ("Xinde-2027", "Xinde-2028", "两次输入的新密码不一致"),
        ("short", "short", "至少 8 位"),
    ):
        form = {"password": PASSWORD, "new_password": new, "again": again}
        answer = await person.send(asked, "/login/step-up/password", **form)
        assert words in answer.text
        assert 'name="new_password"' in answer.text
    form = {"password": "Wrong-2026", "new_password": "Xinde-2027", "again": "Xinde-2027"}
    assert (await person.send(asked, "/login/step-up/password", **form)).status_code == 400
    answer = await person.send(asked, "/login/step-up/password", **(form | {"password": PASSWORD}))
    assert answer.status_code == 303
    assert (await person.session()).acr == acr.PASSWORD_SMS
    await person.sign_in()
    assert (await person.step_up("password", password="Xinde-2027")).status_code == 303


async def test_a_new_password_ends_the_other_sessions(person: Person, new_person: NewPerson) -> None:
    await person.set_password()
    other = new_person()
    await other.sign_in()
    await person.set_password("Xinde-2027")
    assert (await other.http.get(SECURITY)).status_code == 303
    assert (await person.http.get(SECURITY)).status_code == 200


async def test_so_does_one_that_replaces_an_old_one_on_the_way_in(
    person: Person, new_person: NewPerson
) -> None:
    await person.set_password()
    person.clock.advance(timedelta(days=90))
    other = new_person()
    await other.sign_in()
    await person.sign_in()
    form = {"password": PASSWORD, "new_password": "Xinde-2027", "again": "Xinde-2027"}
    asked = await person.step_up("password", password=PASSWORD)
    assert (await person.send(asked, "/login/step-up/password", **form)).status_code == 303
    assert (await other.http.get(SECURITY)).status_code == 303
    assert (await person.http.get(SECURITY)).status_code == 200


async def test_an_overlong_or_missing_password_is_just_wrong(person: Person) -> None:
    await person.set_password()
    await person.sign_in()
    for password in ("", "x" * 300, "Aa1-\x00567"):
        assert (await person.step_up("password", password=password)).status_code == 400


async def test_wrong_passwords_elsewhere_do_not_lock_a_browser_that_the_person_has_used_for_a_day(
    person: Person, new_person: NewPerson
) -> None:
    await person.set_password()
    person.clock.advance(timedelta(days=1))
    await person.sign_in()
    stranger = new_person()
    await stranger.sign_in()
    for _ in range(5):
        await stranger.step_up("password", password="Falsch-2026")
    assert (await stranger.step_up("password", password=PASSWORD)).status_code == 429
    assert (await person.step_up("password", password=PASSWORD)).status_code == 303


async def test_five_wrong_passwords_lock_such_a_browser_alone(person: Person, new_person: NewPerson) -> None:
    await person.set_password()
    person.clock.advance(timedelta(days=1))
    await person.sign_in()
    for _ in range(4):
        assert (await person.step_up("password", password="Falsch-2026")).status_code == 400
    assert (await person.step_up("password", password=PASSWORD)).status_code == 303
    await person.sign_in()
    for _ in range(5):
        await person.step_up("password", password="Falsch-2026")
    assert (await person.step_up("password", password=PASSWORD)).status_code == 429
    other = new_person()
    await other.sign_in()
    assert (await other.step_up("password", password=PASSWORD)).status_code == 303
    person.clock.advance(timedelta(minutes=15))
    await person.sign_in()
    assert (await person.step_up("password", password=PASSWORD)).status_code == 303
