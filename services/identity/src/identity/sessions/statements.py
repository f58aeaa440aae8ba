"""Statements of a sign-in, which run on a lane or in a session."""

from typing import Any, Final

from sqlalchemy import Uuid, bindparam, insert, select

from identity.sessions.models import BrowserSession, SignInRecord
from servicekit.lanes import Statement

# The tables: a statement over the classes would take parameters for the attributes of objects.
_SESSIONS: Final[Any] = BrowserSession.__table__
_SIGN_INS: Final[Any] = SignInRecord.__table__


def _adding(table: Any) -> Statement:
    columns = {c.name: bindparam(f"new_{c.name}", type_=c.type) for c in table.columns}
    return Statement(insert(table).values(columns))


ADD_SESSION: Final = _adding(_SESSIONS)
ADD_SIGN_IN: Final = _adding(_SIGN_INS)
SIGNED_IN: Final = Statement(
    select(_SIGN_INS.c.id)
    .where(
        _SIGN_INS.c.account_id == bindparam("sub", type_=Uuid()),
        _SIGN_INS.c.id > bindparam("after", type_=Uuid()),
        _SIGN_INS.c.refused.is_(None),
    )
    .limit(1)
)
"""Whether a person has signed in after the first id of an instant."""


def parameters(row: BrowserSession | SignInRecord) -> dict[str, Any]:
    """Return the parameters of `ADD_SESSION` or `ADD_SIGN_IN`."""
    return {f"new_{c.name}": getattr(row, c.name) for c in row.__table__.columns}
