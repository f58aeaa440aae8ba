"""Queries of the token endpoint and its neighbours, on the sync interface of the request's session."""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Text, and_, any_, bindparam, cast, exists, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session, contains_eager

from identity.accounts.models import Account
from identity.audit.models import AuditRecord
from identity.base import Base, revocations
from identity.clients.models import secret_hash
from identity.grants.models import Grant
from identity.oauth.state.handles import id_of
from identity.oauth.state.models import OnceOnly, PushedRequest, RefreshToken
from identity.oauth.state.repository import SUBJECT, with_subject
from identity.oauth.state.subject import Subject

# Statements of the most frequent calls are built once.
_REFRESH = (
    select(RefreshToken)
    .join(Grant, Grant.id == RefreshToken.grant_id)
    .join(Account, Account.id == Grant.account_id)
    .where(RefreshToken.id == bindparam("id"))
    .options(contains_eager(RefreshToken.grant))
    .with_for_update(key_share=True, of=(RefreshToken, Account))
    .execution_options(populate_existing=True)
)
# Parameter names differ from column names, which SQLAlchemy would use as values to set.
_ROTATE = (
    insert(RefreshToken.__table__)  # type: ignore[arg-type]
    .values(
        id=bindparam("new_id"),
        token_hash=bindparam("new_hash"),
        issued_at=bindparam("now"),
        grant_id=bindparam("same_grant_id"),
        expires_at=bindparam("same_expires_at"),
        dpop_jkt=bindparam("new_dpop_jkt"),
    )
    .add_cte(
        update(RefreshToken)
        .where(RefreshToken.id == bindparam("old_id"))
        .values(used_at=bindparam("now"), successor_id=bindparam("new_id"))
        .cte("used")
    )
    .add_cte(
        insert(AuditRecord)
        .values({c.name: bindparam(f"audit_{c.name}", type_=c.type) for c in AuditRecord.__table__.columns})
        .cte("audited")
    )
)
_REVOKED = revocations.c
_NOTED = exists().where(OnceOnly.key_hash == bindparam("key"))
_CLIENT_REVOKED = exists().where(
    _REVOKED.client_id == any_(bindparam("clients", type_=ARRAY(Text))),
    _REVOKED.not_before > bindparam("issued_at"),
)
# `paths` are the unit's path in the token and those of its ancestors.
_PLACE_REVOKED = exists().where(
    _REVOKED.unit_path == any_(bindparam("paths", type_=ARRAY(Text))),
    _REVOKED.not_before > bindparam("issued_at"),
)
_WITHDRAWN = select(or_(_NOTED, _CLIENT_REVOKED))
_LIVE = with_subject(
    select(Grant, *SUBJECT).join(Account, Account.id == Grant.account_id), sid=Grant.session_id
).where(
    Grant.id == bindparam("grant_id"),
    Account.id == bindparam("sub"),
    ~_NOTED,
    ~_CLIENT_REVOKED,
    ~_PLACE_REVOKED,
    ~exists().where(
        _REVOKED.sub == Account.id,
        _REVOKED.not_before > bindparam("issued_at"),
        or_(
            and_(_REVOKED.sid.is_(None), _REVOKED.grant_id.is_(None)),
            _REVOKED.sid == cast(Grant.session_id, Text),
            _REVOKED.grant_id == cast(Grant.id, Text),
        ),
        or_(
            _REVOKED.audience.is_(None), _REVOKED.audience == any_(bindparam("audiences", type_=ARRAY(Text)))
        ),
    ),
)

_LIVE_LOCKED = _LIVE.with_for_update(key_share=True, of=Grant)


