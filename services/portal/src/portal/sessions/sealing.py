"""Encryption of tokens and keys in the database; a value of one column does not open in another."""

import base64
import json

from joserfc.jwk import ECKey

from servicekit.cipher import Cipher


class Sealing:
    """Encrypts and decrypts the secrets of sessions."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def key(self, key: ECKey) -> bytes:
        """Encrypt the private key of a session."""
        return self._cipher.seal("session.key", json.dumps(key.as_dict(private=True)).encode())

    def opened_key(self, sealed: bytes) -> ECKey:
        """Decrypt the private key of a session."""
        return ECKey.import_key(json.loads(self._cipher.open("session.key", sealed)))

    def refresh_token(self, token: str) -> bytes:
        """Encrypt a refresh token."""
        return self._cipher.seal("session.refresh_token", token.encode())

    def opened_refresh_token(self, sealed: bytes) -> str:
        """Decrypt a refresh token."""
        return self._cipher.open("session.refresh_token", sealed).decode()

    def access_token(self, token: str) -> bytes:
        """Encrypt an access token."""
        return self._cipher.seal("session.access_token", token.encode())

    def opened_access_token(self, sealed: bytes) -> str:
        """Decrypt an access token."""
        return self._cipher.open("session.access_token", sealed).decode()

    def device_code(self, code: str) -> bytes:
        """Encrypt the device code of a display that waits."""
        return self._cipher.seal("wall.device_code", code.encode())

    def opened_device_code(self, sealed: bytes) -> str:
        """Decrypt a device code."""
        return self._cipher.open("wall.device_code", sealed).decode()

    def transaction(self, plain: bytes) -> str:
        """Encrypt what a browser keeps while somebody signs in."""
        return base64.urlsafe_b64encode(self._cipher.seal("sign_in", plain)).rstrip(b"=").decode()

    def opened_transaction(self, sealed: str) -> bytes:
        """Decrypt what a browser has kept. Raises ValueError or `cryptography.exceptions.InvalidTag`."""
        padded = sealed + "=" * (-len(sealed) % 4)
        return self._cipher.open("sign_in", base64.urlsafe_b64decode(padded.encode("ascii")))
