"""Which units count for a notice, where, and what they have done: SQL expressions, nothing is run here.

The rules (docs/adr/0019-coverage-as-it-stood.md):

- A unit *has* a notice once its parent has forwarded it: at the time of the forwarding, or when the unit
  comes below a parent that has forwarded it before. It keeps the notice when it moves on.
- A unit is *owed* a notice if it stood, active, below a unit at the moment when that unit forwarded it.
- Units count that are owed the notice, but for those that are closed and have not signed, and for those that
  have left the publisher's tree before the notice reached them. The publisher itself does not count.
- A unit counts where the notice reached it first, and until then where it stands.

`units` holds the present places, `former_places` those before. Only units that have changed since the notice
was published have a former place that matters.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from contracts.vocabulary import UnitStatus
from office.directory.models import FormerPlace, Unit
from office.notices.models import Forwarding, Notice
from office.receipts.models import Signature
from servicekit.ltree import under


class Scope(NamedTuple):
    """The subtree that is counted: of `unit`, which has stood at `paths`."""

    unit: Unit
    paths: list[str]
    publisher_path: str | None
    """Where the publisher stood when it published the notice; None for a unit that is not replicated yet."""


Counted = Select[UUID, UUID | None, str, str, str, str | None, bool, bool]
"""Units that count: id, parent_id, code, name, path, branch, delivered, signed.

`branch` is the code of the child of the scope's unit that the unit counts below; None for that unit itself.
"""


def forwarded(
    notice: Notice, unit_id: InstrumentedAttribute[Any] | ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether the unit has forwarded the notice."""
    forwarding = aliased(Forwarding)
    return exists().where(forwarding.notice_id == notice.id, forwarding.unit_id == unit_id)


def has(notice: Notice, unit: type[Unit]) -> ColumnElement[bool]:
    """Whether the unit has the notice, from its present parent or from one before."""
    return or_(forwarded(notice, unit.parent_id), had(notice, unit.id))


def had(
    notice: Notice, unit_id: ColumnElement[UUID] | InstrumentedAttribute[UUID], before: Any = None
) -> ColumnElement[bool]:
    """Whether the notice reached the unit at a former place (with `before`: at one that began earlier)."""
    place, forwarding = aliased(FormerPlace), aliased(Forwarding)
    reached = (
        select(place.unit_id)
        .join(
            forwarding,
            and_(
                forwarding.notice_id == notice.id,
                forwarding.unit_id == place.parent_id,
                forwarding.forwarded_at < place.valid_to,
            ),
        )
        .where(place.unit_id == unit_id)
    )
    return exists(reached if before is None else reached.where(place.valid_from < before))


def counted(notice: Notice, scope: Scope) -> list[Counted]:
    """All units that count, in parts for `UNION ALL`: each unit is in one of them."""
    return [*present(notice, scope), former(notice, scope)]


def present(notice: Notice, scope: Scope) -> list[Counted]:
    """Units that count where they stand now: the notice reached them there, or has not reached them yet."""
    return [_unchanged(notice, scope), _changed(notice, scope)]


def _unchanged(notice: Notice, scope: Scope) -> Counted:
    """Units that have stood where they stand since before the notice was published: nearly all."""
    return _standing(notice, scope).where(
        or_(Unit.placed_at.is_(None), Unit.placed_at <= notice.published_at),
        false() if scope.publisher_path is None else under(Unit.path, scope.publisher_path),
    )


def _changed(notice: Notice, scope: Scope) -> Counted:
    """Units that were opened or have moved since the notice was published."""
    return _standing(notice, scope).where(
        Unit.placed_at > notice.published_at, ~had(notice, Unit.id), _owed(notice)
    )