class TokenRepository:
    """Refresh tokens, pushed requests, and single-use values."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: Base) -> None:
        """Insert a row."""
        self._session.add(row)

    def refresh_token(self, value: str, *, lock: bool = True) -> RefreshToken | None:
        """Return a refresh token, locked for update; its grant is not locked."""
        row_id = id_of(value)
        if row_id is None:
            return None
        locked = {"of": RefreshToken} if lock else None
        found = self._session.get(RefreshToken, row_id, with_for_update=locked, populate_existing=True)
        return found if found is not None and found.token_hash == secret_hash(value) else None

    def refreshed(self, value: str) -> RefreshToken | None:
        """Return a refresh token and its person's account, locked: one refresh at a time for each grant."""
        row_id = id_of(value)
        row = None if row_id is None else self._session.scalar(_REFRESH, {"id": row_id})
        return row if row is not None and row.token_hash == secret_hash(value) else None

    def rotate(
        self, row: RefreshToken, value: str, dpop_jkt: str | None, now: datetime, record: dict[str, Any]
    ) -> None:
        """Replace a refresh token by its successor and add the audit record, in one statement."""
        self._session.execute(
            _ROTATE,
            {
                "old_id": row.id,
                "new_id": id_of(value),
                "new_hash": secret_hash(value),
                "now": now,
                "same_grant_id": row.grant_id,
                "same_expires_at": row.expires_at,
                "new_dpop_jkt": dpop_jkt,
                **{f"audit_{name}": part for name, part in record.items()},
            },
        )

    def successor(self, row: RefreshToken) -> RefreshToken | None:
        """Return the successor of a refresh token."""
        return None if row.successor_id is None else self._session.get(RefreshToken, row.successor_id)

    def grant(self, grant_id: UUID, *, lock: bool = False) -> Grant | None:
        """Return a grant."""
        return self._session.get(Grant, grant_id, with_for_update=lock or None)

    def pushed(self, reference: str) -> PushedRequest | None:
        """Return a pushed request, locked so that it is redeemed once."""
        row_id = id_of(reference)
        row = None if row_id is None else self._session.get(PushedRequest, row_id, with_for_update=True)
        return row if row is not None and row.reference_hash == secret_hash(reference) else None

    def once(self, *words: str, expires_at: datetime) -> bool:
        """Record a single-use value. Return False if it was already recorded.

        A value always has the same `expires_at`, so the unique key rejects a concurrent insert of another
        process; the query detects the same key with another `expires_at`.
        """
        key = _key(words)
        new = select(literal(key, LargeBinary), literal(expires_at)).where(
            ~exists().where(OnceOnly.key_hash == key)
        )
        statement = insert(OnceOnly).from_select(["key_hash", "expires_at"], new)
        result = self._session.execute(statement.on_conflict_do_nothing().returning(OnceOnly.key_hash))
        return result.first() is not None

    def seen(self, *words: str) -> bool:
        """Return whether the value was recorded."""
        return self._session.scalar(select(exists().where(OnceOnly.key_hash == _key(words)))) is True

    def withdrawn(self, jti: tuple[str, ...], clients: Collection[str], issued_at: datetime) -> bool:
        """Return whether a client's own token was revoked: by its `jti`, or with a client."""
        parameters = {"key": _key(jti), "clients": list(clients), "issued_at": issued_at}
        return self._session.scalar(_WITHDRAWN, parameters) is True

    def live(
        self,
        grant_id: UUID,
        sub: UUID,
        jti: tuple[str, ...],
        clients: Collection[str],
        audiences: list[str],
        paths: list[str],
        issued_at: datetime,
        now: datetime,
        *,
        lock: bool = False,
    ) -> tuple[Grant, Subject] | None:
        """Return the grant and person of an access token unless the token was revoked.

        It is revoked by its client (`jti` is recorded), or by an event (the rule of `authkit.revocation`).

        With `lock`, the account must already be locked; the grant is locked here.
        """
        row = self._session.execute(
            _LIVE_LOCKED if lock else _LIVE,
            {
                "grant_id": grant_id,
                "sub": sub,
                "key": _key(jti),
                "clients": list(clients),
                "audiences": audiences,
                "paths": paths,
                "issued_at": issued_at,
                "at": now,
            },
        ).first()
        return None if row is None else (row[0], Subject.of(row))


def _key(words: tuple[str, ...]) -> bytes:
    return sha256("\0".join(words).encode()).digest()
