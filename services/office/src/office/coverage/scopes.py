"""What of a notice is counted in a subtree."""

from collections.abc import Sequence
from uuid import UUID

from contracts.vocabulary import NoticeStatus, Reach
from office.actors import Actor
from office.addressing.rules import ALL_CHILDREN
from office.coverage.repository import CoverageRepository
from office.coverage.scope import Scope
from office.directory.models import Unit
from office.directory.service import Units
from office.notices.models import Notice
from office.notices.service import Notices
from servicekit.problems import NotFound


async def seen(units: Units, notices: Notices, actor: Actor, notice_id: UUID) -> tuple[Unit, Notice]:
    """Return the actor's unit, and a notice of which it may see the coverage.

    Raises `NotFound` if the unit does not have the notice. Only the publisher sees coverage of a withdrawn
    notice; a draft has none.
    """
    unit = await units.own(actor)
    notice, delivery, _ = await notices.visible(actor, unit, notice_id)
    if notice.published_at is None or (notice.status is NoticeStatus.WITHDRAWN and delivery is not None):
        raise NotFound
    return unit, notice


async def scope_of(
    coverage: CoverageRepository,
    units: Units,
    notice: Notice,
    unit: Unit,
    members: Sequence[UUID] | None = None,
) -> Scope:
    """Return the scope of a published notice in the subtree of `unit`; of `members` only, unless None."""
    assert notice.published_at is not None
    former = await units.former_places(unit)
    whole = notice.recipients.reach is Reach.SUBTREE and not notice.recipients.filtered
    all_children = notice.recipients == ALL_CHILDREN
    paths = sorted({unit.path, *(place.path for place in former)})
    facts = await coverage.facts(notice, unit, paths)
    return Scope(
        unit=unit,
        paths=paths,
        publisher_path=await units.path_at(notice.publisher_id, notice.published_at),
        special=whole or not all_children or facts.special,
        whole=whole,
        all_owed=whole or all_children,
        archived=facts.archived,
        members=None if members is None else tuple(members),
        changed=facts.changed,
    )
