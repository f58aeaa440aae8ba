"""SQL expressions for the units that count for a notice, their branch and their status. Runs no queries.

The rules (docs/adr/0019-coverage-as-it-stood.md):

- A unit *has* a notice once a dispatch addresses it: from the time of the dispatch, or from the time at which
  the unit comes within its reach. It keeps the notice after a later move.
- A unit is *owed* a notice if it was active and addressed, or below a unit that was addressed and is expected
  to pass the notice on, at the time of a dispatch.
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
    Text,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, aliased

from contracts.vocabulary import Reach, UnitStatus
from office.addressing.predicates import in_filter
from office.directory.models import FormerPlace, Unit
from office.dispatches.models import Forwarding
from office.dispatches.predicates import is_picked, reached_by
from office.notices.models import Notice
from office.receipts.models import Signature
from servicekit.ltree import is_under, under
from servicekit.words import inline


class Scope(NamedTuple):
    """The counted subtree: that of `unit`, at its present and former `paths`."""

    unit: Unit
    paths: list[str]
    publisher_path: str | None
    """Where the publisher stood when it published the notice; None for a unit that is not replicated yet."""
    special: tuple[str, ...] = ()
    """The paths below which units are looked at one by one, because their superiors have addressed only some
    of them, or some far below. Everywhere else, all units are owed the notice and plain dispatches deliver.
    """
    whole: bool = False
    """Whether the publication addressed all units below the publisher: it has delivered to all of them."""

    @property
    def plain(self) -> bool:
        """Whether only plain dispatches deliver."""
        return not self.special and not self.whole

    @property
    def depth(self) -> int:
        """The number of labels of the unit's path."""
        return self.unit.path.count(".") + 1

    @property
    def root(self) -> str | None:
        """The path below which units that have not changed count; None if there are none."""
        if self.publisher_path is None:
            return None
        if is_under(self.unit.path, self.publisher_path):
            return self.unit.path
        return self.publisher_path if is_under(self.publisher_path, self.unit.path) else None


Counted = Select[UUID, UUID | None, str, str, str, str | None, bool, bool, bool, datetime | None, bool]
"""Units that count, one by one: id, parent_id, code, name, path, branch, alone, delivered, signed, deadline,
in_counters.

`branch` is the code of the child of the scope's unit that the unit counts below; None for that unit itself.
`alone`: no group has it, because it is the scope's unit or directly below, or below a special dispatch.
`deadline` is that of the dispatch that reached it first. `in_counters`: `receipt_counts` has its signature.
"""


def has(notice: Notice, unit: type[Unit]) -> ColumnElement[bool]:
    """Return whether the unit has the notice: it published it, or a dispatch reached it at any place."""
    return or_(
        unit.id == notice.publisher_id,
        _plainly(notice, unit.parent_id),
        _specially(notice, unit, unit.parent_id, unit.path),
        had(notice, unit),
    )


def had(notice: Notice, unit: type[Unit], before: Any = None) -> ColumnElement[bool]:
    """Return whether the notice reached the unit at a former place (with `before`: one begun earlier)."""
    place = aliased(FormerPlace)
    reached = (
        select(place.unit_id)
        .where(place.unit_id == unit.id, _reached_at(notice, unit, place))
        .correlate_except(place)
    )
    return exists(reached if before is None else reached.where(place.valid_from < before))


def _reached_at(notice: Notice, unit: type[Unit], place: type[FormerPlace]) -> ColumnElement[bool]:
    """Return whether a dispatch reached the unit at a former place."""
    return or_(
        _plainly(notice, place.parent_id, place.valid_to),
        _specially(notice, unit, place.parent_id, place.path, place.valid_to),
    )


def _plainly(notice: Notice, parent_id: Any, until: Any = None) -> ColumnElement[bool]:
    """Return whether the unit's parent has sent the notice to all units directly below it."""
    forwarding = aliased(Forwarding)
    found = (
        exists()
        .where(forwarding.notice_id == notice.id, forwarding.unit_id == parent_id, forwarding.plain)
        .correlate_except(forwarding)
    )
    return found if until is None else found.where(forwarding.forwarded_at < until)


