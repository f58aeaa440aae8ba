"""Encryption of personal data at rest with AES-256-GCM, and a keyed blind index for lookups.

A plain hash of a phone number can be reversed by trying all numbers; an HMAC under a key outside the database
cannot.
"""

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Vault:
    """Encrypts with one key and indexes with another. `purpose` separates values of different fields."""

    def __init__(self, encryption_key: bytes, index_key: bytes) -> None:
        self._aead = AESGCM(encryption_key)
        self._index_key = index_key

    def seal(self, purpose: str, plain: str) -> bytes:
        """Encrypt a value. Return nonce + ciphertext + tag."""
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain.encode(), purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> str:
        """Decrypt a value. Raises `cryptography.exceptions.InvalidTag` unless encrypted for `purpose`."""
        return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode()).decode()

    def index(self, purpose: str, plain: str) -> bytes:
        """Return the blind index of a value: equal values have equal indexes; nothing else is revealed."""
        return hmac.new(self._index_key, f"{purpose}\0{plain}".encode(), hashlib.sha256).digest()
