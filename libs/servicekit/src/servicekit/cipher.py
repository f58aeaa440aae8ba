"""Encryption at rest with AES-256-GCM under keys that have a version each."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

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


def keys_of(first: SecretStr, other: SecretStr | None) -> list[Key]:
    """Return the keys of two settings: the first encrypts, the other one only decrypts, during a rotation.

    Raises `ValueError` for something else than keys.
    """
    return [Key.parse(key.get_secret_value()) for key in (first, other) if key is not None]


def check_versions(keys: Sequence[Key], names: str) -> None:
    """Raise `ValueError`, which names the settings, unless the keys can be told apart."""
    if len({key.version for key in keys}) != len(keys) or len({key.secret for key in keys}) != len(keys):
        raise ValueError(f"{names} need different keys and different versions: 2:00ff…")


class Cipher:
    """Encrypts with the first key and decrypts with all. `purpose` separates values of different fields."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._ciphers = {key.version: AESGCM(key.secret) for key in keys}
        self.version = keys[0].version
        """Version of the key that encrypts."""

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Encrypt a value. Return header (from version 2 on) + nonce + ciphertext + tag."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self.version].encrypt(nonce, plain, purpose.encode())
        return header(self.version) + nonce + sealed

    def open(self, purpose: str, sealed: bytes) -> bytes:
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

    def _open(self, version: int, purpose: str, sealed: bytes) -> bytes:
        cipher = self._ciphers.get(version)
        if cipher is None:
            raise UnknownKey(f"the key of version {version} is not configured")
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())


def header(version: int) -> bytes:
    """Return the first bytes of a value that is encrypted with the key of this version."""
    return b"" if version == 1 else MARK + version.to_bytes(2, "big")


def version_of(sealed: bytes) -> int:
    """Return the version of the key of an encrypted value."""
    if len(sealed) <= _HEADER + _NONCE or not sealed.startswith(MARK):
        return 1
    return int.from_bytes(sealed[len(MARK) : _HEADER], "big")
