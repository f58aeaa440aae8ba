"""Statements of the token endpoint and its neighbours, which run on a lane or in a session.

What is read for a token is read in the statement after the one that waits for the account (ADR 0010).
"""

from typing import Any, Final

from sqlalchemy import (
    DateTime,
    LargeBinary,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.sql.dml import Insert

from identity.accounts.models import Account
from identity.audit.statements import insert_one
from identity.base import revocations
from identity.grants.models import Grant
from identity.oauth.state.models import AuthorizationCode, OnceOnly, RefreshToken
from identity.oauth.state.repository import STANDING, SUBJECT, with_subject
from identity.sessions.models import BrowserSession
from servicekit.lanes import Statement, locking

_UUID: Final = Uuid()
_NOW: Final = bindparam("now", type_=DateTime(timezone=True))

GRANT: tuple[Any, ...] = (
    *(
        column.label(f"grant_{column.key}")
        for column in (
            *(Grant.id, Grant.client_id, Grant.account_id, Grant.session_id, Grant.scope, Grant.resources),
            *(Grant.auth_time, Grant.acr, Grant.amr, Grant.dpop_jkt),
            *(Grant.expires_at, Grant.revoked_at, Grant.generation),
        )
    ),
    # As a text: a lane reads no JSON.
    cast(Grant.claims, Text).label("grant_claims"),
)
"""Columns of `GrantSnapshot.of`."""

# The credential and the account of its person are locked ahead of what is read: the grant, locked, and all
# that its token says. A wrong secret and another client lock and find nothing.
_ID: Final = bindparam("id", type_=_UUID)
_HASH: Final = bindparam("hash", type_=LargeBinary)


def _of_refresh_token(statement: Select[Any]) -> Select[Any]:
    return (
        statement.select_from(RefreshToken)
        .join(Grant, Grant.id == RefreshToken.grant_id)
        .join(Account, Account.id == Grant.account_id)
        .where(RefreshToken.id == _ID, RefreshToken.token_hash == _HASH)
    )


def _of_code(statement: Select[Any]) -> Select[Any]:
    return (
        statement.select_from(AuthorizationCode)
        .join(Grant, Grant.id == AuthorizationCode.grant_id)
        .join(Account, Account.id == Grant.account_id)
        .where(AuthorizationCode.id == _ID, AuthorizationCode.code_hash == _HASH)
    )


def _facts(statement: Select[Any]) -> Select[Any]:
    return with_subject(statement, sid=Grant.session_id).with_for_update(key_share=True, of=Grant)


LOCK_REFRESH_TOKEN: Final = Statement(
    locking(_of_refresh_token(select(Account.id)).with_for_update(key_share=True, of=(RefreshToken, Account)))
)
REFRESH: Final = Statement(
    _facts(
        _of_refresh_token(
            select(
                RefreshToken.id,
                RefreshToken.expires_at,
                RefreshToken.dpop_jkt,
                RefreshToken.used_at,
                RefreshToken.successor_id,
                RefreshToken.revoked_at,
                *GRANT,
                *SUBJECT,
            )
        )
    )
)
# To revoke a token, which no account prevents: the token is locked ahead of what is read, then the grant.
_REVOCABLE = (RefreshToken.id == _ID, RefreshToken.token_hash == _HASH)
LOCK_REVOCABLE: Final = Statement(
    locking(select(RefreshToken.id).where(*_REVOCABLE).with_for_update(key_share=True))
)
REVOCABLE: Final = Statement(
    select(RefreshToken.id, RefreshToken.revoked_at, *GRANT)
    .join(Grant, Grant.id == RefreshToken.grant_id)
    .where(*_REVOCABLE)
    .with_for_update(key_share=True, of=Grant)
)
GRANT_LOCKED: Final = Statement(select(*GRANT).where(Grant.id == _ID).with_for_update(key_share=True))
SUCCESSOR: Final = Statement(
    select(RefreshToken.id, RefreshToken.token_hash, RefreshToken.used_at).where(RefreshToken.id == _ID)
)
REVOKE_REFRESH_TOKEN: Final = Statement(
    update(RefreshToken.__table__)  # type: ignore[arg-type]
    .where(RefreshToken.id == bindparam("old_id", type_=_UUID))
    .values(revoked_at=_NOW)
)
LOCK_CODE: Final = Statement(
    locking(_of_code(select(Account.id)).with_for_update(key_share=True, of=(AuthorizationCode, Account)))
)
CODE: Final = Statement(
    _facts(
        _of_code(
            select(
                AuthorizationCode.id,
                AuthorizationCode.redirect_uri,
                AuthorizationCode.nonce,
                AuthorizationCode.code_challenge,
                AuthorizationCode.issued_at,
                AuthorizationCode.used_at,
                *GRANT,
                *SUBJECT,
            )
        )
    )
)
LOCK_ACCOUNT: Final = Statement(
    locking(
        select(Account.id).where(Account.id == bindparam("sub", type_=_UUID)).with_for_update(key_share=True)
    )
    # A flush would write a modified session before the account is locked, against the lock order.
    .execution_options(autoflush=False)
)
_SUBJECT = with_subject(
    select(*GRANT, *SUBJECT).select_from(Grant).join(Account, Account.id == Grant.account_id),
    sid=Grant.session_id,
).where(Grant.id == _ID)
SUBJECT_READ: Final = Statement(_SUBJECT)
SUBJECT_LOCKED: Final = Statement(_SUBJECT.with_for_update(key_share=True, of=Grant))


def _new_refresh_token() -> Insert:
    # Parameter names differ from column names, which SQLAlchemy would use as values to set.
    return insert(RefreshToken.__table__).values(  # type: ignore[arg-type]
        id=bindparam("new_id", type_=_UUID),
        token_hash=bindparam("new_hash", type_=LargeBinary),
        issued_at=_NOW,
        grant_id=bindparam("of_grant_id", type_=_UUID),
        expires_at=bindparam("until", type_=DateTime(timezone=True)),
        dpop_jkt=bindparam("new_dpop_jkt", type_=Text),
    )


_CODE_USED = (
    update(AuthorizationCode.__table__)  # type: ignore[arg-type]
    .where(AuthorizationCode.id == bindparam("old_id", type_=_UUID))
    .values(used_at=_NOW)
)
NEW_REFRESH_TOKEN: Final = Statement(_new_refresh_token())
# Each with the audit row, in one statement.
ROTATE: Final = Statement(
    _new_refresh_token()
    .add_cte(
        update(RefreshToken.__table__)  # type: ignore[arg-type]
        .where(RefreshToken.id == bindparam("old_id", type_=_UUID))
        .values(used_at=_NOW, successor_id=bindparam("new_id", type_=_UUID))
        .cte("used")
    )
    .add_cte(insert_one().cte("audited"))
)
REDEEM: Final = Statement(_CODE_USED.add_cte(insert_one().cte("audited")))
REDEEM_WITH_REFRESH_TOKEN: Final = Statement(
    _CODE_USED.add_cte(insert_one().cte("audited")).add_cte(_new_refresh_token().cte("renewable"))
)

_KEY = bindparam("key", type_=LargeBinary)
_UNTIL = bindparam("expires_at", type_=DateTime(timezone=True))
# A value always has the same `expires_at`, so the unique key rejects a concurrent insert of another process;
# the query detects the same key with another `expires_at`.
ONCE: Final = Statement(
    insert_once(OnceOnly.__table__)  # type: ignore[arg-type]
    .from_select(
        ["key_hash", "expires_at"],
        select(cast(_KEY, LargeBinary), cast(_UNTIL, DateTime(timezone=True))).where(
            ~exists().where(OnceOnly.key_hash == _KEY)
        ),
    )
    .on_conflict_do_nothing()
    .returning(OnceOnly.key_hash)
)

_REVOKED = revocations.c
_SINCE = bindparam("issued_at", type_=DateTime(timezone=True))
_NOTED = exists().where(OnceOnly.key_hash == _KEY)
_CLIENT_REVOKED = exists().where(
    _REVOKED.client_id == any_(bindparam("clients", type_=ARRAY(Text))),
    _REVOKED.not_before > _SINCE,
)
# `paths` are the unit's path in the token and those of its ancestors.
_PLACE_REVOKED = exists().where(
    _REVOKED.unit_path == any_(bindparam("paths", type_=ARRAY(Text))),
    _REVOKED.not_before > _SINCE,
)
WITHDRAWN: Final = Statement(select(or_(_NOTED, _CLIENT_REVOKED).label("withdrawn")))
_OF_TOKEN = (
    Grant.id == bindparam("grant_id", type_=_UUID),
    Account.id == bindparam("sub", type_=_UUID),
    ~_NOTED,
    ~_CLIENT_REVOKED,
    ~_PLACE_REVOKED,
    ~exists().where(
        _REVOKED.sub == Account.id,
        _REVOKED.not_before > _SINCE,
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
LIVE: Final = Statement(
    # What a new token would say is not read: it is most of the work.
    select(*GRANT, *STANDING)
    .select_from(Grant)
    .join(Account, Account.id == Grant.account_id)
    .outerjoin(BrowserSession, BrowserSession.id == Grant.session_id)
    .where(*_OF_TOKEN)
)
LIVE_LOCKED: Final = Statement(
    with_subject(
        select(*GRANT, *SUBJECT).select_from(Grant).join(Account, Account.id == Grant.account_id),
        sid=Grant.session_id,
    )
    .where(*_OF_TOKEN)
    .with_for_update(key_share=True, of=Grant)
)
