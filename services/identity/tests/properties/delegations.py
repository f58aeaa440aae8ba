"""People let others act with some of their roles for a time."""

from datetime import datetime, timedelta

from services.identity.tests.properties.model import Delegation
from services.identity.tests.properties.world import Action, Outcome, World

LONGEST = timedelta(days=180)
MANAGE = "members.manage"


def _period(world: World) -> tuple[datetime, datetime]:
    starts = world.model.now + timedelta(days=world.dice.choice((0, 0, 0, 1, 5, -1)))
    return starts, starts + timedelta(days=world.dice.choice((1, 3, 30, 181)))


async def delegate(world: World) -> Outcome:
    """To a colleague, or in vain to somebody else."""
    model = world.model
    giver = world.a_member()
    if not model.active(giver.sub):
        return Outcome(True, True)
    colleagues = [one.sub for one in model.members if one.unit == giver.unit]
    taker = model.member(
        world.dice.choice(colleagues if world.dice.random() < 0.8 else list(world.people)), giver.unit
    )
    to = world.somebody() if taker is None else taker.sub
    roles = (
        set(world.dice.sample(sorted(giver.roles), 1)) if world.dice.random() < 0.8 else world.some_roles()
    )
    starts, ends = _period(world)
    taker = model.member(to, giver.unit)
    allowed = (
        taker is not None
        and taker is not giver
        and roles <= giver.roles
        and starts >= model.now
        and ends - starts <= LONGEST
    )
    body = {
        "unit_id": giver.unit,
        "to": to,
        "roles": sorted(roles),
        "starts_at": starts.isoformat(),
        "ends_at": ends.isoformat(),
        "reason": "出差期间代办",
    }
    answer = await world.call(giver.sub, "POST", "/me/delegations", body)
    if answer.is_success and taker is not None:
        model.delegations[answer.json()["id"]] = Delegation(giver, taker, roles, starts, ends)
    return Outcome(allowed, answer.is_success)


async def revoke_delegation(world: World) -> Outcome:
    """By the giver, or by whoever manages the people of the unit; one that has ended stays ended."""
    model = world.model
    if not model.delegations:
        return Outcome(True, True)
    key = world.dice.choice(sorted(model.delegations))
    one = model.delegations[key]
    own = world.dice.random() < 0.4 and model.active(one.giver.sub)
    by = one.giver.sub if own else world.an_administrator()
    allowed = model.acting(by) is not None and (
        by == one.giver.sub or model.manages(by, MANAGE, one.giver.unit)
    )
    answer = await world.call(by, "POST", f"/delegations/{key}/revoke")
    if answer.is_success:
        one.revoked = True
    return Outcome(allowed, answer.is_success)


ACTIONS: list[Action] = [delegate, delegate, revoke_delegation]
