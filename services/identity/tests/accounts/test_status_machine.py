"""The states of an account and its number: what may follow what."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.vocabulary import AccountStatus
from identity.accounts.errors import AccountNotActive, AccountNotSuspended, SuspendedAbove
from identity.accounts.models import Account
from identity.vault import Slots

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SLOTS = Slots(b"placeholder", None)


def account(status: AccountStatus = AccountStatus.ACTIVE) -> Account:
    return Account(
        name="王小明",
        phone_sealed=b"s",
        phone_index=b"i",
        phone_masked="138****5678",
        status=status,
        version=1,
    )


def close(one: Account) -> None:
    one.close("已注销用户", b"placeholder", SLOTS, NOW)


def test_a_suspended_account_is_restored_from_the_same_unit_or_above() -> None:
    one = account()
    one.suspend("100000.370000.370100")
    with pytest.raises(SuspendedAbove):
        one.restore("100000.370000.370100.370102")
    one.restore("100000.370000")
    assert (one.status, one.suspended_by_path, one.version) == (AccountStatus.ACTIVE, None, 3)


@pytest.mark.parametrize("status", [AccountStatus.SUSPENDED, AccountStatus.CLOSED])
def test_only_an_active_account_is_suspended_or_closed(status: AccountStatus) -> None:
    with pytest.raises(AccountNotActive):
        account(status).suspend("100000")
    with pytest.raises(AccountNotActive):
        close(account(status))


@pytest.mark.parametrize("status", [AccountStatus.ACTIVE, AccountStatus.CLOSED])
def test_only_a_suspended_account_is_restored(status: AccountStatus) -> None:
    with pytest.raises(AccountNotSuspended):
        account(status).restore("100000")


def test_a_closed_account_keeps_nothing_personal() -> None:
    one = account()
    one.verify(b"sealed", Slots(b"id", None), "370***********1234", "sandbox", NOW)
    close(one)
    assert one.status == AccountStatus.CLOSED
    assert (one.name, one.phone_masked, one.phone_index) == ("已注销用户", "", b"placeholder")
    assert (one.id_number_sealed, one.id_number_index, one.id_number_index_even) == (None, None, None)
    assert one.id_number_masked is None


def test_a_number_is_lost_once_and_gained_again() -> None:
    one = account()
    one.lose_phone(b"placeholder", SLOTS, NOW)
    one.lose_phone(b"other", SLOTS, NOW + timedelta(days=1))
    assert (one.phone_sealed, one.phone_masked, one.phone_lost_at) == (b"placeholder", "", NOW)
    one.change_phone(b"new", Slots(b"n", None), "139****5678", NOW + timedelta(days=2))
    assert (one.phone_lost_at, one.phone_masked) == (None, "139****5678")
    assert one.phone_verified_at == NOW + timedelta(days=2)
