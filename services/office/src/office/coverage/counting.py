"""SQL expressions for the units that count for a notice, their branch and their status. Runs no queries.

The rules (docs/adr/0019-coverage-as-it-stood.md):

- A unit *has* a notice once its parent has forwarded it: from the time of the forwarding, or from the time
  the unit joins a parent that has already forwarded it. It keeps the notice after a later move.
- A unit is *owed* a notice if it was active and below another unit when that unit forwarded the notice.
- Units that are owed the notice count, except closed units that have not signed and units that left the
  publisher's tree before the notice reached them. The publisher itself does not count.
- A unit counts at the place where the notice first reached it, and until then at its present place.

`units` holds present places, `former_places` earlier ones. Former places are relevant only for units that
have changed since the notice was published.
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
    """The counted subtree: that of `unit`, at its present and former `paths`."""

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
    """Return whether the unit has forwarded the notice."""
    forwarding = aliased(Forwarding)
    return exists().where(forwarding.notice_id == notice.id, forwarding.unit_id == unit_id)


def has(notice: Notice, unit: type[Unit]) -> ColumnElement[bool]:
    """Return whether the unit has the notice, from its present parent or a former one."""
    return or_(forwarded(notice, unit.parent_id), had(notice, unit.id))


def had(
    notice: Notice, unit_id: ColumnElement[UUID] | InstrumentedAttribute[UUID], before: Any = None
) -> ColumnElement[bool]:
    """Return whether the notice reached the unit at a former place (with `before`: one begun earlier)."""
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
    """Return all units that count as disjoint selects for `UNION ALL`."""
    return [*present(notice, scope), former(notice, scope)]


def present(notice: Notice, scope: Scope) -> list[Counted]:
    """Return units that count at their present place: the notice reached them there, or not yet."""
    return [_unchanged(notice, scope), _changed(notice, scope)]


def _unchanged(notice: Notice, scope: Scope) -> Counted:
    """Return units whose place is unchanged since before the notice was published (nearly all units)."""
    return _standing(notice, scope).where(
        or_(Unit.placed_at.is_(None), Unit.placed_at <= notice.published_at),
        false() if scope.publisher_path is None else under(Unit.path, scope.publisher_path),
    )


def _changed(notice: Notice, scope: Scope) -> Counted:
    """Return units that were opened or moved after the notice was published."""
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
    """Return units that count at a former place, because the notice reached them there."""
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
    """Return whether a changed unit was active and below another unit when that unit forwarded."""
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
    """Return whether an ancestor forwarded the notice between the dates of the place at `path`."""
    above, forwarding = aliased(Unit), aliased(Forwarding)
    # Rows instead of an array, so that the planner uses an index lookup for each code.
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
    """Return the code at `position` of `path`, or None if the path is shorter."""
    return case((func.nlevel(path) > position, func.ltree2text(func.subpath(path, position, 1))), else_=None)
