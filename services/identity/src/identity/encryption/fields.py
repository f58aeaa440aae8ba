"""Every column that the vault encrypts, and the blind indexes that are computed from its value.

`tests/encryption/test_fields.py` compares the list with the tables.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table

from identity.accounts.models import Account
from identity.accounts.service import ID_NUMBER, PHONE
from identity.authenticators.models import RecoveryCode, Totp, recovery_purpose, totp_purpose
from identity.base import Base
from identity.invite_batches.models import SEALED_FOR as INVITE_ROW
from identity.invite_batches.models import InviteBatchRow
from identity.invites.models import SEALED_FOR as INVITE_PHONE
from identity.invites.models import Invite
from identity.keys.models import SigningKey
from identity.keys.ring import SEALED_FOR as SIGNING_KEY
from identity.oauth.authorization.pushed_requests import SEALED_FOR as PUSHED_REQUEST
from identity.oauth.state.models import PushedRequest
from identity.phones.models import SEALED_FOR as PHONE_CHANGE
from identity.phones.models import PhoneChange
from identity.privacy.models import SEALED_FOR as DATA_EXPORT
from identity.privacy.models import DataExport
from identity.sms.models import SmsMessage
from identity.sms.rules import SEALED_FOR as TEXT_MESSAGE
from identity.vault import Vault


@dataclass(frozen=True)
class Field:
    """An encrypted column of a table.

    `key` is the column of the primary key by which the rows are read in order; if it is not unique, `more`
    completes it. `purpose` returns the vault's purpose for the `key` of a row. `slots` are the two columns of
    a unique index, `index` is the column of an index that every lookup tries under all keys.
    """

    model: type[Base]
    sealed: str
    purpose: Callable[[Any], str]
    key: str = "id"
    more: str | None = None
    slots: tuple[str, str] | None = None
    index: str | None = None

    @property
    def table(self) -> Table:
        """The table."""
        table = self.model.__table__
        assert isinstance(table, Table)
        return table

    @property
    def name(self) -> str:
        """`table.column`."""
        return f"{self.table.name}.{self.sealed}"

    def identity(self) -> list[Column[Any]]:
        """Return the columns of the primary key."""
        return [self.table.c[name] for name in (self.key, self.more) if name is not None]

    def indexed(self) -> list[str]:
        """Return the names of the columns with indexes of the value."""
        return [name for name in (*(self.slots or ()), self.index) if name is not None]

    def stored(self, vault: Vault, key: Any, plain: str) -> dict[str, bytes | None]:
        """Return what the indexes of a value must be."""
        purpose = self.purpose(key)
        if self.slots is not None:
            return dict(zip(self.slots, vault.slots(purpose, plain), strict=True))
        return {} if self.index is None else {self.index: vault.index(purpose, plain)}

    def parse(self, key: str) -> Any:
        """Return a key that was written as text into a checkpoint."""
        return UUID(key) if self.table.c[self.key].type.python_type is UUID else key


def _always(purpose: str) -> Callable[[Any], str]:
    return lambda _: purpose


FIELDS = (
    Field(SigningKey, "private_jwk_sealed", _always(SIGNING_KEY), key="kid"),
    Field(Account, "phone_sealed", _always(PHONE), slots=("phone_index", "phone_index_even")),
    Field(
        Account,
        "id_number_sealed",
        _always(ID_NUMBER),
        slots=("id_number_index", "id_number_index_even"),
    ),
    Field(PhoneChange, "phone_sealed", _always(PHONE_CHANGE)),
    Field(DataExport, "file_sealed", _always(DATA_EXPORT)),
    Field(Totp, "secret_sealed", totp_purpose, key="account_id"),
    Field(
        RecoveryCode, "code_sealed", recovery_purpose, key="account_id", more="code_hash", index="code_hash"
    ),
    Field(Invite, "phone_sealed", _always(INVITE_PHONE)),
    Field(InviteBatchRow, "fields_sealed", _always(INVITE_ROW)),
    Field(SmsMessage, "sealed", _always(TEXT_MESSAGE)),
    Field(PushedRequest, "parameters_sealed", _always(PUSHED_REQUEST)),
)
