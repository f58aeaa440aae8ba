"""Who may grant what, which units may stand where, and codes of invites as people type them."""

import pytest

from contracts.vocabulary import Kind, Level
from identity.entitlements.rules import may_enter_cockpit
from identity.invites.rules import new_invite_code, normalise_invite_code
from identity.roles.rules import Powers, grantable, permissions_of
from identity.units.rules import may_stand_below

KNOWN = {
    "admin": Powers(frozenset({"members", "notices"}), may_grant=frozenset({"drafts"})),
    "drafter": Powers(frozenset({"drafts"})),
    "reader": Powers(frozenset()),
    "auditor": Powers(frozenset({"audit"})),
}


def test_a_role_is_granted_by_whoever_has_or_may_pass_on_all_it_permits() -> None:
    assert grantable(["admin"], KNOWN) == {"admin", "drafter", "reader"}
    assert grantable(["drafter"], KNOWN) == {"drafter", "reader"}
    assert grantable(["admin", "auditor"], KNOWN) == set(KNOWN)


def test_a_role_that_is_not_known_permits_nothing() -> None:
    assert permissions_of(["drafter", "gone"], KNOWN) == {"drafts"}
    assert grantable(["gone"], KNOWN) == {"reader"}


@pytest.mark.parametrize(
    ("level", "kind", "may"),
    [
        (Level.MINISTRY, Kind.STUDENT_AID, True),
        (Level.COUNTY, Kind.STUDENT_AID, True),
        (Level.COUNTY, Kind.NUTRITION, False),
        (Level.SCHOOL, Kind.SCHOOL, False),
    ],
)
def test_the_cockpit_is_for_offices_of_student_aid(level: Level, kind: Kind, may: bool) -> None:
    assert may_enter_cockpit(level, kind) is may


@pytest.mark.parametrize(
    ("parent", "child", "kind", "may"),
    [
        (Level.CITY, Level.COUNTY, Kind.STUDENT_AID, True),
        (Level.CITY, Level.CITY, Kind.STUDENT_AID, False),
        (Level.CITY, Level.CITY, Kind.NUTRITION, True),
        (Level.CITY, Level.PROVINCE, Kind.NUTRITION, False),
    ],
)
def test_a_unit_stands_below_a_higher_level(parent: Level, child: Level, kind: Kind, may: bool) -> None:
    assert may_stand_below(parent, child, kind) is may


def test_an_invite_code_is_read_as_it_was_heard_and_typed() -> None:
    code = new_invite_code()
    raw = code.replace("-", "")
    assert len(raw) == 16
    for typed in (code, raw.lower(), f" {code[:9]} {code[9:]} ", raw.replace("1", "l").replace("0", "O")):
        assert normalise_invite_code(typed) == raw


@pytest.mark.parametrize("typed", ["", "0" * 15, "0" * 17, "U" * 16, "验" * 16])
def test_other_text_is_no_invite_code(typed: str) -> None:
    assert normalise_invite_code(typed) is None
