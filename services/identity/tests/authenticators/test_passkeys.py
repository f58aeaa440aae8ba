"""Passkeys: Web Authentication Level 3 §7.1 and §7.2, with an authenticator made of software."""

import asyncio
from datetime import timedelta

import pytest

from authkit import acr
from services.identity.tests.support.authenticators import NewPerson, Person, SoftKey, forms_of, options_of
from services.identity.tests.support.shapes import JsonObject

SECURITY = "/account/security"


async def test_a_passkey_is_registered_and_signs_in_alone(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    key = soft_key()
    page = await person.page(f"{SECURITY}/passkeys")
    options = options_of(page.text)
    assert options["rp"]["id"] == "localhost"
    chosen = options["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert person.phone not in page.text
    assert (await person.add_passkey(key, "办公电脑")).status_code == 303
    assert "办公电脑" in (await person.page(SECURITY)).text
    assert "新增了通行密钥“办公电脑”" in person.messages()[-1]
    elsewhere = new_person()
    answer = await elsewhere.use_passkey(key)
    assert (answer.status_code, answer.headers["location"]) == (303, SECURITY)
    session = await elsewhere.session()
    assert (session.acr, session.amr) == (acr.MFA, ["hwk", "user", "mfa"])
    assert session.account_id == (await person.account()).id


async def test_a_synced_passkey_is_a_key_in_software(person: Person, soft_key: type[SoftKey]) -> None:
    key = soft_key()
    key.synced = True
    await person.add_passkey(key)
    await person.use_passkey(key)
    assert (await person.session()).amr == ["swk", "user", "mfa"]


async def test_scripts_of_our_own_only_where_they_are_needed(person: Person, soft_key: type[SoftKey]) -> None:
    for url in ("/login/passkey?return_to=/account/security", f"{SECURITY}/passkeys"):
        page = await person.page(url)
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert policy.endswith("; script-src 'self'")
        assert "<noscript>" in page.text
    for url in (SECURITY, "/login?return_to=/account/security", f"{SECURITY}/totp", f"{SECURITY}/password"):
        assert "script-src" not in (await person.page(url)).headers["content-security-policy"]
    assert (await person.http.get("/static/passkey.js")).status_code == 200


@pytest.mark.parametrize(
    "spoil",
    [
        {"verifies": False},
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
    ],
)
async def test_7_1_what_was_made_elsewhere_or_unverified_is_not_registered(
    person: Person, soft_key: type[SoftKey], spoil: JsonObject
) -> None:
    key = soft_key()
    key.__dict__.update(spoil)
    answer = await person.add_passkey(key)
    assert (answer.status_code, "未通过验证" in answer.text) == (400, True)
    assert (await person.run("SELECT count(*) FROM passkeys")).scalar_one() == 0
    assert "passkey.not_added" in await person.audited()


@pytest.mark.parametrize(
    "spoil",
    [
        {"verifies": False},
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"count": -1},
        {"user": b"somebody else"},
        # Nobody was identified before: then it has to say whose it is.
        {"user": None},
        {"user": b""},
    ],
)
async def test_7_2_an_assertion_that_does_not_hold_signs_nobody_in(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey], spoil: JsonObject
) -> None:
    key = soft_key()
    await person.add_passkey(key)
    key.count = 4
    await person.use_passkey(key)
    key.__dict__.update(spoil)
    other = new_person()
    answer = await other.use_passkey(key)
    assert (answer.status_code, "未通过验证" in answer.text) == (400, True)
    assert "zhuxue_session" not in other.http.cookies
    assert "sign_in.refused" in await person.audited()


