"""Statements of the two steps of a code, built once: building them took longer than running them."""

from typing import Any, Final

from sqlalchemy import DateTime, Integer, LargeBinary, Text, any_, bindparam, insert, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from identity.codes.models import SmsCode
from servicekit.lanes import Statement

SPEND: Final = Statement(
    # In the order given: budgets that many requests share come last, and are locked for the shortest time.
    text(
        """
        INSERT INTO code_budgets AS b (kind, key, used, ends_at)
        SELECT given.kind, given.key, 1, given.ends_at
        FROM unnest(:kinds, :keys, :ends) WITH ORDINALITY AS given (kind, key, ends_at, place)
        ORDER BY given.place
        ON CONFLICT (kind, key) DO UPDATE SET
          used = CASE WHEN b.ends_at <= :now THEN 1 ELSE b.used + 1 END,
          ends_at = CASE WHEN b.ends_at <= :now THEN excluded.ends_at ELSE b.ends_at END
        WHERE b.ends_at <= :now OR b.used < (:limits)[array_position(:kinds, excluded.kind)]
        RETURNING kind
        """
    ).bindparams(
        bindparam("kinds", type_=ARRAY(Text)),
        bindparam("keys", type_=ARRAY(LargeBinary)),
        bindparam("ends", type_=ARRAY(DateTime(timezone=True))),
        bindparam("limits", type_=ARRAY(Integer)),
        bindparam("now", type_=DateTime(timezone=True)),
    )
)
"""Counts one in each of several budgets, of different kinds, and returns the kinds that were not used up."""

_LATEST = (
    select(SmsCode)
    .where(
        SmsCode.phone_index == any_(bindparam("phones", type_=ARRAY(LargeBinary))),
        SmsCode.ticket_hash == any_(bindparam("tickets", type_=ARRAY(LargeBinary))),
        SmsCode.purpose == bindparam("purpose", type_=Text),
    )
    .order_by(SmsCode.sent_at.desc())
    .limit(1)
)
LATEST: Final = _LATEST
LATEST_LOCKED: Final = _LATEST.with_for_update()
_COLUMNS: Final[Any] = SmsCode.__table__.columns
ADD: Final = insert(SmsCode.__table__).values(  # type: ignore[arg-type]
    {c.name: bindparam(f"code_{c.name}", type_=c.type) for c in _COLUMNS}
)


def parameters(code: SmsCode) -> dict[str, Any]:
    """Return the parameters of `ADD`."""
    return {f"code_{c.name}": getattr(code, c.name) for c in _COLUMNS}