def _standing(notice: Notice, scope: Scope) -> Counted:
    forwarding, signature = aliased(Forwarding), aliased(Signature)
    return (
        select(
            Unit.id.label("id"),
            Unit.parent_id.label("parent_id"),
            Unit.code.label("code"),
            Unit.name.label("name"),
            Unit.path.label("path"),
            _label(Unit.path, literal(scope.unit.path.count(".") + 1)).label("branch"),
            forwarding.unit_id.is_not(None).label("delivered"),
            signature.unit_id.is_not(None).label("signed"),
        )
        .outerjoin(forwarding, and_(forwarding.notice_id == notice.id, forwarding.unit_id == Unit.parent_id))
        .outerjoin(signature, and_(signature.notice_id == notice.id, signature.unit_id == Unit.id))
        .where(
            Unit.status == UnitStatus.ACTIVE,
            under(Unit.path, scope.unit.path),
            Unit.id != notice.publisher_id,
        )
    )


def former(notice: Notice, scope: Scope) -> Counted:
    """Units that count where they stood when the notice reached them, and do not stand there any more."""
    forwarding, signature = aliased(Forwarding), aliased(Signature)
    signed = signature.unit_id.is_not(None)
    return (
        select(
            Unit.id.label("id"),
            FormerPlace.parent_id.label("parent_id"),
            Unit.code.label("code"),
            Unit.name.label("name"),
            FormerPlace.path.label("path"),
            _label(FormerPlace.path, _position(FormerPlace.path, scope.unit.code) + 1).label("branch"),
            literal(True).label("delivered"),
            signed.label("signed"),
        )
        .select_from(FormerPlace)
        .join(
            forwarding,
            and_(
                forwarding.notice_id == notice.id,
                forwarding.unit_id == FormerPlace.parent_id,
                forwarding.forwarded_at < FormerPlace.valid_to,
            ),
        )
        .join(Unit, Unit.id == FormerPlace.unit_id)
        .outerjoin(signature, and_(signature.notice_id == notice.id, signature.unit_id == Unit.id))
        .where(
            or_(false(), *(under(FormerPlace.path, path) for path in scope.paths)),
            Unit.id != notice.publisher_id,
            ~had(notice, Unit.id, before=FormerPlace.valid_from),
            or_(Unit.status == UnitStatus.ACTIVE, signed),
            _owed(notice),
        )
    )


def _owed(notice: Notice) -> ColumnElement[bool]:
    """Whether a unit that has changed stood, active, below a unit at the moment when that unit forwarded."""
    place = aliased(FormerPlace)
    stood_below = exists().where(
        place.unit_id == Unit.id,
        place.status == UnitStatus.ACTIVE,
        _forwarded_above(notice, place.unit_id, place.path, place.valid_from, place.valid_to),
    )
    stands_below = and_(
        Unit.status == UnitStatus.ACTIVE,
        _forwarded_above(notice, Unit.id, Unit.path, Unit.placed_at, None),
    )
    return or_(stood_below, stands_below)


def _forwarded_above(
    notice: Notice,
    unit_id: InstrumentedAttribute[UUID],
    path: InstrumentedAttribute[str],
    since: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    until: InstrumentedAttribute[datetime] | None,
) -> ColumnElement[bool]:
    """Whether a unit above forwarded the notice between the dates of the place at `path`."""
    above, forwarding = aliased(Unit), aliased(Forwarding)
    # As rows, not as an array: so the planner looks each of the few codes up.
    codes = (
        func.unnest(func.string_to_array(func.ltree2text(path), ".")).table_valued("code").render_derived()
    )
    between = or_(since.is_(None), forwarding.forwarded_at >= since)
    return exists(
        select(above.id)
        .select_from(codes)
        .join(above, above.code == codes.c.code)
        .join(forwarding, and_(forwarding.notice_id == notice.id, forwarding.unit_id == above.id))
        .where(
            above.id != unit_id, between if until is None else and_(between, forwarding.forwarded_at < until)
        )
    )


def _position(path: InstrumentedAttribute[str], code: str) -> ColumnElement[int]:
    return func.index(path, func.text2ltree(code), type_=Integer)


def _label(path: InstrumentedAttribute[str], position: ColumnElement[int]) -> ColumnElement[str | None]:
    """The code at `position` of `path`, None when the path is shorter."""
    return case((func.nlevel(path) > position, func.ltree2text(func.subpath(path, position, 1))), else_=None)
