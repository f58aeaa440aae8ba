"""The cockpit is requested, granted from above, reviewed, withdrawn; it ends after a year."""

from datetime import timedelta

from services.identity.tests.properties.model import Entitlement, Sub, UnitId, Wish
from services.identity.tests.properties.world import WHY, Action, Outcome, World

GRANT, REVIEW = "entitlements.grant", "platform.entitlements"
YEAR = timedelta(days=365)
UNDECIDED = timedelta(days=30)


def _eligible(world: World, unit: UnitId | None) -> bool:
    return unit is not None and world.model.units[unit].eligible


def _decides(world: World, by: Sub, unit: UnitId | None) -> bool:
    """From above; the ministry's own people by itself."""
    if unit is None or not world.model.manages(by, GRANT, unit):
        return False
    return world.model.is_above(by, unit) or world.model.units[unit].level == "ministry"


def _held(world: World, sub: Sub) -> str | None:
    """The only entitlement of a person."""
    return next((key for key, one in world.model.entitlements.items() if one.sub == sub), None)


async def _grant(world: World, sub: Sub, unit: UnitId) -> None:
    """What a grant changes: nothing for whoever has it for this unit; another unit's is replaced."""
    model, key = world.model, _held(world, sub)
    if key is not None:
        held = model.entitlements[key]
        if held.ends > model.now and held.unit == unit:
            return
        del model.entitlements[key]
    (row,) = await world.query(
        "SELECT id FROM entitlements WHERE account_id = :sub AND withdrawn_at IS NULL", sub=sub
    )
    model.entitlements[str(row.id)] = Entitlement(sub, unit, model.now + YEAR)


async def wish(world: World) -> Outcome:
    """By the person, or by an administrator for somebody of the subtree."""
    model = world.model
    own = world.dice.random() < 0.5
    by = world.somebody() if own else world.an_administrator()
    sub = by if own else world.a_person_below(by)
    unit = model.primary(sub)
    key = _held(world, sub)
    entitled = key is not None and model.entitlements[key].unit == unit
    allowed = (
        model.acting(by) is not None
        and (by == sub or model.manages(by, GRANT, unit))
        and _eligible(world, unit)
        and not entitled
        and all(one.sub != sub for one in model.wishes.values())
    )
    body = {"name": "cockpit", "reason": "负责数据分析"} | ({} if own else {"sub": sub})
    answer = await world.call(by, "POST", "/entitlement-requests", body)
    if answer.is_success and unit is not None:
        model.wishes[answer.json()["id"]] = Wish(sub, unit, by, model.now + UNDECIDED)
    return Outcome(allowed, answer.is_success)


async def decide_wish(world: World) -> Outcome:
    by, model = world.an_administrator(), world.model
    if not model.wishes:
        return Outcome(True, True)
    key = world.prefer(sorted(model.wishes), lambda one: model.is_above(by, model.wishes[one].unit))
    one = model.wishes[key]
    reject = world.dice.random() < 0.2
    allowed = by not in (one.sub, one.by) and _decides(world, by, one.unit)
    if not reject:
        allowed = allowed and model.primary(one.sub) == one.unit
    path = f"/entitlement-requests/{key}/{'reject' if reject else 'approve'}"
    answer = await world.call(by, "POST", path, WHY if reject else None)
    if answer.is_success:
        del model.wishes[key]
        if not reject:
            await _grant(world, one.sub, one.unit)
    return Outcome(allowed, answer.is_success)


async def take_wish_back(world: World) -> Outcome:
    if not world.model.wishes:
        return Outcome(True, True)
    key = world.dice.choice(sorted(world.model.wishes))
    one = world.model.wishes[key]
    concerned = [sub for sub in (one.sub, one.by) if world.model.active(sub)]
    by = world.dice.choice([*concerned, world.somebody()])
    answer = await world.call(by, "POST", f"/entitlement-requests/{key}/withdraw")
    if answer.is_success:
        del world.model.wishes[key]
    return Outcome(by in (one.sub, one.by), answer.is_success)


async def entitle(world: World) -> Outcome:
    """Without a request."""
    by = world.an_administrator()
    sub = world.a_person_below(by)
    unit = world.model.primary(sub)
    allowed = by != sub and _eligible(world, unit) and _decides(world, by, unit)
    answer = await world.call(by, "POST", f"/accounts/{sub}/entitlements", {"name": "cockpit"})
    if answer.is_success and unit is not None:
        await _grant(world, sub, unit)
    return Outcome(allowed, answer.is_success)


async def withdraw(world: World) -> Outcome:
    by, model = world.an_administrator(), world.model
    holders = [one.sub for one in model.entitlements.values()]
    chosen = world.dice.random() < 0.8 and holders
    sub = world.dice.choice(holders if chosen else list(world.people))
    key = _held(world, sub)
    allowed = model.manages(by, GRANT, model.primary(sub)) and key is not None
    answer = await world.call(by, "DELETE", f"/accounts/{sub}/entitlements/cockpit")
    if answer.is_success and key is not None:
        del model.entitlements[key]
    return Outcome(allowed, answer.is_success)


async def review(world: World) -> Outcome:
    """From above the unit that benefits, or by the platform's security administrator."""
    model = world.model
    if not model.entitlements:
        return Outcome(True, True)
    reviewers = [
        sub for sub, role in model.platform.items() if role == "security_admin" and model.active(sub)
    ]
    by = world.dice.choice(reviewers) if reviewers and world.dice.random() < 0.3 else world.an_administrator()
    key = world.dice.choice(sorted(model.entitlements))
    one = model.entitlements[key]
    keep = world.dice.random() < 0.6
    belongs = model.member(one.sub, one.unit) is not None
    unit = one.unit if belongs else model.primary(one.sub)
    from_above = unit is not None and model.manages(by, GRANT, unit) and model.is_above(by, unit)
    allowed = by != one.sub and (model.may(by, REVIEW) or from_above)
    if keep:
        allowed = allowed and belongs
    answer = await world.call(by, "POST", f"/entitlements/{key}/{'keep' if keep else 'withdraw'}")
    if answer.is_success and keep:
        one.ends = model.now + YEAR
    elif answer.is_success:
        del model.entitlements[key]
    return Outcome(allowed, answer.is_success)


ACTIONS: list[Action] = [wish, wish, decide_wish, decide_wish, take_wish_back, entitle, withdraw, review]
