"""The form of a notice: writing it with the draft, reading it, ending the collection of answers."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import NoticeKind
from office.actors import Actor
from office.directory.service import Units
from office.dispatches.service import Dispatches
from office.forms.errors import FormNotForAnnouncements, NoForm
from office.forms.fields import FormFields
from office.forms.models import Form
from office.forms.repository import FormRepository
from office.forms.rules import words
from office.notices import rules
from office.notices.errors import ClassifiedDocumentRefused
from office.notices.service import Notices
from servicekit.clock import Clock
from servicekit.etags import SeenVersions


class Forms:
    """Forms of notices within one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        notices: Notices,
        dispatches: Dispatches,
    ) -> None:
        self._clock = clock
        self._units = units
        self._notices = notices
        self._dispatches = dispatches
        self._forms = FormRepository(session)

    async def put(self, actor: Actor, notice_id: UUID, fields: FormFields, seen: SeenVersions | None) -> Form:
        """Replace the form of a draft. Raises `NotFound`, `PermissionRequired`, `NotDraft`, `VersionChanged`
        if `seen` is outdated, `FormNotForAnnouncements`, `ClassifiedDocumentRefused`.
        """
        notice = await self._notices.own(actor, notice_id)
        notice.check_draft()
        if notice.kind is NoticeKind.ANNOUNCEMENT:
            raise FormNotForAnnouncements
        if rules.is_classified(rules.UNCLASSIFIED, words(fields.fields)):
            raise ClassifiedDocumentRefused
        form = await self._forms.get(notice_id)
        if form is None:
            form = Form(notice_id=notice_id, version=0)
        if seen is not None:
            seen.require(form.version)
        form.write(fields, by=actor.sub, now=self._clock.now())
        await self._forms.save(form)
        return form

    async def delete(self, actor: Actor, notice_id: UUID, seen: SeenVersions | None) -> None:
        """Have a draft ask for no answer. Raises `NotFound`, `PermissionRequired`, `NotDraft`,
        `VersionChanged` if `seen` is outdated.
        """
        notice = await self._notices.own(actor, notice_id)
        notice.check_draft()
        form = await self._forms.get(notice_id)
        if form is not None:
            if seen is not None:
                seen.require(form.version)
            await self._forms.delete(form)

    async def get(self, actor: Actor, notice_id: UUID) -> Form:
        """Return the form of a notice that the actor's unit has. Raises `NotFound`, `NoForm`."""
        unit = await self._units.own(actor)
        await self._notices.visible(actor, unit, notice_id)
        return await self.of(notice_id)

    async def of(self, notice_id: UUID) -> Form:
        """Return the form of a notice, whoever may see it. Raises `NoForm`."""
        form = await self._forms.get(notice_id)
        if form is None:
            raise NoForm
        return form

    async def exists(self, notice_id: UUID) -> bool:
        """Return whether the notice asks for answers."""
        return await self._forms.get(notice_id) is not None

    async def set_locked(self, actor: Actor, notice_id: UUID, *, locked: bool) -> Form:
        """End or resume the collection of answers to an own notice, after those that are being submitted.

        Raises `NotFound`, `PermissionRequired`, `NoForm`, and as `Notice.check_published` does.
        """
        await self._dispatches.stop(notice_id)
        notice = await self._notices.own(actor, notice_id)
        notice.check_published()
        form = await self._forms.get(notice_id, lock=True)
        if form is None:
            raise NoForm
        if locked:
            form.lock(by=actor.sub, now=self._clock.now())
        else:
            form.unlock()
        await self._forms.save(form)
        return form