async def test_7_2_another_key_under_the_same_id_is_refused(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    key, forged = soft_key(), soft_key()
    await person.add_passkey(key)
    forged.id, forged.user = key.id, key.user
    assert (await new_person().use_passkey(forged)).status_code == 400


async def test_a_challenge_is_answered_once(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    key = soft_key()
    page = await person.page(f"{SECURITY}/passkeys")
    made = key.create(options_of(page.text))
    assert (await person.send(page, f"{SECURITY}/passkeys", credential=made)).status_code == 303
    other = new_person()
    page = await other.page("/login/passkey?return_to=/account/security")
    answer = key.get(options_of(page.text))
    assert (await other.send(page, "/login/passkey", credential=answer)).status_code == 303
    key.count += 1
    again = await other.send(page, "/login/passkey", credential=key.get(options_of(page.text)))
    assert (again.status_code, "页面已失效" in again.text) == (400, True)
    replayed = await other.send(page, "/login/passkey", credential=answer)
    assert replayed.status_code == 400


async def test_of_two_answers_at_once_one_counts(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    key = soft_key()
    await person.add_passkey(key)
    other = new_person()
    page = await other.page("/login/passkey?return_to=/account/security")
    credentials = [key.get(options_of(page.text)) for _ in range(2)]
    answers = await asyncio.gather(
        *(other.send(page, "/login/passkey", credential=one) for one in credentials)
    )
    assert sorted(answer.status_code for answer in answers) == [303, 400]


async def test_a_wrong_answer_uses_the_challenge_up(new_person: NewPerson, soft_key: type[SoftKey]) -> None:
    other = new_person()
    page = await other.page("/login/passkey?return_to=/account/security")
    wrong = soft_key().get(options_of(page.text))
    for words in ("未通过验证", "页面已失效"):
        assert words in (await other.send(page, "/login/passkey", credential=wrong)).text


async def test_a_challenge_is_of_one_browser_and_purpose_and_of_five_minutes(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    key = soft_key()
    await person.add_passkey(key)
    one, two = new_person(), new_person()
    page = await one.page("/login/passkey?return_to=/account/security")
    ticket = forms_of(page.text)["/login/passkey"]["ticket"]
    answer = key.get(options_of(page.text))
    own = await two.page("/login/passkey?return_to=/account/security")
    stolen = await two.send(own, "/login/passkey", credential=answer, ticket=ticket)
    assert (stolen.status_code, "页面已失效" in stolen.text) == (400, True)
    # For registering it is of no use either, nor is a ticket that is none.
    await person.use_passkey(key)
    page = await person.page(f"{SECURITY}/passkeys")
    for other in ("", "AAAA", "é", ticket):
        made = await person.send(page, f"{SECURITY}/passkeys", credential="{}", ticket=other)
        assert made.status_code in (400, 422)
    page = await one.page("/login/passkey?return_to=/account/security")
    one.clock.advance(timedelta(minutes=5))
    late = await one.send(page, "/login/passkey", credential=key.get(options_of(page.text)))
    assert "页面已失效" in late.text


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"rawId": 3, "response": {}}',
        '{"rawId": "AAAA", "response": []}',
        '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "%%"}}',
        "[" * 9000,
    ],
)
async def test_an_answer_that_is_none_is_refused(person: Person, credential: str) -> None:
    page = await person.page("/login/passkey?return_to=/account/security")
    answer = await person.send(page, "/login/passkey", credential=credential)
    assert (answer.status_code, "未通过验证" in answer.text) == (400, True)
    page = await person.page(f"{SECURITY}/passkeys")
    assert (await person.send(page, f"{SECURITY}/passkeys", credential=credential)).status_code == 400


async def test_unknown_and_known_passkeys_are_refused_in_the_same_words(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    """No enumeration: neither page nor refusal tells who has an account."""
    key = soft_key()
    await person.add_passkey(key)
    key.verifies = False
    known, unknown = [
        (await new_person().use_passkey(one)).text.split("<form")[0] for one in (key, soft_key())
    ]
    assert known == unknown
    page = await new_person().page("/login/passkey?return_to=/account/security")
    assert '"allowCredentials": []' in page.text.replace("&#34;", '"')


async def test_a_suspended_person_does_not_sign_in(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    key = soft_key()
    await person.add_passkey(key)
    await person.run("UPDATE accounts SET status = 'suspended'")
    other = new_person()
    answer = await other.use_passkey(key)
    assert (answer.status_code, "该账号已停用" in answer.text) == (403, True)
    assert "zhuxue_session" not in other.http.cookies


async def test_a_passkey_of_somebody_else_does_not_step_up(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    mine, theirs = soft_key(), soft_key()
    await person.add_passkey(mine)
    other = new_person("19900001324")
    await other.sign_in()
    await other.add_passkey(theirs)
    await person.sign_in()
    url = "/login/step-up?return_to=/account/security"
    page = await person.page(url)
    assert len(options_of(page.text)["allowCredentials"]) == 1
    answer = theirs.get(options_of(page.text))
    refused = await person.send(page, "/login/step-up/passkey", credential=answer)
    assert (refused.status_code, "未通过验证" in refused.text) == (400, True)
    page = await person.page(url)
    # Asked for by its id, a device need not say whose it is.
    mine.user = None
    answer = mine.get(options_of(page.text))
    assert (await person.send(page, "/login/step-up/passkey", credential=answer)).status_code == 303
    assert (await person.session()).acr == acr.MFA


async def test_a_credential_id_is_registered_once_and_a_person_has_ten(
    person: Person, new_person: NewPerson, soft_key: type[SoftKey]
) -> None:
    keys = [soft_key() for _ in range(10)]
    await person.add_passkey(keys[0])
    other = new_person("19900001324")
    await other.sign_in()
    taken = soft_key()
    taken.id = keys[0].id
    assert (await other.add_passkey(taken)).status_code == 400
    await person.use_passkey(keys[0])
    for key in keys[1:]:
        assert (await person.add_passkey(key)).status_code == 303
    page = await person.http.get(f"{SECURITY}/passkeys")
    assert (page.status_code, "最多可添加 10 个" in page.text) == (409, True)
    assert len((await person.run("SELECT DISTINCT name FROM passkeys")).all()) == 10


async def test_a_name_is_kept_printable_and_short(person: Person, soft_key: type[SoftKey]) -> None:
    await person.add_passkey(soft_key(), "a\x00\n" + "长" * 100)
    assert (await person.run("SELECT name FROM passkeys")).scalar_one() == "a" + "长" * 39
