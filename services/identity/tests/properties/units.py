"""Units open, move, merge, split, close, and change their territory."""

from services.identity.tests.properties.model import RANKS, Sub, Unit, UnitId
from services.identity.tests.properties.world import WHY, Action, Outcome, World

MANAGE = "units.manage"
LEVELS = list(RANKS)
REGIONS = ("370000", "370100", "370102", "370202", "370203")


def _code(world: World) -> str:
    world.number += 1
    return f"S{world.dice.randrange(10**6):06}{world.number:04}"


def _open(world: World, unit: UnitId) -> bool:
    return world.model.units[unit].open


def _below_own(world: World, sub: Sub, unit: UnitId) -> bool:
    """Whether a person may change where a unit stands: not that of their own."""
    acting = world.model.acting(sub)
    return world.model.manages(sub, MANAGE, unit) and acting is not None and acting.unit != unit


async def open_unit(world: World) -> Outcome:
    by = world.an_administrator()
    parent = world.a_unit_below(by)
    rank = min(RANKS[world.model.units[parent].level] + world.dice.choice((0, 1, 1, 1)), 4)
    level, kind = LEVELS[rank], "school" if rank == 4 else "student_aid"
    body = {
        "parent_id": parent,
        "code": _code(world),
        "name": f"新建单位{world.number}",
        "level": level,
        "kind": kind,
        "stages": ["compulsory"],
    }
    allowed = (
        world.model.manages(by, MANAGE, parent)
        and _open(world, parent)
        and world.model.may_stand_below(parent, level, kind)
    )
    answer = await world.call(by, "POST", "/units", body)
    if answer.is_success:
        new = answer.json()
        world.model.units[new["id"]] = Unit(str(body["code"]), parent, level, kind, new["region_code"])
    return Outcome(allowed, answer.is_success)


async def move_unit(world: World) -> Outcome:
    by = world.an_administrator()
    unit, parent = world.a_unit_below(by), world.a_unit_below(by)
    of = world.model.units[unit]
    allowed = (
        _below_own(world, by, unit)
        and world.model.reaches(by, parent)
        and of.open
        and _open(world, parent)
        and not world.model.is_under(parent, unit)
        and of.parent != parent
        and world.model.may_stand_below(parent, of.level, of.kind)
    )
    answer = await world.call(by, "POST", f"/units/{unit}/move", {**WHY, "parent_id": parent})
    if answer.is_success:
        world.model.move(unit, parent)
    return Outcome(allowed, answer.is_success)


async def merge_unit(world: World) -> Outcome:
    by = world.an_administrator()
    unit = world.a_unit_below(by)
    of = world.model.units[unit]
    peers = [one for one, other in world.model.units.items() if other.level == of.level and one != unit]
    into = world.dice.choice(peers) if peers and world.dice.random() < 0.7 else world.a_unit()
    allowed = (
        _below_own(world, by, unit)
        and world.model.reaches(by, into)
        and of.open
        and _open(world, into)
        and not world.model.is_under(into, unit)
        and world.model.units[into].level == of.level
        and all(
            world.model.may_stand_below(into, child.level, child.kind)
            for child in (world.model.units[one] for one in world.model.children(unit))
        )
    )
    answer = await world.call(by, "POST", f"/units/{unit}/merge", {**WHY, "into_id": into})
    if answer.is_success:
        world.model.merge(unit, into)
    return Outcome(allowed, answer.is_success)


async def split_unit(world: World) -> Outcome:
    by = world.an_administrator()
    unit = world.a_unit_below(by)
    of = world.model.units[unit]
    children = world.model.children(unit)
    some = world.dice.sample(children, world.dice.randint(0, len(children)))
    if world.dice.random() < 0.1:
        some = [*some, world.a_unit()]
    body = {**WHY, "code": _code(world), "name": f"分设单位{world.number}", "child_ids": some}
    allowed = _below_own(world, by, unit) and of.parent is not None and of.open and set(some) <= set(children)
    answer = await world.call(by, "POST", f"/units/{unit}/split", body)
    if answer.is_success:
        new = answer.json()["id"]
        world.model.units[new] = Unit(str(body["code"]), of.parent, of.level, of.kind, of.region)
        for child in dict.fromkeys(some):
            world.model.move(child, new)
    return Outcome(allowed, answer.is_success)


async def close_unit(world: World) -> Outcome:
    by = world.an_administrator()
    unit = world.a_unit_below(by)
    allowed = _below_own(world, by, unit) and _open(world, unit) and not world.model.children(unit)
    answer = await world.call(by, "POST", f"/units/{unit}/close", WHY)
    if answer.is_success:
        world.model.close(unit)
    return Outcome(allowed, answer.is_success)


async def change_territory(world: World) -> Outcome:
    by = world.an_administrator()
    unit, region = world.a_unit_below(by), world.dice.choice((*REGIONS, "999999"))
    allowed = world.model.manages(by, MANAGE, unit) and _open(world, unit) and region != "999999"
    answer = await world.call(by, "PATCH", f"/units/{unit}", {**WHY, "region_code": region})
    if answer.is_success:
        world.model.units[unit].region = region
    return Outcome(allowed, answer.is_success)


ACTIONS: list[Action] = [open_unit, move_unit, merge_unit, split_unit, close_unit, change_territory]