def _specially(
    notice: Notice, unit: type[Unit], parent_id: Any, path: Any, until: Any = None
) -> ColumnElement[bool]:
    """Return whether any other dispatch addresses the unit at the place; there are few of them."""
    forwarding, sender = aliased(Forwarding), aliased(Unit)
    found = (
        select(forwarding.id)
        .join(sender, sender.id == forwarding.unit_id)
        .where(
            forwarding.notice_id == notice.id,
            ~forwarding.plain,
            reached_by(forwarding, sender, unit, parent_id, path),
        )
        .correlate_except(forwarding, sender)
    )
    return exists(found if until is None else found.where(forwarding.forwarded_at < until))


def unchanged(notice: Notice, scope: Scope) -> Counted:
    """Return units whose place is unchanged since before the notice was published (nearly all units).

    Limit it to some of them: the others are counted in groups.
    """
    standing = _standing(notice, scope).where(
        has_not_changed(notice),
        false() if scope.publisher_path is None else under(Unit.path, scope.publisher_path),
    )
    if not scope.special:
        return standing
    return standing.where(or_(~is_special(Unit.path, scope), _owed(notice)))


def has_not_changed(notice: Notice) -> ColumnElement[bool]:
    """Return whether `Unit` has stood in its place since before the notice was published."""
    return or_(Unit.placed_at.is_(None), Unit.placed_at <= notice.published_at)


def is_special(path: Any, scope: Scope) -> ColumnElement[bool]:
    """Return whether `path` is below a unit that has dispatched the notice in a special way."""
    return or_(
        false(), *(and_(under(path, special), path != func.text2ltree(special)) for special in scope.special)
    )


def changed(notice: Notice, scope: Scope) -> list[Counted]:
    """Return the units that count and have changed since, as disjoint selects for `UNION ALL`."""
    return [changed_here(notice, scope), former(notice, scope)]


def changed_here(notice: Notice, scope: Scope) -> Counted:
    """Return units that changed after the notice was published and count at their present place: the notice
    reached them there, or not yet.
    """
    return _standing(notice, scope).where(
        Unit.placed_at > notice.published_at, ~had(notice, Unit), _owed(notice)
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
            label(Unit.path, literal(scope.depth)).label("branch"),
            or_(func.nlevel(Unit.path) < scope.depth + 2, is_special(Unit.path, scope)).label("alone"),
            or_(
                forwarding.unit_id.is_not(None),
                false() if scope.plain else _specially(notice, Unit, Unit.parent_id, Unit.path),
            ).label("delivered"),
            signature.unit_id.is_not(None).label("signed"),
            (
                forwarding.deadline if scope.plain else _deadline(notice, Unit, Unit.parent_id, Unit.path)
            ).label("deadline"),
            func.coalesce(signature.counted, false()).label("in_counters"),
        )
        .outerjoin(
            forwarding,
            and_(forwarding.notice_id == notice.id, forwarding.unit_id == Unit.parent_id, forwarding.plain),
        )
        .outerjoin(signature, and_(signature.notice_id == notice.id, signature.unit_id == Unit.id))
        .where(
            Unit.status == UnitStatus.ACTIVE,
            under(Unit.path, scope.unit.path),
            Unit.id != notice.publisher_id,
        )
    )


def former(notice: Notice, scope: Scope) -> Counted:
    """Return units that count at a former place, because the notice reached them there."""
    signature = aliased(Signature)
    signed = signature.unit_id.is_not(None)
    return (
        select(
            Unit.id.label("id"),
            FormerPlace.parent_id.label("parent_id"),
            Unit.code.label("code"),
            Unit.name.label("name"),
            FormerPlace.path.label("path"),
            label(FormerPlace.path, position(FormerPlace.path, scope.unit.code) + 1).label("branch"),
            or_(
                func.nlevel(FormerPlace.path) < position(FormerPlace.path, scope.unit.code) + 3,
                is_special(FormerPlace.path, scope),
            ).label("alone"),
            literal(True).label("delivered"),
            signed.label("signed"),
            _deadline(notice, Unit, FormerPlace.parent_id, FormerPlace.path, FormerPlace.valid_to).label(
                "deadline"
            ),
            func.coalesce(signature.counted, false()).label("in_counters"),
        )
        .select_from(FormerPlace)
        .join(Unit, Unit.id == FormerPlace.unit_id)
        .outerjoin(signature, and_(signature.notice_id == notice.id, signature.unit_id == Unit.id))
        .where(
            or_(false(), *(under(FormerPlace.path, path) for path in scope.paths)),
            Unit.id != notice.publisher_id,
            _reached_at(notice, Unit, FormerPlace),
            ~had(notice, Unit, before=FormerPlace.valid_from),
            or_(Unit.status == UnitStatus.ACTIVE, signed),
            _owed(notice),
        )
    )


