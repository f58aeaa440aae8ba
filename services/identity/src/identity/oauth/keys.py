"""The issuer's signing keys: ES256 (RFC 7518 §3.4), private parts sealed at rest."""

import json
from datetime import datetime
from typing import Any

from joserfc.jwk import ECKey
from sqlalchemy.orm import Session

from identity.oauth.models import SigningKey
from identity.oauth.repository import OAuthRepository
from identity.vault import Vault

_PURPOSE = "signing-key"


class NoSigningKey(RuntimeError):
    """Nothing to sign with: `python -m identity bootstrap` has not been run."""


class KeyRing:
    """Opened keys of this process. Rows are the truth; an opened private key is kept by its `kid`."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._opened: dict[str, ECKey] = {}

    @property
    def vault(self) -> Vault:
        """What private keys and phone numbers are sealed with."""
        return self._vault

    def create(self, session: Session, now: datetime) -> str:
        """Make and store a new key; returns its `kid` (RFC 7638 thumbprint)."""
        key = ECKey.generate_key("P-256")
        kid = key.thumbprint()
        private = {**key.as_dict(private=True), "kid": kid}
        OAuthRepository(session).add_key(
            SigningKey(
                kid=kid,
                alg="ES256",
                public_jwk={**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": "ES256"},
                private_jwk_sealed=self._vault.seal(_PURPOSE, json.dumps(private)),
                created_at=now,
            )
        )
        return kid

    def active(self, session: Session) -> ECKey:
        """The key to sign with: the newest that is not retired. Raises `NoSigningKey`."""
        for row in OAuthRepository(session).signing_keys():
            if row.retired_at is None:
                if row.kid not in self._opened:
                    private = json.loads(self._vault.open(_PURPOSE, row.private_jwk_sealed))
                    self._opened[row.kid] = ECKey.import_key(private)
                return self._opened[row.kid]
        raise NoSigningKey("no signing key: run `python -m identity bootstrap`")

    def jwks(self, session: Session) -> dict[str, Any]:
        """The public keys (RFC 7517 §5)."""
        return {"keys": [row.public_jwk for row in OAuthRepository(session).signing_keys()]}
