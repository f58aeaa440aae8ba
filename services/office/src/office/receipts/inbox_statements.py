"""The statements of a unit's inbox, which run on a lane (`servicekit.lanes`). Runs no queries.

A page reads the dispatches of each sender in the order of the list and stops when the page is full, so it
costs as much after ten years as in the first one:

- a dispatch to all units directly below reaches the unit if it is of its superior unit: a range of an index;
- the others (`~plain`) of all superior units are in an index of their own.

A notice is listed with the dispatch by which the unit has it (`dispatches.statements.delivered`): a dispatch
is passed over if another one of the notice has reached the unit before. There are few statements to prepare:
with filters and without. A filter that is not set is null, and what it would look up is not read.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Subquery,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import BindParameter

from contracts.documents import NoticeKind
from contracts.vocabulary import NoticeStatus
from office.addressing.predicates import ATTRIBUTES, then
from office.answers.models import Answer
from office.directory.models import FormerPlace, Unit
from office.dispatches.models import Forwarding
from office.dispatches.predicates import reached_by
from office.dispatches.statements import UNIT
from office.forms.models import Form
from office.notices.models import Notice
from office.receipts.models import Read, Signature
from office.receipts.rules import InboxSort
from office.returns.models import STANDING, Return
from servicekit.lanes import Statement
from servicekit.paging import MOST_COUNTED
from servicekit.words import inline

_INSTANT: Final = DateTime(timezone=True)
_READER: Final[BindParameter[Any]] = bindparam("reader", type_=Uuid)
_LIMIT: Final[BindParameter[Any]] = bindparam("limit", type_=Integer)
_ESCAPE: Final = "/"


def contains(words: str) -> str:
    """Return the value of the parameter `words` for a text that contains them."""
    for special in (_ESCAPE, "%", "_"):
        words = words.replace(special, _ESCAPE + special)
    return f"%{words}%"


OWN: Final = Statement(select(Unit.status).where(Unit.id == UNIT))
"""The status of the unit."""


@cache
def page(sort: InboxSort, *, after: bool, filtered: bool) -> Statement:
    """Return the statement of a page: what its lines show.

    With `after`, the page starts after `after_time`, the time of the sort, and `after_notice`. Without
    `filtered`, there are no filters but that of the status.
    """
    found = _found(sort, after=after, filtered=filtered)
    chosen = select(found).order_by(*_order(sort, found.c)).limit(_LIMIT).subquery("chosen")
    notice, delivery, own = chosen.c.notice_id, aliased(Forwarding), aliased(Forwarding)
    statement = (
        select(
            *(getattr(Notice, name) for name in ("id", "status", "kind", "document_number", "title")),
            *(getattr(Notice, name) for name in ("urgency", "withdrawn_at", "withdraw_reason")),
            *(getattr(Unit, name).label(f"publisher_{name}") for name in ("id", "code", "name")),
            *(delivery.cover_text, delivery.deadline, delivery.forwarded_at.label("delivered_at")),
            *(Signature.signed_at, Signature.late, Signature.signing_unit_id),
            Return.status.label("returned"),
            Form.notice_id.label("form_id"),
            Answer.status.label("answer"),
            own.forwarded_at,
            Read.read_at,
        )
        .select_from(chosen)
        .join(delivery, and_(delivery.notice_id == notice, delivery.id == chosen.c.id))
        .join(Notice, Notice.id == notice)
        .outerjoin(Unit, Unit.id == Notice.publisher_id)
        .outerjoin(Signature, and_(Signature.notice_id == notice, Signature.unit_id == UNIT))
        .outerjoin(Return, _stands(notice))
        .outerjoin(Form, Form.notice_id == notice)
        .outerjoin(Answer, and_(Answer.notice_id == notice, Answer.unit_id == UNIT))
        .outerjoin(own, and_(own.notice_id == notice, own.unit_id == UNIT, own.number == literal_column("1")))
        .outerjoin(Read, and_(Read.notice_id == notice, Read.sub == _READER))
    )
    return Statement(statement.order_by(*_order(sort, chosen.c)))


@cache
def total(*, filtered: bool) -> Statement:
    """Return the statement of the number of `lines`, up to one more than lists count."""
    rows = select(_found(None, after=False, filtered=filtered).c.notice_id).limit(MOST_COUNTED + 1)
    return Statement(select(func.count().label("lines")).select_from(rows.subquery("counted")))


def _order(sort: InboxSort, of: Any) -> tuple[ColumnElement[Any], ...]:
    if sort is InboxSort.DEADLINE:
        return of.deadline.asc(), of.notice_id.asc()
    return of.forwarded_at.desc(), of.notice_id.desc()


def _found(sort: InboxSort | None, *, after: bool, filtered: bool) -> Subquery:
    """Return the dispatches by which the unit has the wanted notices: of each sender as many as a page has,
    or all of them if `sort` is None.
    """
    sender, places = aliased(Unit), _places()
    above = _above(places)

    def sent(dispatch: type[Forwarding], *conditions: ColumnElement[bool]) -> Any:
        """Return a lateral relation of the wanted ones of the dispatches for which the conditions hold."""
        columns = (dispatch.notice_id, dispatch.id, dispatch.forwarded_at, dispatch.deadline)
        statement = (
            select(*columns)
            .where(or_(places.c.until.is_(None), dispatch.forwarded_at < places.c.until), *conditions)
            .where(_is_wanted(dispatch, filtered=filtered), ~_has_it_before(dispatch, places))
            .correlate(places, sender)
        )
        if sort is not None:
            statement = statement.order_by(*_order(sort, dispatch)).limit(_LIMIT)
        if sort is not None and after:
            statement = statement.where(_is_behind(sort, dispatch))
        return statement.lateral()

    plain, special = aliased(Forwarding), aliased(Forwarding)
    plainly = sent(plain, plain.unit_id == places.c.parent_id, and_(plain.plain))
    specially = sent(
        special,
        special.unit_id == sender.id,
        ~special.plain,
        reached_by(special, sender, UNIT, places.c),
    )
    return union_all(
        select(*plainly.c).select_from(places).join(plainly, true()),
        select(*specially.c)
        .select_from(places)
        .join(above, true())
        .join(sender, sender.code == above.c.code)
        .join(specially, true()),
    ).subquery("found")


def _places() -> CTE:
    """Return the places of the unit; the earlier ones have lower ranks."""
    here = aliased(Unit)
    former = select(
        func.row_number().over(order_by=FormerPlace.valid_from).label("rank"),
        FormerPlace.valid_to.label("until"),
        FormerPlace.parent_id.label("parent_id"),
        FormerPlace.path.label("path"),
        *(then(FormerPlace, here, name) for name in ATTRIBUTES),
    )
    former = former.join(here, here.id == FormerPlace.unit_id).where(FormerPlace.unit_id == UNIT)
    never = cast(null(), _INSTANT)
    last = cast(literal_column("2147483647"), BigInteger)
    present = select(last, never, here.parent_id, here.path, here.level, here.kind, here.stages)
    return union_all(former, present.where(here.id == UNIT)).cte("places")


def _above(places: CTE) -> Subquery:
    """Return the codes of the units above all places."""
    line = places.alias()
    codes = func.string_to_array(func.ltree2text(func.subpath(line.c.path, 0, -1), type_=Text), ".")
    return select(func.unnest(codes).label("code")).distinct().subquery("above")


def _has_it_before(dispatch: type[Forwarding], places: CTE) -> ColumnElement[bool]:
    """Return whether another dispatch of the notice has reached the unit at an earlier place, or before."""
    first, earlier = places.alias(), places.alias()
    plain, special, sender = aliased(Forwarding), aliased(Forwarding), aliased(Unit)
    above = _above(places)

    def before(other: type[Forwarding], place: Any) -> ColumnElement[bool]:
        of_other = tuple_(place.c.rank, other.forwarded_at, other.id)
        return and_(
            place.c.rank <= places.c.rank,
            or_(place.c.until.is_(None), other.forwarded_at < place.c.until),
            of_other < tuple_(places.c.rank, dispatch.forwarded_at, dispatch.id),
        )

    plainly = (
        select(plain.id)
        .select_from(first)
        .join(plain, plain.unit_id == first.c.parent_id)
        .where(
            # At one place there is one dispatch to all units directly below.
            or_(~dispatch.plain, first.c.rank < places.c.rank),
            plain.notice_id == dispatch.notice_id,
            plain.plain,
            before(plain, first),
        )
    )
    specially = (
        select(special.id)
        .select_from(special)
        .join(sender, sender.id == special.unit_id)
        .join(earlier, reached_by(special, sender, UNIT, earlier.c))
        .where(
            special.notice_id == dispatch.notice_id,
            ~special.plain,
            sender.code.in_(select(above.c.code)),
            before(special, earlier),
        )
    )
    return or_(
        *(
            one.correlate(places, dispatch).limit(literal_column("1")).scalar_subquery().is_not(None)
            for one in (plainly, specially)
        )
    )


def _is_behind(sort: InboxSort, dispatch: type[Forwarding]) -> ColumnElement[bool]:
    last = tuple_(bindparam("after_time", type_=_INSTANT), bindparam("after_notice", type_=Uuid))
    if sort is InboxSort.DEADLINE:
        return tuple_(dispatch.deadline, dispatch.notice_id) > last
    return tuple_(dispatch.forwarded_at, dispatch.notice_id) < last


def _stands(notice_id: Any) -> ColumnElement[bool]:
    """Return whether `Return` keeps the unit from signing the notice."""
    return and_(
        Return.notice_id == notice_id,
        Return.unit_id == UNIT,
        Return.status.in_([inline(status) for status in STANDING]),
    )


def _has(column: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether there is such a row, looked up for one row after another.

    EXISTS and a join would let PostgreSQL read all rows first.
    """
    found = select(column).where(*conditions).correlate_except(column.class_)
    return found.limit(literal_column("1")).scalar_subquery().is_not(None)


