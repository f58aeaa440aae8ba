"""What is read and written for an authorization request, on a lane or in a session."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, Text, Uuid, bindparam, cast, func, insert, select, update

from contracts.vocabulary import AccountStatus
from identity.accounts.models import Account
from identity.consents.models import Consent
from identity.grants.models import Grant
from identity.oauth.state.models import AuthorizationCode, PushedRequest
from identity.oauth.state.snapshots import Person, Visitor
from identity.oauth.state.transactions import Transaction
from identity.policies.models import Agreement
from identity.sessions.models import BrowserSession
from identity.sessions.rules import hash_of
from servicekit.lanes import Statement

_UUID: Final = Uuid()
_READ: Final = (
    *("id", "account_id", "secret_hash", "begun_at", "authenticated_at", "last_seen_at"),
    *("acr", "amr", "ended_at"),
)
_SESSION: Final = Statement(
    select(*(BrowserSession.__table__.c[name] for name in _READ)).where(
        BrowserSession.id == bindparam("sid", type_=_UUID)
    )
)
# Share-locked, so that the account cannot be suspended before the code is committed.
_PERSON: Final = Statement(
    select(Account.id, Account.status, Account.name, Account.phone_masked)
    .where(Account.id == bindparam("sub", type_=_UUID))
    .with_for_update(read=True)
    # A flush would write a modified session before the account is locked, against the lock order.
    .execution_options(autoflush=False)
)
_AGREEMENTS: Final = select(
    func.array_agg(cast(Agreement.kind, Text) + " " + Agreement.version).label("agreed")
).where(Agreement.withdrawn_at.is_(None))
_AGREED: Final = Statement(_AGREEMENTS.where(Agreement.account_id == bindparam("sub", type_=_UUID)))
# All of a browser that its cookie opens, in one statement. Another secret finds and locks nothing.
_VISITOR: Final = Statement(
    select(
        *(BrowserSession.__table__.c[name].label(f"session_{name}") for name in _READ),
        *(Account.id, Account.status, Account.name, Account.phone_masked),
        _AGREEMENTS.where(Agreement.account_id == Account.id).scalar_subquery().label("agreed"),
    )
    .join_from(BrowserSession, Account, Account.id == BrowserSession.account_id)
    .where(
        BrowserSession.id == bindparam("sid", type_=_UUID),
        BrowserSession.secret_hash == bindparam("secret_hash", type_=LargeBinary),
    )
    .with_for_update(read=True, of=Account)
    .execution_options(autoflush=False)
)
_CONSENT: Final = Statement(
    select(Consent.scopes, Consent.resources).where(
        Consent.account_id == bindparam("sub", type_=_UUID),
        Consent.client_id == bindparam("client", type_=Text),
        Consent.withdrawn_at.is_(None),
    )
)
_TOUCH: Final = Statement(
    update(BrowserSession.__table__)  # type: ignore[arg-type]
    .where(BrowserSession.id == bindparam("sid", type_=_UUID), BrowserSession.ended_at.is_(None))
    .values(last_seen_at=bindparam("now", type_=DateTime(timezone=True)))
)


def _inserted(model: Any, prefix: str) -> Any:
    columns = model.__table__.columns
    return insert(model.__table__).values(
        {c.name: bindparam(f"{prefix}_{c.name}", type_=c.type) for c in columns}
    )


_CODE: Final = Statement(
    _inserted(AuthorizationCode, "code").add_cte(_inserted(Grant, "grant").cte("granted"))
)
_PUSHED: Final = Statement(_inserted(PushedRequest, "pushed"))


class BrowsingRepository:
    """The session of a browser, its person, the code for a client, and the request that it has pushed."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def session(self, sid: UUID) -> BrowserSession | None:
        """Return a copy of a session, to be read only, also of an ended one."""
        row = self._transaction.first(_SESSION, {"sid": sid})
        return None if row is None else BrowserSession(**{name: getattr(row, name) for name in _READ})

    def visitor(self, sid: UUID, secret: str) -> Visitor | None:
        """Return the session that a cookie opens, also an ended one, with its person, share-locked."""
        row = self._transaction.first(_VISITOR, {"sid": sid, "secret_hash": hash_of(secret)})
        if row is None:
            return None
        session = BrowserSession(**{name: getattr(row, f"session_{name}") for name in _READ})
        return Visitor(session, _active(row), _pairs(row.agreed))

    def touch(self, sid: UUID, now: datetime) -> None:
        """Update `last_seen_at` of a session that has not ended."""
        self._transaction.ahead(_TOUCH, {"sid": sid, "now": now})

    def person(self, sub: UUID) -> Person | None:
        """Return an account if it is active, share-locked."""
        row = self._transaction.first(_PERSON, {"sub": sub})
        return None if row is None else _active(row)

    def agreed(self, sub: UUID) -> set[tuple[str, str]]:
        """Return the versions of the issuer's documents that a person has agreed to."""
        return _pairs(self._transaction.first(_AGREED, {"sub": sub}).agreed)

    def consented(self, sub: UUID, client_id: str) -> tuple[set[str], set[str]] | None:
        """Return scopes and resources of a person's active consent to a client."""
        row = self._transaction.first(_CONSENT, {"sub": sub, "client": client_id})
        return None if row is None else (set(row.scopes), set(row.resources))

    def add_code(self, code: AuthorizationCode, grant: Grant) -> None:
        """Insert a code and its grant, in one statement; both stay outside of any session."""
        self._transaction.ahead(_CODE, _parameters(code, "code") | _parameters(grant, "grant"))

    def add_pushed(self, pushed: PushedRequest) -> None:
        """Insert a pushed request, which stays outside of any session."""
        self._transaction.ahead(_PUSHED, _parameters(pushed, "pushed"))


def _active(row: Any) -> Person | None:
    return Person(row.id, row.name, row.phone_masked) if row.status == AccountStatus.ACTIVE else None


def _pairs(agreed: list[str] | None) -> set[tuple[str, str]]:
    return {(kind, version) for kind, _, version in (text.partition(" ") for text in agreed or ())}


def _parameters(row: Any, prefix: str) -> dict[str, Any]:
    return {f"{prefix}_{c.name}": getattr(row, c.key) for c in row.__table__.columns}
