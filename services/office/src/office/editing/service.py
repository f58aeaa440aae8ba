"""Editing a draft, and being told of others who do."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.actors import Actor
from office.editing.repository import Editor, EditorRepository
from office.notices.content import NoticeContent
from office.notices.models import Notice
from office.notices.service import Notices, OwnNotice
from office.tasks.feed import TaskChange
from servicekit.clock import Clock
from servicekit.db import announce
from servicekit.etags import SeenVersions


class Editing:
    """Edit drafts within one request."""

    def __init__(self, session: AsyncSession, clock: Clock, notices: Notices) -> None:
        self._session = session
        self._clock = clock
        self._notices = notices
        self._editors = EditorRepository(session)

    async def save(
        self, actor: Actor, notice_id: UUID, content: NoticeContent, secrecy: str, seen: SeenVersions
    ) -> OwnNotice:
        """Replace a draft, as one who edits it. Raises as `Notices.edit` does."""
        return await self._saved(actor, await self._notices.edit(actor, notice_id, content, secrecy, seen))

    async def restore(self, actor: Actor, notice_id: UUID, version: int, seen: SeenVersions) -> OwnNotice:
        """Replace a draft by one of its revisions. Raises as `Notices.restore` does."""
        return await self._saved(actor, await self._notices.restore(actor, notice_id, version, seen))

    async def join(self, actor: Actor, notice_id: UUID) -> tuple[Notice, Sequence[Editor]]:
        """Note that the actor has a draft open; return it with all who have.

        Raises `NotFound`, `NotDraft`.
        """
        notice = await self._notices.seen_draft(actor, notice_id)
        now = self._clock.now()
        joined = await self._editors.renew(notice_id, actor.sub, now)
        editors = await self._editors.editors(notice_id, now)
        if joined:
            self._tell(actor, notice, editors)
        return notice, editors

    async def leave(self, actor: Actor, notice_id: UUID) -> None:
        """Note that the actor has closed a draft. Raises `NotFound`, `NotDraft`."""
        notice = await self._notices.seen_draft(actor, notice_id)
        if await self._editors.end(notice_id, actor.sub):
            self._tell(actor, notice, await self._editors.editors(notice_id, self._clock.now()))

    async def _saved(self, actor: Actor, own: OwnNotice) -> OwnNotice:
        now = self._clock.now()
        await self._editors.renew(own.notice.id, actor.sub, now)
        self._tell(actor, own.notice, await self._editors.editors(own.notice.id, now))
        return own

    def _tell(self, actor: Actor, notice: Notice, editors: Sequence[Editor]) -> None:
        """Tell the connected browsers of the others who edits the draft, and which version it has now."""
        others = [one for one in editors if one.sub != actor.sub]
        if not others:
            return
        told = {
            "notice_id": str(notice.id),
            "version": notice.version,
            "updated_by": str(notice.updated_by),
            "updated_at": notice.updated_at.isoformat(),
            "editors": [
                {
                    "sub": str(one.sub),
                    "name": one.name,
                    "since": one.since.isoformat(),
                    "until": one.until.isoformat(),
                }
                for one in editors
            ],
        }
        self._editors.tell([TaskChange(sub=one.sub, needs=[], data={"editing": told}) for one in others])
        announce(self._session)
