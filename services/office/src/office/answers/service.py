"""Answering a notice by its form: filling in, submitting, changing, being asked to change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from contracts.office import AnswerSubmittedV1
from contracts.vocabulary import NoticeStatus, TaskKind
from office.actors import Actor
from office.answers.errors import AnswerInvalid, CollectionEnded, NotAnswered, NothingToSubmit
from office.answers.models import Answer, AnswerRevision
from office.answers.repository import AnswerRepository
from office.answers.rules import FILE_SUBJECT, is_below
from office.base import outbox
from office.counters.rules import is_counted
from office.counters.service import Counters
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.models import Forwarding
from office.dispatches.rules import is_late
from office.files.errors import FileNotAttachable
from office.files.guards import Shown
from office.files.models import File
from office.files.service import Attachments
from office.forms import rules
from office.forms.models import Form
from office.forms.service import Forms
from office.notices.errors import ClassifiedDocumentRefused
from office.notices.rules import UNCLASSIFIED, is_classified
from office.notices.service import Notices
from office.permissions import OFFICE
from office.returns.errors import OwnNotice
from office.returns.service import Returns
from office.tasks.service import Tasks
from servicekit.clock import Clock
from servicekit.etags import SeenVersions, VersionChanged
from servicekit.problems import NotFound


@dataclass(frozen=True)
class OwnAnswer:
    """The answer of the actor's unit, None if nobody has begun it, the names of the people and the files in
    it.
    """

    form: Form
    answer: Answer | None
    delivery: Forwarding
    names: dict[UUID, str]
    files: list[File]


@dataclass(frozen=True)
class _Place:
    """A unit that answers: the form, its delivery, where that reached it, and whether counters have it."""

    unit: Unit
    form: Form
    delivery: Forwarding
    path: str
    counted: bool


class Answers:
    """Answers of units within one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        notices: Notices,
        forms: Forms,
        returns: Returns,
        tasks: Tasks,
        counters: Counters,
        files: Attachments,
    ) -> None:
        self._session = session
        self._clock = clock
        self._units = units
        self._notices = notices
        self._forms = forms
        self._returns = returns
        self._tasks = tasks
        self._counters = counters
        self._files = files
        self._answers = AnswerRepository(session)

    async def own(self, actor: Actor, notice_id: UUID) -> OwnAnswer:
        """Return the own unit's answer and the form. Raises `NotFound`, `NoForm`, `OwnNotice`."""
        unit = await self._units.own(actor)
        visible = await self._notices.visible(actor, unit, notice_id)
        if visible.delivery is None:
            raise OwnNotice
        form = await self._forms.of(notice_id)
        return await self._shown(form, await self._answers.get(notice_id, unit.id), visible.delivery)

    async def save(
        self, actor: Actor, notice_id: UUID, values: Mapping[str, Any], seen: SeenVersions
    ) -> OwnAnswer:
        """Keep what was filled in so far; what was submitted stays as it is.

        Raises `NoForm`, `OwnNotice`, `NoticeReturned`, `CollectionEnded`, `AnswerClosed`, `VersionChanged`,
        `AnswerInvalid`, `ClassifiedDocumentRefused`, and as `Notices.circulating` does.
        """
        place = await self._answering(actor, notice_id)
        answer = await self._opened(place, seen)
        answer.save(_checked(place.form, values, complete=False), by=actor.sub, now=self._clock.now())
        await self._answers.save(answer)
        await self._attach(actor, place, answer)
        return await self._shown(place.form, answer, place.delivery)

    async def submit(
        self, actor: Actor, notice_id: UUID, values: Mapping[str, Any] | None, seen: SeenVersions
    ) -> OwnAnswer:
        """Answer with `values`, or with the draft if None. Raises as `save` does, and `NothingToSubmit`."""
        place = await self._answering(actor, notice_id)
        answer = await self._opened(place, seen)
        if values is None:
            if answer.draft is None:
                raise NothingToSubmit
            values = answer.draft
        now = self._clock.now()
        late = is_late(now, place.delivery.deadline)
        first = answer.number == 0
        answer.submit(
            _checked(place.form, values, complete=True),
            by=actor.sub,
            now=now,
            late=late,
            counted=place.counted,
        )
        assert answer.values is not None
        revision = AnswerRevision(
            notice_id=notice_id,
            unit_id=place.unit.id,
            number=answer.number,
            values=answer.values,
            submitted_by=actor.sub,
            submitted_at=now,
        )
        await self._answers.save(answer, revision)
        await self._attach(actor, place, answer)
        if first and answer.counted:
            await self._counters.answered(notice_id, place.unit)
        await self._tasks.done(TaskKind.ANSWER, f"notice/{notice_id}", unit=place.unit.id, by=actor.sub)
        event = AnswerSubmittedV1(
            notice_id=notice_id,
            unit_id=place.unit.id,
            unit_path=place.unit.path,
            number=answer.number,
            late=answer.late,
            submitted_by=actor.sub,
            submitted_at=now,
        )
        outbox.add(self._session, event, subject=notice_id)
        return await self._shown(place.form, answer, place.delivery)

    async def revisions(
        self, actor: Actor, notice_id: UUID, unit_id: UUID | None
    ) -> tuple[Sequence[AnswerRevision], dict[UUID, str]]:
        """Return what the own unit, or one below it, has submitted, the latest first, and who did.

        Raises `NotFound`, `OutOfReach`.
        """
        unit = await self._units.own(actor)
        await self._notices.visible(actor, unit, notice_id)
        of = unit if unit_id is None else await self._units.reachable(actor, unit_id)
        found = await self._answers.revisions(notice_id, of.id)
        return found, await self._units.names({one.submitted_by for one in found})

    async def reopen(self, actor: Actor, notice_id: UUID, unit_id: UUID, note: str) -> Answer:
        """Have a unit below change its answer, also after the deadline.

        Raises `NotFound`, `OutOfReach`, `NotAnswered`, `CollectionEnded`, and as `Notices.circulating` does.
        """
        own = await self._units.own(actor)
        await self._notices.circulating(actor, own, notice_id)
        form = await self._forms.of(notice_id)
        if form.locked_at is not None:
            raise CollectionEnded
        unit = await self._units.reachable(actor, unit_id)
        if unit.id == own.id:
            raise OutOfReach
        answer = await self._answers.get(notice_id, unit.id, lock=True)
        if answer is None:
            raise NotAnswered
        answer.reopen(note, by=actor.sub, now=self._clock.now())
        await self._answers.save(answer)
        return answer

    async def files(self, actor: Actor, unit: Unit, subject_id: UUID) -> Shown:
        """Return which files of an answer the actor may see: the unit that answers all of them; units above
        those that were submitted, as far as they see the answer among the collected ones.

        Raises `NotFound`.
        """
        answer = await self._answers.of_subject(subject_id)
        if answer is None:
            raise NotFound
        notice, delivery, _ = await self._notices.visible(actor, unit, answer.notice_id)
        fields = (await self._forms.of(answer.notice_id)).parsed
        submitted = await self._answers.submitted_files(
            answer.notice_id, answer.unit_id, rules.file_keys(fields)
        )
        values = answer.values
        if answer.unit_id == unit.id:
            return Shown(
                rules.files(fields, values if answer.draft is None else answer.draft),
                submitted.union(rules.files(fields, values)),
            )
        places = [unit.path, *(place.path for place in await self._units.former_places(unit))]
        withdrawn = notice.status is NoticeStatus.WITHDRAWN and delivery is not None
        if withdrawn or not actor.may(*OFFICE) or not is_below(answer.path, places):
            raise NotFound
        return Shown(rules.files(fields, values), submitted)

    async def _attach(self, actor: Actor, place: _Place, answer: Answer) -> None:
        """Attach the files of the answer to it; those that were submitted stay with what was submitted.

        Raises `AnswerInvalid`, `TooManyAttachments`.
        """
        fields, notice_id, unit_id = place.form.parsed, answer.notice_id, answer.unit_id
        if not (keys := rules.file_keys(fields)):
            return
        values = (answer.values if answer.draft is None else answer.draft) or {}
        subject = await self._answers.subject(notice_id, unit_id)
        submitted = await self._answers.submitted_files(notice_id, unit_id, keys)
        places = {file: ("values", *at) for file, at in rules.file_places(fields, values).items()}
        try:
            await self._files.set(actor, FILE_SUBJECT, subject, places, kept=submitted)
        except FileNotAttachable as error:
            raise AnswerInvalid(errors=error.errors) from error

    async def _answering(self, actor: Actor, notice_id: UUID) -> _Place:
        unit = await self._units.own(actor)
        notice, delivery, path = await self._notices.circulating(actor, unit, notice_id)
        if delivery is None:
            raise OwnNotice
        form = await self._forms.of(notice_id)
        if form.locked_at is not None:
            raise CollectionEnded
        await self._returns.check(notice_id, unit)
        return _Place(unit, form, delivery, path, is_counted(unit.placed_at, notice.published_at))

    async def _opened(self, place: _Place, seen: SeenVersions) -> Answer:
        answer = await self._answers.begun(place.form.notice_id, place.unit.id, place.path)
        if not seen.has(answer.version):
            by, at = _last_change(answer)
            names = await self._units.names([] if by is None else [by])
            raise VersionChanged.by(answer.version, sub=by, name=names.get(by) if by else None, at=at)
        answer.check_open(closed=is_late(self._clock.now(), place.delivery.deadline))
        return answer

    async def _shown(self, form: Form, answer: Answer | None, delivery: Forwarding) -> OwnAnswer:
        people: set[UUID] = set()
        if answer is not None:
            people = {sub for sub in (answer.saved_by, answer.submitted_by, answer.reopened_by) if sub}
        values = () if answer is None else (answer.draft, answer.values)
        ids = dict.fromkeys(file for one in values for file in rules.files(form.parsed, one))
        found = await self._files.by_ids(ids)
        files = [found[file] for file in ids if file in found]
        return OwnAnswer(form, answer, delivery, await self._units.names(people), files)


def _last_change(answer: Answer) -> tuple[UUID | None, datetime | None]:
    """Return who has changed the answer last, and when."""
    changes = (
        (answer.saved_at, answer.saved_by),
        (answer.submitted_at, answer.submitted_by),
        (answer.reopened_at, answer.reopened_by),
    )
    at, by = max(((at, by) for at, by in changes if at is not None), default=(None, None), key=itemgetter(0))
    return by, at


def _checked(form: Form, values: Mapping[str, Any], *, complete: bool) -> rules.Values:
    checked = rules.check(form.parsed, values, complete=complete)
    if checked.problems:
        raise AnswerInvalid.of(checked.problems)
    if is_classified(UNCLASSIFIED, rules.texts(checked.values)):
        raise ClassifiedDocumentRefused
    return checked.values
