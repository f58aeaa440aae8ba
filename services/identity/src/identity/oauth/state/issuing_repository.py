"""What is read and written for a token, on a lane or in a session."""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from identity.audit.statements import parameters
from identity.clients.models import secret_hash
from identity.oauth.state import issuing_statements as statements
from identity.oauth.state.handles import id_of
from identity.oauth.state.snapshots import (
    CodeSnapshot,
    GrantSnapshot,
    NewRefreshToken,
    RefreshTokenSnapshot,
    RevocableToken,
    Successor,
)
from identity.oauth.state.subject import Subject
from identity.oauth.state.transactions import Transaction
from servicekit.lanes import Statement


class IssuingRepository:
    """Credentials, their grants, and the person of a grant. What is read to issue a token is locked."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def lock_account(self, sub: UUID) -> None:
        """Lock a person's account, memberships and entitlements against changes until the commit."""
        self._transaction.ahead(statements.LOCK_ACCOUNT, {"sub": sub})

    def subject(self, grant_id: UUID, now: datetime, *, lock: bool) -> tuple[GrantSnapshot, Subject] | None:
        """Return a grant and its person's data for tokens now; `lock` locks the grant."""
        statement = statements.SUBJECT_LOCKED if lock else statements.SUBJECT_READ
        row = self._transaction.first(statement, {"id": grant_id, "at": now})
        return None if row is None else (GrantSnapshot.of(row), Subject.of(row))

    def code(self, value: str, client_id: str, now: datetime) -> tuple[CodeSnapshot, Subject] | None:
        """Return a code of the client with its grant and person, locked, so that a second redemption sees the
        first. The account is locked before the grant: a suspension locks it and then waits for the grants.
        """
        read = self._locked(statements.LOCK_CODE, statements.CODE, value, client_id, now)
        if read is None:
            return None
        found, grant, subject = read
        return CodeSnapshot(
            found.id,
            grant,
            found.redirect_uri,
            found.nonce,
            found.code_challenge,
            found.issued_at,
            found.used_at,
        ), subject

    def refresh_token(
        self, value: str, client_id: str, now: datetime
    ) -> tuple[RefreshTokenSnapshot, Subject] | None:
        """Return a refresh token of the client with its grant and person, locked: one refresh at a time for
        each grant.
        """
        read = self._locked(statements.LOCK_REFRESH_TOKEN, statements.REFRESH, value, client_id, now)
        if read is None:
            return None
        found, grant, subject = read
        return RefreshTokenSnapshot(
            found.id,
            grant,
            found.expires_at,
            found.dpop_jkt,
            found.used_at,
            found.successor_id,
            found.revoked_at,
        ), subject

    def successor(self, successor_id: UUID | None) -> Successor | None:
        """Return the successor of a refresh token."""
        row = self._transaction.first(statements.SUCCESSOR, {"id": successor_id})
        return None if row is None else Successor(row.id, row.token_hash, row.used_at)

    def revocable(self, value: str) -> RevocableToken | None:
        """Return a refresh token of any client with its grant, both locked."""
        row_id = id_of(value)
        if row_id is None:
            return None
        credential = {"id": row_id, "hash": secret_hash(value)}
        self._transaction.ahead(statements.LOCK_REVOCABLE, credential)
        row = self._transaction.first(statements.REVOCABLE, credential)
        return None if row is None else RevocableToken(row.id, GrantSnapshot.of(row), row.revoked_at)

    def revoke(self, token: RevocableToken, now: datetime) -> None:
        """Mark a refresh token as revoked, unless it was before."""
        if token.revoked_at is None:
            self._transaction.ahead(statements.REVOKE_REFRESH_TOKEN, {"old_id": token.id, "now": now})

    def grant(self, grant_id: UUID) -> GrantSnapshot | None:
        """Return a grant, locked to revoke it."""
        row = self._transaction.first(statements.GRANT_LOCKED, {"id": grant_id})
        return None if row is None else GrantSnapshot.of(row)

    def _locked(
        self, lock: Statement, statement: Statement, value: str, client_id: str, now: datetime
    ) -> tuple[Any, GrantSnapshot, Subject] | None:
        """Return the row of a credential of the client with its grant and person, all locked."""
        row_id = id_of(value)
        if row_id is None:
            return None
        credential = {"id": row_id, "hash": secret_hash(value)}
        self._transaction.ahead(lock, credential)
        row = self._transaction.first(statement, {**credential, "at": now})
        if row is None or row.grant_client_id != client_id:
            return None
        return row, GrantSnapshot.of(row), Subject.of(row)

    def redeem(
        self, code_id: UUID, now: datetime, renewable: NewRefreshToken | None, record: dict[str, Any]
    ) -> None:
        """Mark a code as used, with its audit record and its refresh token, if any, in one statement."""
        values = {"old_id": code_id, "now": now, **parameters(record)}
        if renewable is None:
            self._transaction.ahead(statements.REDEEM, values)
        else:
            values |= _parameters(renewable)
            self._transaction.ahead(statements.REDEEM_WITH_REFRESH_TOKEN, values)

    def rotate(self, old_id: UUID, new: NewRefreshToken, record: dict[str, Any]) -> None:
        """Replace a refresh token by its successor and add the audit record, in one statement."""
        self._transaction.ahead(
            statements.ROTATE, {"old_id": old_id, **_parameters(new), **parameters(record)}
        )

    def add(self, new: NewRefreshToken) -> None:
        """Store a refresh token."""
        self._transaction.ahead(statements.NEW_REFRESH_TOKEN, _parameters(new))

    def once(self, *words: str, expires_at: datetime) -> bool:
        """Record a single-use value. Return False if it was already recorded.

        A value must always have the same `expires_at`.
        """
        values = {"key": _key(words), "expires_at": expires_at}
        return self._transaction.first(statements.ONCE, values) is not None

    def withdrawn(self, jti: tuple[str, ...], clients: Collection[str], issued_at: datetime) -> bool:
        """Return whether a client's own token was revoked: by its `jti`, or with a client."""
        values = {"key": _key(jti), "clients": list(clients), "issued_at": issued_at}
        return self._transaction.first(statements.WITHDRAWN, values).withdrawn is True

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
    ) -> tuple[GrantSnapshot, Subject] | None:
        """Return the grant and person of an access token unless the token was revoked.

        It is revoked by its client (`jti` is recorded), or by an event (the rule of `authkit.revocation`).

        With `lock`, the account must already be locked; the grant is locked here. Without, the person is
        `Subject.standing`.
        """
        row = self._transaction.first(
            statements.LIVE_LOCKED if lock else statements.LIVE,
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
        )
        if row is None:
            return None
        return GrantSnapshot.of(row), Subject.of(row) if lock else Subject.standing(row)


def _parameters(new: NewRefreshToken) -> dict[str, Any]:
    return {
        "new_id": id_of(new.value),
        "new_hash": secret_hash(new.value),
        "now": new.issued_at,
        "of_grant_id": new.grant_id,
        "until": new.expires_at,
        "new_dpop_jkt": new.dpop_jkt,
    }


def _key(words: tuple[str, ...]) -> bytes:
    return sha256("\0".join(words).encode()).digest()
