"""What was shown now decides the level and `auth_time`; stepping up makes no sign-in younger."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from authkit import acr
from services.identity.tests.support.authenticators import (
    Person,
    SoftKey,
    answer_of,
    options_of,
    return_to_of,
)

PASSWORD = "Tianqi-2026"
SECURITY = "/account/security"


async def with_everything(person: Person) -> None:
    """At the highest level by SMS code and TOTP, just now, with a password beside."""
    await person.set_password()
    await person.add_totp()
    await person.sign_in()
    assert (await person.step_up("code", code=person.recovery_codes[0])).status_code == 303
    assert (await person.session()).acr == acr.MFA


async def test_a_password_after_totp_is_a_password(person: Person) -> None:
    await with_everything(person)
    person.clock.advance(timedelta(minutes=4))
    await person.step_up("password", password=PASSWORD)
    session = await person.session()
    assert (session.acr, session.authenticated_at) == (acr.PASSWORD_SMS, person.clock.now())
    assert "请先<a" in (await person.page(SECURITY)).text
    location = await person.authorize(acr_values=acr.MFA, max_age="300")
    assert location.startswith("/login/step-up?")


@pytest.mark.parametrize("by", ["password", "code"])
async def test_no_second_factor_makes_the_sms_code_younger(person: Person, by: str) -> None:
    """The first form is sent in time; what it shows stands in for no SMS code beside the second."""
    await with_everything(person)
    person.clock.advance(timedelta(minutes=4))
    level = acr.PASSWORD_SMS if by == "password" else acr.MFA
    url = f"/login/step-up?{urlencode({'return_to': SECURITY, 'acr': level})}"
    action = f"/login/step-up/{by}"
    answer = await person.send(await person.page(url), action, **shown(person, by))
    assert answer.status_code == 303
    before, page = await person.session(), await person.page(url)
    person.clock.advance(timedelta(minutes=2))
    answer = await person.send(page, action, **shown(person, by))
    assert (answer.status_code, "用短信验证码重新登录" in answer.text) == (403, True)
    after = await person.session()
    assert (after.secret_hash, after.authenticated_at) == (before.secret_hash, before.authenticated_at)


def shown(person: Person, by: str) -> dict[str, str]:
    return {"password": PASSWORD} if by == "password" else {"code": person.code()}


async def test_stepping_up_does_not_prolong_the_twelve_hours(person: Person, soft_key: type[SoftKey]) -> None:
    key = soft_key()
    await person.add_passkey(key)
    await person.sign_in()
    silent = {"prompt": "none"}
    for _ in range(12 * 3 - 1):
        person.clock.advance(timedelta(minutes=20))
        page = await person.http.get("/login/step-up", params={"return_to": SECURITY})
        answer = await person.send(page, "/login/step-up/passkey", credential=key.get(options_of(page.text)))
        assert answer.status_code == 303
        tokens = await person.redeem(await person.authorize(**silent, max_age="60"))
        claims = tokens["claims"]
        assert (claims["acr"], claims["auth_time"]) == (acr.MFA, int(person.clock.now().timestamp()))
    person.clock.advance(timedelta(minutes=20))
    assert answer_of(await person.authorize(**silent))["error"] == "login_required"
    form = {"grant_type": "refresh_token", "client_id": "portal", "refresh_token": tokens["refresh_token"]}
    assert (await person.http.post("/token", data=form)).json()["error"] == "invalid_grant"


async def test_signing_in_again_does(person: Person) -> None:
    for _ in range(3):
        for _ in range(12):
            person.clock.advance(timedelta(minutes=25))
            assert (await person.http.get(SECURITY)).status_code == 200
        sid = (await person.session()).id
        await person.sign_in()
        session = await person.session()
        assert (session.id, session.begun_at) == (sid, person.clock.now())


@pytest.mark.parametrize("pushed", [False, True])
@pytest.mark.parametrize("by", ["password", "code", "passkey"])
async def test_core_3_1_2_1_prompt_login_is_not_answered_by_stepping_up(
    person: Person, soft_key: type[SoftKey], by: str, pushed: bool
) -> None:
    key = soft_key()
    await with_everything(person)
    await person.add_passkey(key)
    person.clock.advance(timedelta(minutes=1))
    url = person.url(prompt="login")
    if pushed:
        asked = dict(parse_qsl(urlsplit(url).query))
        reference = (await person.http.post("/par", data=asked)).json()["request_uri"]
        url = "/authorize?" + urlencode({"client_id": "portal", "request_uri": reference})
    location = (await person.http.get(url)).headers["location"]
    assert location.startswith("/login?")
    back = return_to_of(location)
    level = acr.PASSWORD_SMS if by == "password" else acr.MFA
    page = await person.http.get("/login/step-up", params={"return_to": back, "acr": level})
    used = {"credential": key.get(options_of(page.text))} if by == "passkey" else shown(person, by)
    answer = await person.send(page, f"/login/step-up/{by}", **used)
    assert (answer.status_code, answer.headers["location"]) == (303, back)
    for again in (back, url):
        assert (await person.http.get(again)).headers["location"].startswith("/login?")
    await person.sign_in(back)
    assert (await person.http.get(back)).headers["location"].startswith("http://localhost:8000/callback?")
