"""The issuer's signing keys: ES256 and RS256 (RFC 7518 §3), private parts sealed at rest.

A key's life: published in the JWKS; after `lead` the newest published one signs; when its successor
signs, it is kept published for `keep`, until the last token it has signed has expired; then it leaves
the JWKS. Rows are the truth for every process; each remembers them for `CACHE_SECONDS`.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey, RSAKey
from sqlalchemy.orm import Session

from identity.keys.models import SigningKey
from identity.keys.repository import KeyRepository
from identity.vault import Vault
from servicekit.clock import Clock, SystemClock

_PURPOSE = "signing-key"
ALGORITHMS = ("ES256", "RS256")
CACHE_SECONDS = 2.0
JWKS_MAX_AGE = 300
"""How long, in seconds, a reader may keep the JWKS: what its Cache-Control says."""
# The age of a cached JWKS, a reader's clock, and this process's own cache.
LEAD = timedelta(seconds=JWKS_MAX_AGE + 60)

PrivateKey = ECKey | RSAKey
PublicKey = ECKey | RSAKey
_KINDS: dict[str, type[ECKey] | type[RSAKey]] = {"ES256": ECKey, "RS256": RSAKey}


class NoSigningKey(RuntimeError):
    """Nothing to sign with: `python -m identity bootstrap` has not been run."""


class NoSuchKey(ValueError):
    """No key has this id, or it has been withdrawn already."""


@dataclass(frozen=True)
class _Row:
    kid: str
    alg: str
    sealed: bytes
    activates_at: datetime
    retired_at: datetime | None


class KeyRing:
    """Opened keys of this process. `token_seconds` is the longest life of anything that is signed."""

    def __init__(self, vault: Vault, clock: Clock | None = None, *, token_seconds: int = 900) -> None:
        self._vault = vault
        self._clock = clock or SystemClock()
        # A key keeps signing for a moment in processes that have not looked again, and clocks differ.
        self._keep = timedelta(seconds=token_seconds + 60)
        self._opened: dict[str, PrivateKey] = {}
        self._rows: list[_Row] = []
        self._read_at = float("-inf")
        self._published: dict[str, tuple[str, PublicKey]] = {}
        self._published_at = float("-inf")

    @property
    def vault(self) -> Vault:
        """What seals the private parts."""
        return self._vault

    def create(
        self, session: Session, now: datetime, alg: str = "ES256", activates_at: datetime | None = None
    ) -> str:
        """Make and publish a new key that signs from `activates_at`, or at once.

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
                private_jwk_sealed=self._vault.seal(_PURPOSE, json.dumps(private)),
                created_at=now,
                activates_at=activates_at or now,
            )
        )
        self._invalidate()
        return kid

    def active(self, session: Session, alg: str = "ES256") -> PrivateKey:
        """The key to sign with: of those that may sign now, the latest activated. Raises `NoSigningKey`."""
        if time.monotonic() - self._read_at > CACHE_SECONDS:
            self._rows = [
                _Row(row.kid, row.alg, row.private_jwk_sealed, row.activates_at, row.retired_at)
                for row in KeyRepository(session).signing(self._clock.now())
            ]
            self._read_at = time.monotonic()
        now = self._clock.now()
        for row in self._rows:
            if (
                row.alg == alg
                and row.activates_at <= now
                and (row.retired_at is None or now < row.retired_at)
            ):
                return self._open(row)
        raise NoSigningKey(f"no {alg} signing key: run `python -m identity bootstrap`")

    def jwks(self, session: Session) -> dict[str, Any]:
        """The public keys (RFC 7517 §5): of the future, the present, and of tokens that still live."""
        return {"keys": [row.public_jwk for row in KeyRepository(session).published(self._clock.now())]}

    def published(self, session: Session, kid: str) -> tuple[str, PublicKey] | None:
        """Algorithm and key by which to check what we have signed; None for a key not in the JWKS."""
        if time.monotonic() - self._published_at > CACHE_SECONDS:
            self._published = {
                row.kid: (row.alg, _KINDS[row.alg].import_key(dict(row.public_jwk)))
                for row in KeyRepository(session).published(self._clock.now())
            }
            self._published_at = time.monotonic()
        return self._published.get(kid)

    def known(self, session: Session) -> dict[str, Any]:
        """Every public key there ever was and that was not withdrawn as compromised, as a JWKS.

        Only for `id_token_hint`, which may have expired long ago.
        """
        return {"keys": [row.public_jwk for row in KeyRepository(session).trusted()]}

    def listed(self, session: Session) -> Sequence[SigningKey]:
        """All keys, newest first."""
        return KeyRepository(session).all()

    def ensure(self, session: Session, now: datetime) -> list[str]:
        """Make the keys that are missing, signing at once: there is nothing else to sign with."""
        rows = KeyRepository(session)
        rows.lock()
        missing = {*ALGORITHMS} - {row.alg for row in rows.signing(now) if row.retired_at is None}
        return [self.create(session, now, alg) for alg in ALGORITHMS if alg in missing]

    def rotate(self, session: Session, now: datetime, alg: str, *, at_once: bool = False) -> str:
        """Publish a successor; it signs, and its predecessors stop, after `LEAD`, or at once.

        A successor that is waiting already is the answer to a second call.
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
        """Take a key out of use; its successor's `kid`, if it had to be given one.

        `at_once` is for a key that is no longer secret: it leaves the JWKS now, and tokens it has signed
        are refused as soon as readers look again. Raises `NoSuchKey`.
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
        """What the schedule does: make missing keys, and rotate those that have signed for `every`.

        Does nothing while another process does it.
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
            private = json.loads(self._vault.open(_PURPOSE, row.sealed))
            self._opened[row.kid] = _KINDS[row.alg].import_key(private)
        return self._opened[row.kid]
