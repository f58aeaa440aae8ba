"""Statements of the two steps of a code, built once: building them took longer than running them."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from identity.codes.models import CodeBudget, SmsCode
from servicekit.lanes import Statement

SPEND: Final = Statement(
    text(
        """
        WITH counted AS (
          INSERT INTO code_budgets AS b (kind, key, used, ends_at)
          SELECT given.kind, given.key, 1, given.ends_at
          FROM unnest(:kinds, :keys, :ends) WITH ORDINALITY AS given (kind, key, ends_at, place)
          ORDER BY given.place
          ON CONFLICT (kind, key) DO UPDATE SET
            used = CASE WHEN b.ends_at <= :now THEN 1 ELSE b.used + 1 END,
            ends_at = CASE WHEN b.ends_at <= :now THEN excluded.ends_at ELSE b.ends_at END
          WHERE b.ends_at <= :now OR b.used < (:limits)[array_position(:kinds, excluded.kind)]
          RETURNING kind
        ), shared AS (
          INSERT INTO code_budgets AS b (kind, key, used, ends_at)
          SELECT :shared_kind, :shared_key, 1, :shared_end
          WHERE :shared_kind IS NOT NULL AND (SELECT count(*) FROM counted) = cardinality(:kinds)
          ON CONFLICT (kind, key) DO UPDATE SET
            used = CASE WHEN b.ends_at <= :now THEN 1 ELSE b.used + 1 END,
            ends_at = CASE WHEN b.ends_at <= :now THEN excluded.ends_at ELSE b.ends_at END
          WHERE b.ends_at <= :now OR b.used < :shared_limit
          RETURNING kind
        )
        SELECT kind FROM counted UNION ALL SELECT kind FROM shared
        """
    ).bindparams(
        bindparam("kinds", type_=ARRAY(Text)),
        bindparam("keys", type_=ARRAY(LargeBinary)),
        bindparam("ends", type_=ARRAY(DateTime(timezone=True))),
        bindparam("limits", type_=ARRAY(Integer)),
        bindparam("shared_kind", type_=Text),
        bindparam("shared_key", type_=LargeBinary),
        bindparam("shared_end", type_=DateTime(timezone=True)),
        bindparam("shared_limit", type_=Integer),
        bindparam("now", type_=DateTime(timezone=True)),
    )
)
"""Counts one in each of several budgets, of different kinds, and returns the kinds that were not used up.

They are locked in the order given. The shared one, for which all requests wait, is counted last, and only if
none of the others is used up: what is refused does not lock it.
"""

_TIME: Final = DateTime(timezone=True)
SERIALISE: Final = Statement(
    # Without rows, so that it can be sent ahead.
    text("SELECT 1 WHERE pg_advisory_xact_lock(:key) IS NULL").bindparams(bindparam("key", type_=BigInteger))
)
"""Waits for the transaction that holds the same key, and holds it until the end of this one."""

# The table: a statement over the class would return objects of a session.
_CODES: Final[Any] = SmsCode.__table__
_LATEST = (
    select(*_CODES.columns)
    .where(
        _CODES.c.phone_index == any_(bindparam("phones", type_=ARRAY(LargeBinary))),
        _CODES.c.ticket_hash == any_(bindparam("tickets", type_=ARRAY(LargeBinary))),
        _CODES.c.purpose == bindparam("purpose", type_=Text),
    )
    .order_by(_CODES.c.sent_at.desc())
    .limit(1)
)
LATEST: Final = Statement(_LATEST)
LATEST_LOCKED: Final = Statement(_LATEST.with_for_update())
ADD: Final = Statement(
    insert(_CODES).values({c.name: bindparam(f"code_{c.name}", type_=c.type) for c in _CODES.columns})
)
TRIED: Final = Statement(
    update(_CODES)
    .where(_CODES.c.id == bindparam("code", type_=Uuid()))
    .values(attempts=bindparam("tries", type_=Integer), used_at=bindparam("redeemed_at", type_=_TIME))
)

_BUDGETS: Final[Any] = CodeBudget.__table__
_OF_BUDGET: Final = and_(
    _BUDGETS.c.kind == bindparam("kind", type_=Text), _BUDGETS.c.key == bindparam("key", type_=LargeBinary)
)
BUDGET: Final = Statement(select(_BUDGETS.c.used, _BUDGETS.c.ends_at).where(_OF_BUDGET))
FORGET: Final = Statement(delete(_BUDGETS).where(_OF_BUDGET))


def parameters(code: SmsCode) -> dict[str, Any]:
    """Return the parameters of `ADD`."""
    return {f"code_{c.name}": getattr(code, c.name) for c in _CODES.columns}
