"""Templates of notices within one request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from office.actors import Actor
from office.directory.models import Unit
from office.directory.service import Units
from office.templates import rules
from office.templates.errors import ClassifiedTemplateRefused, TemplateTooDeep
from office.templates.models import NoticeTemplate, TemplateContent, TemplateVersion
from office.templates.repository import TemplateFilter, TemplateRepository
from office.writing import richtext
from office.writing.checked import checked
from servicekit.clock import Clock
from servicekit.etags import SeenVersions
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest
from servicekit.problems import NotFound

_JSON = TypeAdapter(TemplateContent)


@dataclass(frozen=True)
class TemplateView:
    """A template, the unit that has it (None: not replicated), and the variables to be filled in."""

    template: NoticeTemplate
    unit: Unit | None
    variables: list[str]


@dataclass(frozen=True)
class Filled:
    """The texts of a template with values for its variables; `missing` names those without one."""

    template: NoticeTemplate
    title: str
    body: str
    salutation: str | None
    remark: str | None
    missing: list[str]


class Templates:
    """Manage and use templates within one request."""

    def __init__(self, session: AsyncSession, clock: Clock, units: Units) -> None:
        self._clock = clock
        self._units = units
        self._templates = TemplateRepository(session)

    async def create(self, actor: Actor, content: TemplateContent) -> TemplateView:
        """Create a template of the actor's unit.

        Raises `ClassifiedTemplateRefused`, `TemplateTooDeep`, `TemplateNameTaken`.
        """
        unit = await self._units.own(actor)
        template = NoticeTemplate(id=new_id(), unit_id=unit.id)
        await self._write(template, content, actor.sub)
        return _view(template, unit)

    async def change(
        self, actor: Actor, template_id: UUID, content: TemplateContent, seen: SeenVersions
    ) -> TemplateView:
        """Replace a template of the own unit; the earlier content stays a version.

        Raises `NotFound`, `VersionChanged`, and as `create` does.
        """
        unit, template = await self._own(actor, template_id)
        seen.require(template.version)
        await self._write(template, content, actor.sub)
        return _view(template, unit)

    async def retire(self, actor: Actor, template_id: UUID) -> None:
        """Take a template of the own unit out of use. Raises `NotFound`."""
        _, template = await self._own(actor, template_id)
        template.retire(by=actor.sub, now=self._clock.now())
        await self._templates.save(template)

    async def get(self, actor: Actor, template_id: UUID) -> TemplateView:
        """Return a template of the own unit or one that a unit above offers. Raises `NotFound`."""
        unit = await self._units.own(actor)
        found = await self._templates.find(template_id, unit)
        if found is None:
            raise NotFound
        return _view(*found)

    async def list(self, actor: Actor, paging: PageRequest, wanted: TemplateFilter) -> Listed[TemplateView]:
        """Return a page of the templates that the unit may use, the newest first. Raises `BadCursor`."""
        unit = await self._units.own(actor)
        return (await self._templates.list(unit, wanted, paging)).each(lambda row: _view(*row))

    async def versions(
        self, actor: Actor, template_id: UUID
    ) -> tuple[Sequence[tuple[TemplateVersion, TemplateContent]], dict[UUID, str]]:
        """Return all versions of a template, the latest first, and who wrote them. Raises `NotFound`."""
        view = await self.get(actor, template_id)
        versions = await self._templates.versions(view.template.id)
        names = await self._units.names({one.by for one in versions})
        return [(one, _JSON.validate_python(one.content)) for one in versions], names

    async def fill(self, actor: Actor, template_id: UUID, values: Mapping[str, str]) -> Filled:
        """Return the texts of a template with `values`, and with those that are known by themselves.

        Raises `NotFound`.
        """
        unit = await self._units.own(actor)
        template = (await self.get(actor, template_id)).template
        known = rules.built_in(unit.name, unit.short_name, self._clock.now())
        all_values = {**known, **{name: value for name, value in values.items() if value}}
        return Filled(
            template=template,
            title=rules.filled(template.title, all_values),
            body=richtext.clean(rules.filled_html(template.body, all_values)),
            salutation=None if template.salutation is None else rules.filled(template.salutation, all_values),
            remark=None if template.remark is None else rules.filled(template.remark, all_values),
            missing=[name for name in _variables(template) if name not in all_values],
        )

    async def _own(self, actor: Actor, template_id: UUID) -> tuple[Unit, NoticeTemplate]:
        unit = await self._units.own(actor)
        template = await self._templates.lock_own(template_id, unit)
        if template is None:
            raise NotFound
        return unit, template

    async def _write(self, template: NoticeTemplate, content: TemplateContent, by: UUID) -> None:
        content = checked(content, TemplateTooDeep, ClassifiedTemplateRefused)
        now = self._clock.now()
        template.write(content, by=by, now=now)
        await self._templates.save(template)
        await self._templates.add_version(
            TemplateVersion(
                template_id=template.id,
                version=template.version,
                content=_JSON.dump_python(content, mode="json"),
                by=by,
                at=now,
            )
        )


def _variables(template: NoticeTemplate) -> list[str]:
    texts: Sequence[str | None] = (template.title, template.salutation, template.body, template.remark)
    names = rules.variables_in(text for text in texts if text)
    return [name for name in names if name not in rules.BUILT_IN]


def _view(template: NoticeTemplate, unit: Unit | None) -> TemplateView:
    return TemplateView(template, unit, _variables(template))
