"""Two people appoint and dismiss each administrator of the platform; one of them suspends anybody."""

from services.identity.tests.properties.model import Proposal, Sub
from services.identity.tests.properties.world import WHY, Action, Outcome, World

ACCOUNTS = "platform.accounts"
KINDS = ("system_admin", "security_admin", "audit_admin")


def _an_administrator(world: World) -> Sub:
    """Mostly one of the platform's."""
    holders = [sub for sub in world.model.platform if world.model.active(sub)]
    return world.dice.choice(holders) if holders and world.dice.random() < 0.8 else world.somebody()


def _others(world: World, kind: str, besides: Sub) -> list[Sub]:
    """The active administrators of a kind besides one person."""
    return [
        sub
        for sub, role in world.model.platform.items()
        if role == kind and sub != besides and world.model.active(sub)
    ]


def _fits(world: World, sub: Sub, role: str | None) -> bool:
    """Whether a person can be appointed, or dismissed if `role` is None."""
    if role is None:
        return sub in world.model.platform
    return sub not in world.model.platform and world.model.active(sub) and world.model.is_free(sub)


async def propose(world: World) -> Outcome:
    by, model = _an_administrator(world), world.model
    dismiss = world.dice.random() < 0.4
    holders = list(model.platform)
    if dismiss and world.dice.random() < 0.8:
        sub = world.dice.choice(holders)
    else:
        sub = world.prefer(world.people, model.is_free)
    role = None if dismiss else world.dice.choice(KINDS)
    allowed = (
        model.may(by, ACCOUNTS)
        and by != sub
        and _fits(world, sub, role)
        and all(one.sub != sub for one in model.proposals.values())
    )
    answer = await world.call(by, "POST", "/platform/proposals", {**WHY, "sub": sub, "role": role})
    if answer.is_success:
        model.proposals[answer.json()["id"]] = Proposal(sub, role, by, model.platform[by])
    return Outcome(allowed, answer.is_success)


async def decide_proposal(world: World) -> Outcome:
    by, model = _an_administrator(world), world.model
    if not model.proposals:
        return Outcome(True, True)
    key = world.dice.choice(sorted(model.proposals))
    one = model.proposals[key]
    refuse = world.dice.random() < 0.2
    allowed = by in model.platform and by != one.sub
    if allowed and not refuse:
        held = model.platform.get(one.sub)
        allowed = (
            by != one.by
            and model.platform[by] != one.by_role
            and _fits(world, one.sub, one.role)
            and (one.role is not None or (held is not None and bool(_others(world, held, one.sub))))
        )
    answer = await world.call(by, "POST", f"/platform/proposals/{key}/{'refuse' if refuse else 'confirm'}")
    if answer.is_success:
        del model.proposals[key]
        if not refuse and one.role is not None:
            model.platform[one.sub] = one.role
        elif not refuse:
            del model.platform[one.sub]
    return Outcome(allowed, answer.is_success)


async def suspend_anybody(world: World) -> Outcome:
    by, sub, model = _an_administrator(world), world.dice.choice(list(world.people)), world.model
    held = model.platform.get(sub)
    allowed = (
        model.may(by, ACCOUNTS)
        and by != sub
        and model.active(sub)
        and model.may_be_suspended(sub)
        and (held is None or bool(_others(world, held, sub)))
    )
    answer = await world.call(by, "POST", f"/platform/accounts/{sub}/suspend", WHY)
    if answer.is_success:
        world.signed_out(sub)
        model.suspended[sub] = ()
    return Outcome(allowed, answer.is_success)


async def restore_anybody(world: World) -> Outcome:
    by, model = _an_administrator(world), world.model
    if not model.suspended:
        return Outcome(True, True)
    sub = world.dice.choice(sorted(model.suspended))
    answer = await world.call(by, "POST", f"/platform/accounts/{sub}/restore", WHY)
    if answer.is_success:
        del model.suspended[sub]
    return Outcome(model.may(by, ACCOUNTS), answer.is_success)


ACTIONS: list[Action] = [propose, propose, decide_proposal, decide_proposal, suspend_anybody, restore_anybody]
