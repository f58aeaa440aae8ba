"""Which level a request asks for, alone: OpenID Connect Core §3.1.2.1 and §5.5.1.1, RFC 9470 §5."""

import pytest

from authkit import acr
from identity.oauth.authorization.acr import Level, level_of
from services.identity.tests.support.shapes import JsonObject


@pytest.mark.parametrize(
    ("data", "claim", "default", "expected"),
    [
        ({}, None, [], Level()),
        ({"acr_values": "1 2"}, None, [acr.MFA], Level()),
        ({"acr_values": f"1 {acr.MFA}"}, None, [], Level((acr.MFA,))),
        ({}, None, [acr.MFA], Level((acr.MFA,))),
        ({}, {}, [acr.MFA], Level()),
        ({}, {"value": acr.MFA}, [], Level()),
        ({"acr_values": acr.MFA}, {"value": acr.SMS}, [], Level((acr.MFA,))),
        ({"acr_values": acr.MFA}, {"essential": True, "value": acr.SMS}, [], Level((acr.SMS,), exact=True)),
        ({}, {"essential": True, "values": ["1", acr.SMS]}, [], Level(("1", acr.SMS), exact=True)),
        ({}, {"essential": True}, [acr.MFA], Level((), exact=True)),
        ({}, {"essential": "yes", "value": "1"}, [], Level()),
        ({}, {"essential": True, "values": "nonsense"}, [], Level((), exact=True)),
        ({}, {"essential": True, "value": {"a": 1}}, [], Level(("{'a': 1}",), exact=True)),
    ],
)
def test_what_is_asked_for(
    data: dict[str, str], claim: JsonObject | None, default: list[str], expected: Level
) -> None:
    assert level_of(data, claim, default) == expected


def test_the_lowest_level_asked_for_is_enough() -> None:
    level = Level((acr.MFA, "1", acr.PASSWORD_SMS))
    assert (level.need, level.impossible) == (acr.PASSWORD_SMS, False)
    assert [level.met(one) for one in acr.ORDER] == [False, True, True]


def test_what_nobody_can_reach_is_impossible() -> None:
    assert Level(("1", "2"), exact=True).impossible
    assert not Level().impossible
    assert not Level((), exact=True).impossible


@pytest.mark.parametrize("have", acr.ORDER)
def test_without_values_any_level_will_do_and_is_named(have: str) -> None:
    for level in (Level(), Level((), exact=True)):
        assert (level.need, level.met(have), level.named(have)) == (None, True, have)


def test_an_essential_claim_is_answered_with_one_of_its_values() -> None:
    assert Level((acr.SMS,), exact=True).named(acr.MFA) == acr.SMS
    assert Level((acr.SMS,)).named(acr.MFA) == acr.MFA
