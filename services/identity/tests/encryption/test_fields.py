"""The list of encrypted columns is complete."""

from identity import models  # noqa: F401 - fills the metadata
from identity.base import Base
from identity.encryption.fields import FIELDS

# Hashes that live as long as an SMS code, a device code, a budget or a text message, and of random invites.
SHORT_LIVED = {
    "sms_codes.phone_index",
    "sms_codes.address_index",
}


def test_every_encrypted_column_is_rotated() -> None:
    sealed = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("sealed")
    }
    assert sealed == {field.name for field in FIELDS}


def test_every_blind_index_is_rotated_or_short_lived() -> None:
    indexes = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name.endswith(("_index", "_index_even"))
    }
    rotated = {f"{field.table.name}.{name}" for field in FIELDS for name in field.indexed()}
    assert indexes <= rotated | SHORT_LIVED
