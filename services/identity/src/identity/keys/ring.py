"""The issuer's signing keys: ES256 and RS256 (RFC 7518 §3), with private keys encrypted at rest.

Life cycle of a key: it is published in the JWKS; after `lead` the newest published key signs; after its
successor starts signing, it stays published for `keep`, until the last token that it signed has expired; then
it is removed from the JWKS. The database is authoritative; each process caches the rows for `CACHE_SECONDS`.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy.orm import Session

from identity.keys.models import SigningKey
from identity.keys.repository import KeyRepository
from identity.vault import Vault
from servicekit.clock import Clock, SystemClock

SEALED_FOR = "signing-key"
ALGORITHMS = ("ES256", "RS256")
CACHE_SECONDS = 2.0
JWKS_MAX_AGE = 300
"""How long, in seconds, a reader may cache the JWKS: the `Cache-Control` of the response."""
# Age of a cached JWKS, clock skew of a reader, and the cache of this process.
LEAD = timedelta(seconds=JWKS_MAX_AGE + 60)

PrivateKey = ECKey | RSAKey
PublicKey = ECKey | RSAKey
_KINDS: dict[str, type[ECKey] | type[RSAKey]] = {"ES256": ECKey, "RS256": RSAKey}


class NoSigningKey(RuntimeError):
    """No signing key exists: run `python -m identity bootstrap`."""


class NoSuchKey(ValueError):
    """No key has this id, or it is already withdrawn."""


@dataclass(frozen=True)
class _Row:
    kid: str
    alg: str
    sealed: bytes
    activates_at: datetime
    retired_at: datetime | None


class KeyRing:
    """Decrypted keys of this process. `token_seconds` is the longest lifetime of any signed token."""

    def __init__(self, vault: Vault, clock: Clock | None = None, *, token_seconds: int = 900) -> None:
        self._vault = vault
        self._clock = clock or SystemClock()
        # Processes with an outdated cache continue to sign with a retired key, and clocks differ.
        self._keep = timedelta(seconds=token_seconds + 60)
        self._opened: dict[str, PrivateKey] = {}
        self._rows: list[_Row] = []
        self._read_at = float("-inf")
        self._published: dict[str, tuple[str, PublicKey]] = {}
        self._published_at = float("-inf")

    @property
    def vault(self) -> Vault:
        """The vault that encrypts the private keys."""
        return self._vault

    def create(
        self, session: Session, now: datetime, alg: str = "ES256", activates_at: datetime | None = None
    ) -> str:
        """Create and publish a key that signs from `activates_at`, or immediately.

        Returns its `kid` (RFC 7638 thumbprint).
        """
        key = ECKey.generate_key("P-256") if alg == "ES256" else RSAKey.generate_key(2048)
        kid = key.thumbprint()
        private = {**key.as_dict(private=True), "kid": kid}
        KeyRepository(session).add(
            SigningKey(
                kid=kid,
                alg=alg,
                public_jwk={**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": alg},
                private_jwk_sealed=self._vault.seal(SEALED_FOR, json.dumps(private)),
                created_at=now,
                activates_at=activates_at or now,
            )
        )
        self._invalidate()
        return kid

    def active(self, session: Session, alg: str = "ES256") -> PrivateKey:
        """Return the signing key: the latest activated one that may sign now. Raises `NoSigningKey`."""
        if time.monotonic() - self._read_at > CACHE_SECONDS:
            self._rows = [
                _Row(row.kid, row.alg, row.private_jwk_sealed, row.activates_at, row.retired_at)
                for row in KeyRepository(session).signing(self._clock.now())
            ]
            self._read_at = time.monotonic()
        found = self._signing(alg)
        if found is None:
            raise NoSigningKey(f"no {alg} signing key: run `python -m identity bootstrap`")
        return found

    def remembered(self, alg: str = "ES256") -> PrivateKey | None:
        """Return the signing key if its row was read a moment ago; None: read it with `active`."""
        return None if time.monotonic() - self._read_at > CACHE_SECONDS else self._signing(alg)

    def _signing(self, alg: str) -> PrivateKey | None:
        now = self._clock.now()
        for row in self._rows:
            if (
                row.alg == alg
                and row.activates_at <= now
                and (row.retired_at is None or now < row.retired_at)
            ):
                return self._open(row)
        return None

    def jwks(self, session: Session) -> dict[str, Any]:
        """Return the public keys (RFC 7517 §5): future keys, current keys, and those of unexpired tokens."""
        return {"keys": [row.public_jwk for row in KeyRepository(session).published(self._clock.now())]}

    def published_lately(self, kid: str) -> tuple[str, PublicKey] | None:
        """Return algorithm and key if the JWKS was read a moment ago; None: read it with `published`."""
        return None if time.monotonic() - self._published_at > CACHE_SECONDS else self._published.get(kid)

    def published(self, session: Session, kid: str) -> tuple[str, PublicKey] | None:
        """Return algorithm and key to verify a token of this issuer; None for a key not in the JWKS."""
        if time.monotonic() - self._published_at > CACHE_SECONDS:
            self._published = {
                row.kid: (row.alg, _KINDS[row.alg].import_key(dict(row.public_jwk)))
                for row in KeyRepository(session).published(self._clock.now())
            }
            self._published_at = time.monotonic()
        return self._published.get(kid)

    def known(self, session: Session) -> dict[str, Any]:
        """Return all public keys except compromised ones as a JWKS, including withdrawn keys.

        Only for `id_token_hint`, which may have expired long ago.
        """
        return {"keys": [row.public_jwk for row in KeyRepository(session).trusted()]}

    def own(self, session: Session) -> dict[str, PublicKey]:
        """Return the keys, by id, of which this issuer has the private half, except compromised ones.

        Computed from the encrypted private keys: who can only write into the database cannot add one.
        """
        found = {}
        for row in KeyRepository(session).trusted():
            try:
                private = self._open(
                    _Row(row.kid, row.alg, row.private_jwk_sealed, row.activates_at, row.retired_at)
                )
            except (InvalidTag, ValueError):
                continue
            found[private.thumbprint()] = _KINDS[row.alg].import_key(private.as_dict(private=False))
        return found

    def listed(self, session: Session) -> Sequence[SigningKey]:
        """Return all keys, newest first."""
        return KeyRepository(session).all()

    def ensure(self, session: Session, now: datetime) -> list[str]:
        """Create missing keys. They sign immediately, because no other key exists."""
        rows = KeyRepository(session)
        rows.lock()
        missing = {*ALGORITHMS} - {row.alg for row in rows.signing(now) if row.retired_at is None}
        return [self.create(session, now, alg) for alg in ALGORITHMS if alg in missing]

    def rotate(self, session: Session, now: datetime, alg: str, *, at_once: bool = False) -> str:
        """Publish a successor. It replaces its predecessors as signing key after `LEAD`, or immediately.

        Idempotent while a successor is waiting.
        """
        rows = KeyRepository(session)
        rows.lock()
        current = [row for row in rows.signing(now) if row.alg == alg]
        waiting = [row for row in current if row.activates_at > now]
        if waiting and not at_once:
            return waiting[0].kid
        starts = now if at_once else now + LEAD
        for row in current:
            row.retire(starts, starts + self._keep)
        return self.create(session, now, alg, starts)

    def retire(self, session: Session, now: datetime, kid: str, *, at_once: bool = False) -> str | None:
        """Retire a key. Return the `kid` of its successor if one had to be created.

        `at_once` is for a compromised key: it is removed from the JWKS now, and its tokens are rejected as
        soon as readers refresh their cache. Raises `NoSuchKey`.
        """
        rows = KeyRepository(session)
        rows.lock()
        row = rows.get(kid)
        if row is None or (row.withdrawn_at is not None and row.withdrawn_at <= now):
            raise NoSuchKey(kid)
        others = [other for other in rows.signing(now) if other.alg == row.alg and other.kid != kid]
        successor = None
        if at_once:
            if not any(other.activates_at <= now for other in others):
                successor = self.create(session, now, row.alg)
            row.retire(now, now)
            row.compromised = True
        elif row.retired_at is None:
            if not any(other.activates_at <= now + LEAD and other.retired_at is None for other in others):
                successor = self.create(session, now, row.alg, now + LEAD)
            row.retire(now + LEAD, now + LEAD + self._keep)
        self._invalidate()
        return successor

    def maintain(self, session: Session, now: datetime, every: timedelta | None) -> list[str]:
        """Run the scheduled rotation: create missing keys, and rotate keys that have signed for `every`.

        Does nothing during a concurrent rotation.
        """
        rows = KeyRepository(session)
        if not rows.try_lock():
            return []
        made = self.ensure(session, now)
        for alg in ALGORITHMS:
            newest = max(row.activates_at for row in rows.signing(now) if row.alg == alg)
            if every is not None and newest + every <= now:
                made.append(self.rotate(session, now, alg))
        return made

    def _invalidate(self) -> None:
        self._read_at = self._published_at = float("-inf")

    def _open(self, row: _Row) -> PrivateKey:
        if row.kid not in self._opened:
            private = json.loads(self._vault.open(SEALED_FOR, row.sealed))
            self._opened[row.kid] = _KINDS[row.alg].import_key(private)
        return self._opened[row.kid]