def _is_wanted(dispatch: type[Forwarding], *, filtered: bool) -> ColumnElement[bool]:
    statuses = Notice.status == func.any(bindparam("statuses", type_=ARRAY(Text)))
    filters = _filters(dispatch) if filtered else ()
    return _has(Notice.id, Notice.id == dispatch.notice_id, statuses, *filters)


def _filters(dispatch: type[Forwarding]) -> Sequence[ColumnElement[bool]]:
    """Return conditions on `Notice`, which hold if a filter is null: it is not set.

    An announcement and what was returned are never unsigned.
    """
    notice_id = dispatch.notice_id
    signed = _has(Signature.unit_id, Signature.notice_id == notice_id, Signature.unit_id == UNIT)
    read = _has(Read.sub, Read.notice_id == notice_id, Read.sub == _READER)
    returned = _has(Return.unit_id, _stands(notice_id))
    answered = _has(
        Answer.unit_id,
        *(Answer.notice_id == notice_id, Answer.unit_id == UNIT, Answer.submitted_at.is_not(None)),
    )
    asked = _has(Form.notice_id, Form.notice_id == notice_id, Form.locked_at.is_(None))
    published = Notice.status == inline(NoticeStatus.PUBLISHED)
    announced = Notice.kind == inline(NoticeKind.ANNOUNCEMENT)
    unsigned = and_(published, ~announced, ~signed, ~returned)
    unanswered = and_(published, asked, ~answered, ~returned)
    late = and_(dispatch.deadline <= bindparam("overdue_before", type_=_INSTANT), unsigned)
    words = bindparam("words", type_=Text)
    named = _has(Unit.id, Unit.id == Notice.publisher_id, Unit.name.ilike(words, escape=_ESCAPE))
    titled = [one.ilike(words, escape=_ESCAPE) for one in (Notice.title, Notice.document_number)]

    def if_asked(name: str, yes: ColumnElement[bool], no: ColumnElement[bool]) -> ColumnElement[bool]:
        asked_for = bindparam(name, type_=Boolean)
        return or_(asked_for.is_(None), and_(asked_for, yes), and_(~asked_for, no))

    def if_any(name: str, column: Any) -> ColumnElement[bool]:
        value = bindparam(name, type_=Text)
        return or_(value.is_(None), cast(column, Text) == value)

    return (
        if_any("kind", Notice.kind),
        if_any("urgency", Notice.urgency),
        if_asked("signed", signed, unsigned),
        if_asked("read", read, ~read),
        if_asked("overdue", late, ~late),
        if_asked("answered", answered, unanswered),
        or_(words.is_(None), *titled, named),
    )
