"""The vault writes with one key of each kind and reads with all of them."""

import itertools

import pytest
from cryptography.exceptions import InvalidTag
from pydantic import ValidationError

from identity.settings import Settings
from identity.vault import MARK, Key, UnknownKey, Vault
from services.identity.tests.support.running_identity import settings_for

OLD, NEW = Key(1, b"a" * 32), Key(2, b"b" * 32)
OLD_INDEX, NEW_INDEX, NEXT_INDEX = Key(1, b"c" * 32), Key(2, b"d" * 32), Key(3, b"e" * 32)


def test_a_value_of_either_key_is_opened_and_the_first_key_seals() -> None:
    before = Vault([OLD], [OLD_INDEX])
    during = Vault([NEW, OLD], [NEW_INDEX, OLD_INDEX])
    after = Vault([NEW], [NEW_INDEX])
    old, new = before.seal("phone", "13800000000"), during.seal("phone", "13800000000")
    assert during.open("phone", old) == during.open("phone", new) == after.open("phone", new) == "13800000000"
    assert (during.current(old), during.current(new)) == (False, True)
    with pytest.raises(UnknownKey, match="version 2"):
        before.open("phone", new)
    with pytest.raises(InvalidTag):
        after.open("phone", old)


def test_a_value_belongs_to_its_purpose() -> None:
    vault = Vault([NEW, OLD], [NEW_INDEX])
    with pytest.raises(InvalidTag):
        vault.open("name", vault.seal("phone", "13800000000"))


def test_values_from_before_the_versions_are_those_of_version_1(monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault([OLD], [OLD_INDEX])
    assert not vault.seal("phone", "1").startswith(MARK)
    # A nonce that begins like the header of a later version.
    monkeypatch.setattr("servicekit.cipher.os.urandom", lambda size: (MARK + b"\0\2" + bytes(size))[:size])
    unlucky = vault.seal("phone", "13800000000")
    assert Vault([NEW, OLD], [OLD_INDEX]).open("phone", unlucky) == "13800000000"


def test_processes_that_may_meet_share_a_column_of_the_index() -> None:
    steps = [
        [OLD_INDEX],
        [OLD_INDEX, NEW_INDEX],
        [NEW_INDEX, OLD_INDEX],
        [NEW_INDEX],
        [NEW_INDEX, NEXT_INDEX],
        [NEXT_INDEX, NEW_INDEX],
        [NEXT_INDEX],
    ]
    slots = [Vault([OLD], keys).slots("phone", "13800000000") for keys in steps]
    for one, next_one in itertools.pairwise(slots):
        assert any(a is not None and a == b for a, b in zip(one, next_one, strict=True))
    assert all(any(index is not None for index in one) for one in slots)


def test_an_index_matches_under_any_key() -> None:
    during = Vault([OLD], [NEW_INDEX, OLD_INDEX])
    for index in (Vault([OLD], [OLD_INDEX]).index("csrf", "x"), Vault([OLD], [NEW_INDEX]).index("csrf", "x")):
        assert during.matches("csrf", "x", index)
        assert index in during.indexes("csrf", "x")
        assert not during.matches("csrf", "y", index)
    assert not during.matches("csrf", "x", b"")


def settings(**keys: str) -> Settings:
    return settings_for("postgresql+asyncpg://localhost/x", **keys)


def test_keys_are_read_with_and_without_a_version() -> None:
    one = settings(
        encryption_key="2:" + "aa" * 32,
        other_encryption_key="bb" * 32,
        index_key="cc" * 32,
        other_index_key="",
    )
    assert [(key.version, key.secret[:1]) for key in one.encryption_keys] == [(2, b"\xaa"), (1, b"\xbb")]
    assert [key.version for key in one.index_keys] == [1]
    assert "aa" * 32 not in repr(one.encryption_keys)


@pytest.mark.parametrize(
    "keys",
    [
        {"encryption_key": "aa" * 16},
        {"encryption_key": "0:" + "aa" * 32},
        {"encryption_key": "65536:" + "aa" * 32},
        {"encryption_key": "two:" + "aa" * 32},
        {"other_encryption_key": "aa" * 32},
        {"other_encryption_key": "2:" + "1d" * 32},
        {"other_index_key": "3:" + "aa" * 32},
        {"other_index_key": "1:" + "aa" * 32},
    ],
    ids=[
        "short",
        "no such version",
        "too large",
        "no number",
        "same version",
        "same key",
        "gap",
        "same index version",
    ],
)
def test_keys_that_cannot_work_are_refused_at_the_start(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings(**keys)
