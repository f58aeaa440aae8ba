"""RFC 9470: a resource server asks for a level, the client asks the issuer for it, and gets it or an error.

The levels of a request: OpenID Connect Core §3.1.2.1 (`acr_values`), §5.5.1.1 (the `acr` claim).
"""

import json
import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from sqlalchemy import text

from authkit import acr
from identity.bootstrap import World
from services.identity.tests.support.authenticators import (
    NewPerson,
    Person,
    SoftKey,
    answer_of,
    return_to_of,
)

SECURITY = "/account/security"
UNMET = "unmet_authentication_requirements"


def essential(*values: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": list(values)}}})


async def test_rfc9470_5_the_sign_in_goes_on_to_the_level_that_is_asked_for(new_person: NewPerson) -> None:
    person = new_person()
    await person.sign_in()
    await person.add_totp()
    person.clock.advance(timedelta(hours=1))
    location = await person.authorize(acr_values=acr.MFA)
    assert location.startswith("/login?")
    answer = await person.sign_in(return_to_of(location))
    location = (await person.http.get(answer.headers["location"])).headers["location"]
    assert location.startswith("/login/step-up?")
    page = await person.page(location)
    answer = await person.send(page, "/login/step-up/code", code=person.code())
    location = (await person.http.get(answer.headers["location"])).headers["location"]
    claims = (await person.redeem(location))["claims"]
    assert (claims["acr"], claims["amr"]) == (acr.MFA, ["sms", "otp", "mfa"])
    assert claims["auth_time"] == int(person.clock.now().timestamp())


async def test_a_live_session_steps_up_in_place(person: Person) -> None:
    """The same `sid`, a new cookie, a new `auth_time`, a higher `acr`; what was granted stays as it was."""
    await person.add_totp()
    await person.sign_in()
    low = await person.redeem(await person.authorize())
    cookie = person.http.cookies["zhuxue_session"]
    person.clock.advance(timedelta(minutes=2))
    page = await person.page(await person.authorize(acr_values=acr.MFA))
    answer = await person.send(page, "/login/step-up/code", code=person.code())
    high = await person.redeem((await person.http.get(answer.headers["location"])).headers["location"])
    assert high["claims"]["sid"] == low["claims"]["sid"]
    assert (low["claims"]["acr"], high["claims"]["acr"]) == (acr.SMS, acr.MFA)
    assert high["claims"]["auth_time"] == low["claims"]["auth_time"] + 120
    person.http.cookies.set("zhuxue_session", cookie)
    assert (await person.http.get(SECURITY)).status_code == 303
    assert "session.stepped_up" in await person.audited()


async def test_a_higher_level_satisfies_a_lower_one(person: Person) -> None:
    await person.add_totp()
    for values in (acr.SMS, acr.PASSWORD_SMS, f"urn:elsewhere {acr.PASSWORD_SMS}", "urn:elsewhere"):
        location = await person.authorize(acr_values=values, prompt="none")
        assert (await person.redeem(location))["claims"]["acr"] == acr.MFA


async def test_core_3_1_2_1_any_of_the_values_will_do_and_unknown_ones_do_not_count(person: Person) -> None:
    for values in (f"{acr.MFA} {acr.SMS}", "1 2", "urn:zhuxue:acr:retina"):
        location = await person.authorize(acr_values=values)
        assert (await person.redeem(location))["claims"]["acr"] == acr.SMS
    location = await person.authorize(acr_values=f"{acr.MFA} {acr.PASSWORD_SMS}")
    assert "acr=urn%3Azhuxue%3Aacr%3Apassword_sms" in location


async def test_core_3_1_2_6_without_a_page_a_level_that_could_be_reached_needs_a_sign_in(
    person: Person,
) -> None:
    for asked in ({"acr_values": acr.MFA}, {"claims": essential(acr.MFA)}):
        answer = answer_of(await person.authorize(prompt="none", **asked))
        assert (answer["error"], answer["state"]) == ("login_required", "st")


async def test_core_5_5_1_1_an_essential_acr_that_nobody_can_reach_is_unmet(
    person: Person, new_person: NewPerson
) -> None:
    for who in (person, new_person()):
        for prompt in ({}, {"prompt": "none"}):
            answer = answer_of(await who.authorize(claims=essential("urn:elsewhere"), **prompt))
            assert (answer["error"], answer["state"]) == (UNMET, "st")


async def test_core_5_5_1_1_the_answer_to_an_essential_acr_is_one_of_its_values(person: Person) -> None:
    await person.add_totp()
    for values, named in (
        ((acr.SMS,), acr.SMS),
        ((acr.SMS, acr.PASSWORD_SMS), acr.PASSWORD_SMS),
        ((acr.MFA, acr.SMS), acr.MFA),
        (("urn:elsewhere", acr.SMS), acr.SMS),
    ):
        claims = (await person.redeem(await person.authorize(claims=essential(*values))))["claims"]
        assert claims["acr"] == named


async def test_core_5_5_1_1_a_voluntary_acr_is_answered_with_the_level_there_is(person: Person) -> None:
    wanted = json.dumps({"id_token": {"acr": {"value": acr.MFA}}})
    claims = (await person.redeem(await person.authorize(claims=wanted)))["claims"]
    assert claims["acr"] == acr.SMS


@pytest.mark.parametrize("asked", [{"acr_values": acr.MFA}, {"claims": essential(acr.MFA)}])
async def test_rfc9470_5_whoever_does_not_want_to_is_unmet(person: Person, asked: dict[str, str]) -> None:
    """RFC 9470 §5: an error, so that the client is not given once more what was refused already."""
    page = await person.page(await person.authorize(**asked))
    answer = await person.send(page, "/authorize/decision", decision="no_step_up")
    location = (await person.http.get(answer.headers["location"])).headers["location"]
    assert answer_of(location)["error"] == UNMET
    # It is not remembered.
    assert (await person.authorize(**asked)).startswith("/login/step-up?")


async def test_who_has_nothing_sets_up_totp_on_the_way(person: Person) -> None:
    location = await person.authorize(acr_values=acr.MFA)
    page = await person.page(location)
    assert "您还没有可用的验证方式" in page.text
    assert "/account/security/password" not in page.text
    done = await person.add_totp(return_to_of(location))
    onward = re.search(r'href="(/authorize[^"]+)"', done.text)
    assert onward is not None
    location = (await person.http.get(onward[1].replace("&amp;", "&"))).headers["location"]
    assert (await person.redeem(location))["claims"]["acr"] == acr.MFA


async def test_who_has_nothing_sets_up_a_password_on_the_way(person: Person) -> None:
    location = await person.authorize(acr_values=acr.PASSWORD_SMS)
    back = return_to_of(location)
    assert "设置密码" in (await person.page(location)).text
    page = await person.http.get(f"{SECURITY}/password", params={"return_to": back})
    assert page.headers["content-security-policy"].endswith("form-action 'self' http://localhost:8000")
    form = {"password": "Tianqi-2026", "again": "Tianqi-2026"}
    answer = await person.send(page, f"{SECURITY}/password", **form)
    location = (await person.http.get(answer.headers["location"])).headers["location"]
    claims = (await person.redeem(location))["claims"]
    assert (claims["acr"], claims["amr"]) == (acr.PASSWORD_SMS, ["sms", "otp", "pwd", "mfa"])


async def test_who_has_a_password_gives_it_before_setting_up_totp(person: Person) -> None:
    """Otherwise whoever reads the text messages could."""
    await person.set_password()
    await person.sign_in()
    location = await person.authorize(acr_values=acr.MFA)
    page = await person.page(location)
    assert "设置动态口令" not in page.text
    answer = await person.send(page, "/login/step-up/password", password="Tianqi-2026")
    location = (await person.http.get(answer.headers["location"])).headers["location"]
    assert "设置动态口令" in (await person.page(location)).text
    assert (await person.session()).acr == acr.PASSWORD_SMS


async def test_an_sms_code_of_long_ago_is_asked_for_again_first(person: Person) -> None:
    await person.add_totp()
    await person.sign_in()
    person.clock.advance(timedelta(minutes=6))
    location = await person.authorize(acr_values=acr.MFA)
    page = await person.page(location)
    assert 'name="code"' not in page.text
    again = re.search(r'href="(/login\?[^"]+)"', page.text)
    assert again is not None
    answer = await person.sign_in(return_to_of(again[1]))
    location = (await person.http.get(answer.headers["location"])).headers["location"]
    assert 'name="code"' in (await person.page(location)).text


async def test_a_passkey_reaches_the_level_without_an_sms_code(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    key = soft_key()
    await person.add_passkey(key)
    other = new_person()
    location = await other.authorize(acr_values=acr.MFA, prompt="login", max_age="0")
    answer = await other.use_passkey(key, return_to_of(location))
    location = (await other.http.get(answer.headers["location"])).headers["location"]
    assert (await other.redeem(location))["claims"]["acr"] == acr.MFA


async def test_rfc9470_6_2_introspection_tells_level_and_time(person: Person) -> None:
    await person.add_totp()
    tokens = await person.redeem(await person.authorize(resource="urn:zhuxue:office"))
    form = {"token": tokens["access_token"]}
    answer = (await person.http.post("/introspect", data=form, auth=("office", "o" * 40))).json()
    assert (answer["active"], answer["acr"]) == (True, acr.MFA)
    assert answer["auth_time"] == int(person.clock.now().timestamp())


async def test_prompt_login_asks_for_both_once(person: Person) -> None:
    """The SMS code of the request counts for `prompt=login`; stepping up does not ask for it again."""
    await person.add_totp()
    person.clock.advance(timedelta(minutes=1))
    location = await person.authorize(acr_values=acr.MFA, prompt="login", max_age="0")
    assert location.startswith("/login?")
    answer = await person.sign_in(return_to_of(location))
    location = (await person.http.get(answer.headers["location"])).headers["location"]
    assert location.startswith("/login/step-up?")
    answer = await person.send(await person.page(location), "/login/step-up/code", code=person.code())
    location = (await person.http.get(answer.headers["location"])).headers["location"]
    assert (await person.redeem(location))["claims"]["acr"] == acr.MFA


async def test_rfc9126_a_pushed_request_steps_up_too(person: Person) -> None:
    await person.add_totp()
    await person.sign_in()
    pushed = dict(parse_qsl(urlsplit(person.url(acr_values=acr.MFA)).query))
    reference = (await person.http.post("/par", data=pushed)).json()["request_uri"]
    url = "/authorize?" + urlencode({"client_id": "portal", "request_uri": reference})
    page = await person.page((await person.http.get(url)).headers["location"])
    answer = await person.send(page, "/login/step-up/code", code=person.recovery_codes[0])
    location = (await person.http.get(answer.headers["location"])).headers["location"]
    assert (await person.redeem(location))["claims"]["acr"] == acr.MFA


async def test_rfc9470_5_max_age_alone_asks_to_sign_in_again(person: Person) -> None:
    person.clock.advance(timedelta(minutes=10))
    assert (await person.authorize(max_age="300")).startswith("/login?")


async def test_rfc7591_default_acr_values_stand_in_for_acr_values(person: Person) -> None:
    async with person.app.state.database.transaction() as session:
        await session.execute(
            text("UPDATE clients SET default_acr_values = ARRAY[:mfa] WHERE client_id = 'portal'"),
            {"mfa": acr.MFA},
        )
    assert (await person.authorize()).startswith("/login/step-up?")
    for asked in ({"acr_values": acr.SMS}, {"claims": '{"id_token":{"acr":null}}'}):
        assert (await person.redeem(await person.authorize(**asked)))["claims"]["acr"] == acr.SMS


async def test_discovery_names_the_levels(person: Person) -> None:
    document = (await person.http.get("/.well-known/openid-configuration")).json()
    assert document["acr_values_supported"] == list(acr.ORDER)
    assert {"acr", "amr", "auth_time"} <= set(document["claims_supported"])


async def test_rfc9470_from_the_challenge_to_the_answer(new_person: NewPerson, one_line_world: World) -> None:
    """An administrator resets somebody's authenticators: refused, challenged, stepped up, done."""
    phones = {one.unit_code: one.phone for one in one_line_world.people if "unit_admin" in one.roles}
    somebody, admin = new_person(), new_person(phones["370100"])
    await somebody.sign_in()
    await somebody.set_password()
    await somebody.add_totp()
    sub = (await somebody.account()).id
    url = f"/api/v1/accounts/{sub}/authenticators"
    await admin.sign_in()
    await admin.add_totp()
    await admin.sign_in()
    resource = {"resource": "urn:zhuxue:identity"}
    low = await admin.redeem(await admin.authorize(**resource))
    headers = {"Authorization": f"Bearer {low['access_token']}"}
    refused = await admin.http.delete(url, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "insufficient_user_authentication")
    challenge = dict(re.findall(r'(\w+)="([^"]*)"', refused.headers["www-authenticate"]))
    asked = {name: challenge[name] for name in ("acr_values", "max_age")}
    page = await admin.page(await admin.authorize(**asked, **resource))
    answer = await admin.send(page, "/login/step-up/code", code=admin.recovery_codes[0])
    location = (await admin.http.get(answer.headers["location"])).headers["location"]
    high = await admin.redeem(location)
    headers = {"Authorization": f"Bearer {high['access_token']}"}
    assert (await admin.http.delete(url, headers=headers)).status_code == 204
    assert "已由管理员重置" in somebody.messages()[-1]
    assert (await somebody.http.get(SECURITY)).status_code == 303
    for table in ("passwords", "totp_secrets", "recovery_codes"):
        left = await admin.run(f"SELECT count(*) FROM {table} WHERE account_id = :sub", sub=sub)
        assert left.scalar_one() == 0
    assert "authenticators.reset" in await somebody.audited()
    # Neither one's own, nor those of people above, nor of nobody.
    own = (await admin.account()).id
    other = new_person(phones["370000"])
    above = (await other.account()).id
    for target, status, code in (
        (own, 403, "not_yourself"),
        (above, 403, "out_of_reach"),
        ("01930000-0000-7000-8000-0000000000bb", 404, "account_not_found"),
    ):
        answer = await admin.http.delete(f"/api/v1/accounts/{target}/authenticators", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
