"""Units as a table: checked without any effect, then imported or cancelled."""

from dataclasses import dataclass
from typing import Any

from identity.unit_imports.rules import HEADINGS
from services.identity.tests.properties.model import Sub, Unit, UnitId
from services.identity.tests.properties.units import MANAGE
from services.identity.tests.properties.world import Action, Outcome, World
from testkit.waiting import moments


@dataclass
class Row:
    """One row: a new school, or a unit that moves."""

    code: str
    parent: UnitId
    unit: UnitId | None = None
    version: int = 0
    line: str = ""


@dataclass
class Import:
    """A file that has been checked."""

    by: Sub
    root: UnitId
    row: Row
    right: bool


async def upload(world: World) -> Outcome:
    """Nothing changes; the check says whether the row is right."""
    by, model = world.an_administrator(), world.model
    row = await (new_school(world, by) if world.dice.random() < 0.6 else _moving(world, by))
    content = "\n".join([",".join(HEADINGS), row.line])
    acting = model.acting(by)
    answer = await world.call(
        by,
        "POST",
        "/unit-imports",
        params={"file_name": "单位.csv", "reason": "核对"},
        content=content.encode(),
    )
    if answer.is_success and acting is not None:
        id_ = answer.json()["id"]
        found = await done(world, id_)
        right = _right(world, row, acting.unit)
        verdict = "right" if right else "same" if _same(world, row, acting.unit) else "wrong"
        counted = {"right": found.new + found.changed, "same": found.unchanged, "wrong": found.wrong}
        assert counted == {word: int(word == verdict) for word in counted}, (row, found)
        world.imports[id_] = Import(by, acting.unit, row, right)
    return Outcome(acting is not None and model.may(by, MANAGE), answer.is_success)


async def apply(world: World) -> Outcome:
    """By anybody who reaches the units; it counts what the one who sent the file may do now."""
    by, model = world.an_administrator(), world.model
    if not world.imports:
        return Outcome(True, True)
    key = world.dice.choice(sorted(world.imports))
    one = world.imports[key]
    version = await _version(world, one.row)
    allowed = model.manages(by, MANAGE, one.root) and one.right
    answer = await world.call(by, "POST", f"/unit-imports/{key}/apply", {})
    if answer.is_success:
        del world.imports[key]
        found = await done(world, key)
        applied = _managed(world, one) and version == one.row.version and _right(world, one.row, one.root)
        assert found.applied == int(applied), found
        if applied:
            await _apply(world, one.row)
    return Outcome(allowed, answer.is_success)


async def cancel(world: World) -> Outcome:
    by, model = world.an_administrator(), world.model
    if not world.imports:
        return Outcome(True, True)
    key = world.dice.choice(sorted(world.imports))
    answer = await world.call(by, "POST", f"/unit-imports/{key}/cancel")
    allowed = model.manages(by, MANAGE, world.imports[key].root)
    if answer.is_success:
        del world.imports[key]
    return Outcome(allowed, answer.is_success)


async def new_school(world: World, by: Sub) -> Row:
    world.number += 1
    code, parent = f"I{world.dice.randrange(10**6):06}{world.number:04}", world.a_unit_below(by)
    above = world.model.units[parent].code
    return Row(code, parent, line=f"{code},{above},导入小学{world.number},,school,school,compulsory,,,")


async def _moving(world: World, by: Sub) -> Row:
    unit, parent = world.a_unit_below(by), world.a_unit_below(by)
    code, above = world.model.units[unit].code, world.model.units[parent].code
    (of,) = await world.query(
        "SELECT name, level, kind, stages, version FROM units WHERE code = :code", code=code
    )
    line = f"{code},{above},{of.name},,{of.level},{of.kind},{'、'.join(of.stages)},,,"
    return Row(code, parent, unit, of.version, line)


def _right(world: World, row: Row, root: UnitId) -> bool:
    """Whether whoever manages the units at and below `root` may do what a row says."""
    model = world.model
    if not (model.units[row.parent].open and model.is_under(row.parent, root)):
        return False
    if row.unit is None:
        return model.may_stand_below(row.parent, "school", "school")
    of = model.units[row.unit]
    return (
        of.open
        and row.unit != root
        and model.is_under(row.unit, root)
        and of.parent != row.parent
        and not model.is_under(row.parent, row.unit)
        and model.may_stand_below(row.parent, of.level, of.kind)
    )


def _same(world: World, row: Row, root: UnitId) -> bool:
    """Whether a row of a unit within reach says nothing new."""
    if row.unit is None:
        return False
    of = world.model.units[row.unit]
    return of.open and world.model.is_under(row.unit, root) and of.parent == row.parent


def _managed(world: World, one: Import) -> bool:
    """Whether the person who sent the file still manages the unit they acted for."""
    model = world.model
    member = model.member(one.by, one.root)
    return (
        model.active(one.by)
        and member is not None
        and MANAGE in model.permissions_of(model.effective_roles(member))
    )


async def _apply(world: World, row: Row) -> None:
    if row.unit is not None:
        world.model.move(row.unit, row.parent)
        return
    (new,) = await world.query("SELECT id, region_code FROM units WHERE code = :code", code=row.code)
    world.model.units[str(new.id)] = Unit(row.code, row.parent, "school", "school", new.region_code)


async def _version(world: World, row: Row) -> int:
    if row.unit is None:
        return 0
    (of,) = await world.query("SELECT version FROM units WHERE code = :code", code=row.code)
    return int(of.version)


async def done(world: World, id_: str, table: str = "unit_imports") -> Any:
    """The import or export, once no step of it runs."""
    async for _ in moments():
        (found,) = await world.query(f"SELECT * FROM {table} WHERE id = :id", id=id_)
        if found.status not in ("checking", "applying", "running"):
            return found
    raise AssertionError(found)


ACTIONS: list[Action] = [upload, upload, apply, apply, cancel]
