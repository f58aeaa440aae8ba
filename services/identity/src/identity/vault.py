"""Encryption of personal data at rest with AES-256-GCM, and keyed blind indexes for lookups.

A plain hash of a phone number can be reversed by trying all numbers; an HMAC under a key outside the database
cannot.

Each key has a version. During a rotation the vault knows two keys of each kind: it writes with one and reads
with both. docs/operators.md has the order of the steps, `identity.encryption` re-encrypts what is stored.
"""

import contextlib
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
MARK = b"\0zxv"
"""First bytes of a value that is encrypted with a key of version 2 or later; two bytes of the version follow.

A value without them is of version 1. The nonce of such a value begins with these six bytes by chance with a
probability of 2^-48.
"""
_HEADER = len(MARK) + 2
LAST_VERSION = 0xFFFF


class UnknownKey(InvalidTag):
    """The value is encrypted with a key that is not configured."""


@dataclass(frozen=True)
class Key:
    """A key of 32 bytes and its version, from 1 to `LAST_VERSION`."""

    version: int
    secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read `VERSION:HEX`, or `HEX` for version 1. Raises `ValueError`."""
        number, colon, digits = text.strip().rpartition(":")
        version, secret = int(number) if colon else 1, bytes.fromhex(digits)
        if len(secret) != 32 or not 1 <= version <= LAST_VERSION:
            raise ValueError("a key is 32 bytes in hex, with or without its version: 2:00ff…")
        return cls(version, secret)


class Slots(NamedTuple):
    """The blind indexes of one value in the two columns of a unique index: see `Vault.slots`."""

    odd: bytes | None
    even: bytes | None


class Vault:
    """Encrypts and indexes with the first key of each kind, and reads with all.

    `purpose` separates values of different fields.
    """

    def __init__(self, encryption: Sequence[Key], index: Sequence[Key]) -> None:
        self._ciphers = {key.version: AESGCM(key.secret) for key in encryption}
        self._index_keys = {key.version: key.secret for key in index}
        self.encryption_version = encryption[0].version
        """Version of the key that encrypts."""
        self.index_version = index[0].version
        """Version of the key of `index`."""

    def seal(self, purpose: str, plain: str) -> bytes:
        """Encrypt a value. Return header (from version 2 on) + nonce + ciphertext + tag."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self.encryption_version].encrypt(nonce, plain.encode(), purpose.encode())
        return header(self.encryption_version) + nonce + sealed

    def open(self, purpose: str, sealed: bytes) -> str:
        """Decrypt a value. Raises `cryptography.exceptions.InvalidTag` unless encrypted for `purpose`, and
        its subclass `UnknownKey`.
        """
        version = version_of(sealed)
        try:
            return self._open(version, purpose, sealed[len(header(version)) :])
        except InvalidTag:
            if version != 1 and 1 in self._ciphers:
                # Perhaps a value of version 1 whose nonce begins like a header.
                with contextlib.suppress(InvalidTag):
                    return self._open(1, purpose, sealed)
            raise

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

    def _open(self, version: int, purpose: str, sealed: bytes) -> str:
        cipher = self._ciphers.get(version)
        if cipher is None:
            raise UnknownKey(f"the key of version {version} is not configured")
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode()).decode()


def header(version: int) -> bytes:
    """Return the first bytes of a value that is encrypted with the key of this version."""
    return b"" if version == 1 else MARK + version.to_bytes(2, "big")


def version_of(sealed: bytes) -> int:
    """Return the version of the key of an encrypted value."""
    if len(sealed) <= _HEADER + _NONCE or not sealed.startswith(MARK):
        return 1
    return int.from_bytes(sealed[len(MARK) : _HEADER], "big")


def _index(key: bytes, purpose: str, plain: str) -> bytes:
    return hmac.new(key, f"{purpose}\0{plain}".encode(), hashlib.sha256).digest()
