"""Encryption of personal data at rest with AES-256-GCM, and keyed blind indexes for lookups.

A plain hash of a phone number can be reversed by trying all numbers; an HMAC under a key outside the database
cannot.

Each key has a version. During a rotation the vault knows two keys of each kind: it writes with one and reads
with both. docs/operators.md has the order of the steps, `identity.encryption` re-encrypts what is stored.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import NamedTuple

from servicekit.cipher import MARK, Cipher, Key, UnknownKey, header, version_of

__all__ = ["MARK", "Key", "Slots", "UnknownKey", "Vault", "header", "version_of"]


class Slots(NamedTuple):
    """The blind indexes of one value in the two columns of a unique index: see `Vault.slots`."""

    odd: bytes | None
    even: bytes | None


class Vault:
    """Encrypts and indexes with the first key of each kind, and reads with all.

    `purpose` separates values of different fields.
    """

    def __init__(self, encryption: Sequence[Key], index: Sequence[Key]) -> None:
        self._cipher = Cipher(encryption)
        self._index_keys = {key.version: key.secret for key in index}
        self.encryption_version = self._cipher.version
        """Version of the key that encrypts."""
        self.index_version = index[0].version
        """Version of the key of `index`."""

    def seal(self, purpose: str, plain: str) -> bytes:
        """Encrypt a value. Return header (from version 2 on) + nonce + ciphertext + tag."""
        return self._cipher.seal(purpose, plain.encode())

    def open(self, purpose: str, sealed: bytes) -> str:
        """Decrypt a value. Raises `cryptography.exceptions.InvalidTag` unless encrypted for `purpose`, and
        its subclass `UnknownKey`.
        """
        return self._cipher.open(purpose, sealed).decode()

    def current(self, sealed: bytes) -> bool:
        """Return whether a value is encrypted with the key that encrypts now."""
        return version_of(sealed) == self.encryption_version

    def index(self, purpose: str, plain: str) -> bytes:
        """Return the blind index of a value: equal values have equal indexes; nothing else is revealed."""
        return _index(self._index_keys[self.index_version], purpose, plain)

    def indexes(self, purpose: str, plain: str) -> list[bytes]:
        """Return the indexes under every key, to look up what may have been stored under any of them."""
        return [_index(key, purpose, plain) for key in self._index_keys.values()]

    def matches(self, purpose: str, plain: str, given: bytes) -> bool:
        """Return whether `given` is the index of a value under one of the keys."""
        return any(hmac.compare_digest(index, given) for index in self.indexes(purpose, plain))

    def slots(self, purpose: str, plain: str) -> Slots:
        """Return the indexes for the two columns of a value that must be unique.

        The index under a key of odd version is in one column, of even version in the other; both columns are
        unique. Successive keys use different columns. Processes that know only the old key, both, or only the
        new one can therefore run side by side: any two that may meet share a column.
        """
        found = {version % 2: _index(key, purpose, plain) for version, key in self._index_keys.items()}
        return Slots(found.get(1), found.get(0))


def _index(key: bytes, purpose: str, plain: str) -> bytes:
    return hmac.new(key, f"{purpose}\0{plain}".encode(), hashlib.sha256).digest()
