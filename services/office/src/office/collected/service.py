"""The answers of a subtree: a table, totals, who has not answered, and an Excel workbook."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import ExportFormat
from contracts.vocabulary import NoticeStatus
from office.actors import Actor
from office.collected.errors import NoFilesCollected, TooManyFilesCollected
from office.collected.repository import CollectionRepository, Counts, Line, NumberTotal, Scope, Which
from office.directory.models import Unit
from office.directory.service import Units
from office.exports.service import Exports, ExportView
from office.files.models import File
from office.files.service import Attachments
from office.forms import rules
from office.forms.fields import ChoiceField, MultiChoiceField, NumberField, TableField
from office.forms.models import Form
from office.forms.service import Forms
from office.groups.rules import Part
from office.groups.service import Groups
from office.notices.models import Notice
from office.notices.service import Notices
from servicekit.ltree import path_of
from servicekit.paging import Cut, PageRequest, Total, cut
from servicekit.problems import NotFound

EXPORT_KIND: Final = "answers"
FILES_KIND: Final = "answer-files"
MAX_PACKED_FILES: Final = 10_000
MAX_PACKED_BYTES: Final = 2**30
"""Of one archive: it is kept in the database for a week. A larger subtree is fetched in parts."""
_MAX_NAME: Final = 80


@dataclass(frozen=True)
class Collected:
    """A page of the table."""

    form: Form
    page: Cut[Line]
    total: Total
    names: dict[UUID, str]
    files: dict[UUID, File]

    def files_of(self, line: Line) -> list[File]:
        """Return the submitted files of a line."""
        values = None if line.answer is None else line.answer.values
        return [self.files[one] for one in rules.files(self.form.parsed, values) if one in self.files]


@dataclass(frozen=True)
class FieldTotal:
    """What was answered to one field; `column` names a column of a table field."""

    key: str
    column: str | None
    label: str
    number: NumberTotal | None
    options: dict[str, int] | None


@dataclass(frozen=True)
class Summary:
    """The numbers of answers in a subtree, and what was answered to fields that can be summed up."""

    unit: Unit
    counts: Counts
    missing: Total
    fields: list[FieldTotal]


class Collection:
    """Read the answers of a subtree within one request."""

    def __init__(
        self,
        session: AsyncSession,
        units: Units,
        notices: Notices,
        forms: Forms,
        exports: Exports,
        files: Attachments,
        groups: Groups,
    ) -> None:
        self._units = units
        self._notices = notices
        self._forms = forms
        self._exports = exports
        self._files = files
        self._groups = groups
        self._collected = CollectionRepository(session)

    async def table(
        self,
        actor: Actor,
        notice_id: UUID,
        paging: PageRequest,
        part: Part,
        *,
        which: Which,
        words: str | None,
    ) -> Collected:
        """Return units of a part with their answers.

        Raises `NotFound`, `NoForm`, `OutOfReach`, `BadCursor`. Only the publisher sees the answers to a
        withdrawn notice.
        """
        scope, _, _, form = await self._scope(actor, notice_id, part)
        after = paging.key(path_of, UUID)
        if which is Which.MISSING:
            lines = await self._collected.missing(
                scope, words, after=None if after is None else after[0], limit=paging.limit + 1
            )
            count = await self._collected.count_missing(scope, words)
        else:
            lines = await self._collected.answers(
                scope,
                which,
                words,
                after=None if after is None else (after[0], after[1]),
                limit=paging.limit + 1,
            )
            count = await self._collected.count_answers(scope, which, words)
        page = cut(lines, paging.limit, lambda line: [line.path, _unit_of(line)])
        people = {line.answer.submitted_by for line in page.items if line.answer is not None}
        names = await self._units.names(sub for sub in people if sub is not None)
        values = [line.answer.values for line in page.items if line.answer is not None]
        fields = form.parsed
        files = await self._files.by_ids([file for one in values for file in rules.files(fields, one)])
        return Collected(form, page, Total.of(count), names, files)

    async def summary(self, actor: Actor, notice_id: UUID, part: Part) -> Summary:
        """Return the totals of a part. Raises as `table` does."""
        scope, unit, _, form = await self._scope(actor, notice_id, part)
        fields = form.parsed
        numbers = await self._collected.numbers(
            scope, [one.key for one in fields if isinstance(one, NumberField)]
        )
        choices = await self._collected.choices(
            scope, [one.key for one in fields if isinstance(one, ChoiceField | MultiChoiceField)]
        )
        totals: list[FieldTotal] = []
        for one in fields:
            if isinstance(one, NumberField):
                totals.append(FieldTotal(one.key, None, one.label, numbers[one.key], None))
            elif isinstance(one, ChoiceField | MultiChoiceField):
                options = {option: choices[one.key].get(option, 0) for option in one.options}
                totals.append(FieldTotal(one.key, None, one.label, None, options))
            elif isinstance(one, TableField):
                totals += await self._columns(scope, one)
        return Summary(
            unit=unit,
            counts=await self._collected.counts(scope),
            missing=Total.of(await self._collected.count_missing(scope, None)),
            fields=totals,
        )

    async def export(self, actor: Actor, notice_id: UUID, part: Part) -> ExportView:
        """Have an Excel workbook made of a part. Raises as `table` does, `TooManyExports`."""
        scope, unit, notice, _ = await self._scope(actor, notice_id, part)
        return await self._exports.start(
            actor,
            EXPORT_KIND,
            subject=f"notice/{notice.id}",
            name=f"答复汇总-{unit.short_name}-{notice.title}"[:_MAX_NAME],
            parameters=scope.parameters(),
        )

    async def export_files(self, actor: Actor, notice_id: UUID, part: Part) -> ExportView:
        """Have a ZIP archive made of the files in the answers of a part.

        Raises as `table` does, `TooManyExports`, `NoFilesCollected`, `TooManyFilesCollected`.
        """
        scope, unit, notice, form = await self._scope(actor, notice_id, part)
        keys = rules.file_keys(form.parsed)
        count, size = await self._collected.count_files(scope, keys, MAX_PACKED_FILES + 1)
        if count == 0:
            raise NoFilesCollected
        if count > MAX_PACKED_FILES or size > MAX_PACKED_BYTES:
            raise TooManyFilesCollected
        return await self._exports.start(
            actor,
            FILES_KIND,
            subject=f"notice/{notice.id}",
            name=f"答复附件-{unit.short_name}-{notice.title}"[:_MAX_NAME],
            format=ExportFormat.ZIP,
            parameters=scope.parameters() | {"total": count},
        )

    async def _columns(self, scope: Scope, table: TableField) -> list[FieldTotal]:
        columns = [column for column in table.columns if isinstance(column, NumberField)]
        if not columns:
            return []
        found = await self._collected.cells(scope, table.key, [column.key for column in columns])
        nothing = NumberTotal(0, Decimal(0), None, None)
        return [
            FieldTotal(
                table.key,
                column.key,
                f"{table.label}·{column.label}",
                found.get(column.key, nothing),
                None,
            )
            for column in columns
        ]

    async def _scope(self, actor: Actor, notice_id: UUID, part: Part) -> tuple[Scope, Unit, Notice, Form]:
        own = await self._units.own(actor)
        notice, delivery, _ = await self._notices.visible(actor, own, notice_id)
        if notice.published_at is None or (notice.status is NoticeStatus.WITHDRAWN and delivery is not None):
            raise NotFound
        form = await self._forms.of(notice_id)
        unit = own if part.under is None else await self._units.reachable(actor, part.under)
        if part.group is not None and not await self._groups.exists(
            part.group, unit_id=actor.unit_id, by=actor.sub
        ):
            raise NotFound
        former = await self._units.former_places(unit)
        paths = dict.fromkeys([*(place.path for place in former), unit.path])
        paths.pop(unit.path)
        scope = Scope(notice.id, notice.publisher_id, (*paths, unit.path), part.group)
        return scope, unit, notice, form


def _unit_of(line: Line) -> UUID:
    if line.answer is not None:
        return line.answer.unit_id
    assert line.unit is not None
    return line.unit.id