def _owed(notice: Notice) -> ColumnElement[bool]:
    """Return whether the unit was active, and addressed or below an onward recipient, at a dispatch."""
    place = aliased(FormerPlace)
    stood = exists().where(
        place.unit_id == Unit.id,
        place.status == UnitStatus.ACTIVE,
        _dispatched_to(notice, place.path, place.valid_from, place.valid_to),
    )
    stands = and_(Unit.status == UnitStatus.ACTIVE, _dispatched_to(notice, Unit.path, Unit.placed_at, None))
    return or_(stands, stood)


def _dispatched_to(
    notice: Notice,
    path: InstrumentedAttribute[str],
    since: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    until: InstrumentedAttribute[datetime] | None,
) -> ColumnElement[bool]:
    """Return whether `Unit` was owed the notice by a dispatch between the dates of its place at `path`."""
    above, forwarding, recipient = aliased(Unit), aliased(Forwarding), aliased(Unit)
    array = func.string_to_array(func.ltree2text(path), ".", type_=ARRAY(Text))
    # Rows instead of an array, so that the planner uses an index lookup for each code.
    codes = func.unnest(array).table_valued("code", with_ordinality="place").render_derived()
    length = func.nlevel(path)
    # Of the units on the path, the one directly below the sender; and whoever the dispatch names.
    next_one = and_(recipient.code == array[codes.c.place + 1], in_filter(forwarding, recipient))
    named = and_(
        recipient.code == func.any(array[codes.c.place + 1 : length]),
        is_picked(forwarding, recipient.id),
    )
    passed_on = or_(forwarding.onward, recipient.id == Unit.id)
    between = or_(since.is_(None), forwarding.forwarded_at >= since)
    return exists(
        select(above.id)
        .select_from(codes)
        .join(above, above.code == codes.c.code)
        .join(forwarding, and_(forwarding.notice_id == notice.id, forwarding.unit_id == above.id))
        .where(
            codes.c.place < length,
            between if until is None else and_(between, forwarding.forwarded_at < until),
            or_(
                and_(forwarding.plain, or_(forwarding.onward, codes.c.place == length - 1)),
                and_(forwarding.reach == inline(Reach.SUBTREE), in_filter(forwarding, Unit)),
                and_(
                    forwarding.reach == inline(Reach.CHILDREN),
                    exists().where(next_one, passed_on).correlate_except(recipient),
                ),
                and_(
                    forwarding.reach == inline(Reach.PICKED),
                    exists().where(named, passed_on).correlate_except(recipient),
                ),
            ),
        )
        .correlate_except(codes, above, forwarding)
    )


def _deadline(
    notice: Notice, unit: type[Unit], parent_id: Any, path: Any, until: Any = None
) -> ColumnElement[Any]:
    """Return the deadline of the first dispatch that reaches the unit at the place."""
    forwarding, sender = aliased(Forwarding), aliased(Unit)
    found = (
        select(forwarding.deadline)
        .join(sender, sender.id == forwarding.unit_id)
        .where(
            forwarding.notice_id == notice.id,
            or_(
                and_(forwarding.plain, forwarding.unit_id == parent_id),
                and_(~forwarding.plain, reached_by(forwarding, sender, unit, parent_id, path)),
            ),
        )
        .order_by(forwarding.forwarded_at, forwarding.id)
        .limit(1)
        .correlate_except(forwarding, sender)
    )
    return (found if until is None else found.where(forwarding.forwarded_at < until)).scalar_subquery()


def position(path: InstrumentedAttribute[str], code: str) -> ColumnElement[int]:
    """Return at which position of `path` the label `code` is, from 0; negative if it is not there."""
    return func.index(path, func.text2ltree(code), type_=Integer)


def label(path: InstrumentedAttribute[str], position: ColumnElement[int]) -> ColumnElement[str | None]:
    """Return the code at `position` of `path`, or None if the path is shorter."""
    return case((func.nlevel(path) > position, func.ltree2text(func.subpath(path, position, 1))), else_=None)
