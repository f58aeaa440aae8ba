"""Personal data at rest: AES-256-GCM ciphertext, and a keyed blind index to find it by.

A plain hash of a phone number can be reversed by trying all numbers; an HMAC under a key that is not in
the database cannot.
"""

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Vault:
    """Encrypts with one key and indexes with another. `purpose` keeps values of different fields apart."""

    def __init__(self, encryption_key: bytes, index_key: bytes) -> None:
        self._aead = AESGCM(encryption_key)
        self._index_key = index_key

    def seal(self, purpose: str, plain: str) -> bytes:
        """Encrypt; the result is nonce + ciphertext + tag."""
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain.encode(), purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> str:
        """Decrypt. Raises `cryptography.exceptions.InvalidTag` for anything not sealed for `purpose`."""
        return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode()).decode()

    def index(self, purpose: str, plain: str) -> bytes:
        """The blind index of a value: equal values have equal indexes, and nothing else is revealed."""
        return hmac.new(self._index_key, f"{purpose}\0{plain}".encode(), hashlib.sha256).digest()
