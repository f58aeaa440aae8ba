"""Values of every encrypted column are replaced, whatever its key and however many rows there are."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from contracts.vocabulary import (
    ExportStatus,
    InviteBatchStatus,
    InviteResult,
    PhoneChangeKind,
    PhoneChangeStatus,
)
from identity.accounts.models import Account
from identity.app import make_vault
from identity.authenticators.models import RecoveryCode, Totp, recovery_purpose, totp_purpose
from identity.encryption.fields import FIELDS
from identity.encryption.service import Encryption
from identity.invite_batches.models import SEALED_FOR as INVITE_ROW
from identity.invite_batches.models import InviteBatch, InviteBatchRow
from identity.invites.models import SEALED_FOR as INVITE_PHONE
from identity.invites.models import Invite
from identity.memberships.models import Membership
from identity.oauth.authorization.pushed_requests import SEALED_FOR as PUSHED_REQUEST
from identity.oauth.state.models import PushedRequest
from identity.phones.models import SEALED_FOR as PHONE_CHANGE
from identity.phones.models import PhoneChange
from identity.privacy.models import SEALED_FOR as DATA_EXPORT
from identity.privacy.models import DataExport
from identity.sms.models import SmsMessage
from identity.sms.rules import SEALED_FOR as TEXT_MESSAGE
from identity.vault import Vault
from servicekit.ids import new_id
from services.identity.tests.support.running_identity import settings_for
from testkit.clock import FrozenClock
from testkit.postgres import Migration

OLD = {"encryption_key": "e1" * 32, "index_key": "1d" * 32}
NEW = {"encryption_key": "2:" + "e2" * 32, "index_key": "2:" + "2d" * 32}
BOTH = {**NEW, "other_encryption_key": OLD["encryption_key"], "other_index_key": OLD["index_key"]}
PEOPLE, BATCH = 5, 2


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


def rows_of(vault: Vault, clock: FrozenClock, sub: UUID, unit: UUID, number: int) -> list[Any]:
    """One value of a person in each column but those of the account itself."""
    now = clock.now()
    later, value = now + timedelta(days=1), f"value {number}"
    batch = InviteBatch(
        id=new_id(),
        unit_id=unit,
        created_by=sub,
        created_at=now,
        file_name="人员.csv",
        status=InviteBatchStatus.CHECKED,
        total=1,
        wrong=0,
    )
    recovery = recovery_purpose(sub)
    return [
        batch,
        PhoneChange(
            account_id=sub,
            kind=PhoneChangeKind.RECOVERY,
            status=PhoneChangeStatus.REQUESTED,
            phone_sealed=vault.seal(PHONE_CHANGE, value),
            phone_masked="138****0000",
            id_matched=False,
            requested_at=now,
        ),
        DataExport(
            account_id=sub,
            status=ExportStatus.DONE,
            requested_at=now,
            file_sealed=vault.seal(DATA_EXPORT, value),
        ),
        Totp(account_id=sub, secret_sealed=vault.seal(totp_purpose(sub), value), last_step=0, added_at=now),
        *(
            RecoveryCode(
                account_id=sub,
                code_hash=vault.index(recovery, f"{value} {turn}"),
                code_sealed=vault.seal(recovery, f"{value} {turn}"),
            )
            for turn in range(3)
        ),
        Invite(
            unit_id=unit,
            code_hash=vault.index("invite", value),
            roles=["handler"],
            phone_sealed=vault.seal(INVITE_PHONE, value),
            created_by=sub,
            created_at=now,
            expires_at=later,
            max_uses=1,
        ),
        InviteBatchRow(
            batch_id=batch.id,
            number=1,
            fields_sealed=vault.seal(INVITE_ROW, value),
            roles=["handler"],
            posts=[],
            errors=[],
            result=InviteResult.WAITING,
        ),
        SmsMessage(
            sealed=vault.seal(TEXT_MESSAGE, value),
            created_at=now,
            expires_at=later + timedelta(days=1),
            # Nobody sends it during the test.
            next_attempt_at=later,
        ),
        PushedRequest(
            id=new_id(),
            reference_hash=value.encode(),
            client_id="portal",
            parameters_sealed=vault.seal(PUSHED_REQUEST, value),
            issued_at=now,
        ),
    ]


async def test_every_encrypted_column_is_renewed_in_batches(app: FastAPI, clock: FrozenClock) -> None:
    old, both, new = (
        make_vault(settings_for(app.state.settings.database_url, **keys)) for keys in (OLD, BOTH, NEW)
    )
    database = app.state.database
    async with database.transaction() as session:
        people = (
            await session.execute(
                select(Account, Membership.unit_id)
                .join(Membership, Membership.account_id == Account.id)
                .limit(PEOPLE)
            )
        ).all()
        for number, (account, unit) in enumerate(people):
            id_number = f"3701021990030712{number:02d}"
            slots = old.slots("id_number", id_number)
            account.id_number_sealed = old.seal("id_number", id_number)
            account.id_number_index, account.id_number_index_even = slots.odd, slots.even
            session.add_all(rows_of(old, clock, account.id, unit, number))
            await session.flush()
    async with database.transaction() as session:
        before = await Encryption(session, both).versions()
    assert {name for name, versions in before.items() if sum(versions.values()) == 0} == set()
    for field in FIELDS:
        after: Any = None
        while True:
            async with database.transaction() as session:
                batch = await Encryption(session, both).renew(field, after, BATCH)
            after = batch.last
            if after is None:
                break
    async with database.transaction() as session:
        renewed = await Encryption(session, both).versions()
        assert renewed == {name: {2: sum(versions.values())} for name, versions in before.items()}
        for field in FIELDS:
            key, sealed = field.table.c[field.key], field.table.c[field.sealed]
            for found, value in await session.execute(select(key, sealed).where(sealed.is_not(None))):
                assert new.open(field.purpose(found), value)
