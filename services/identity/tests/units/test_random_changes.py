"""Random changes of the tree by random actors, against a model that keeps the tree of every day.

Nothing succeeds out of reach, what the model allows today succeeds, the tree of every day is that of the
model, and the events, in whatever order, carry the tree.
"""

import copy
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Acting, Principal
from contracts.identity import UnitChangedV1, UnitsChangedV1
from contracts.vocabulary import Kind, Level, UnitStatus
from identity.audit.service import AuditLog
from identity.base import MIGRATIONS, outbox
from identity.units.changes import Occasion, day_of
from identity.units.errors import EffectiveTooEarly, NoUnitOnDay
from identity.units.models import Unit
from identity.units.rules import UnitSeed, may_stand_below
from identity.units.schemas import ChangeIn, MergeIn, MoveIn, RenameIn, SplitIn, UnitIn
from identity.units.service import Units
from identity.units.structure import UnitTree
from identity.units.view_repository import Filters
from identity.units.views import UnitViews
from servicekit.db import Database
from servicekit.etags import SeenVersions
from servicekit.ltree import is_under
from servicekit.migrations import upgrade
from servicekit.paging import PageRequest
from servicekit.problems import Problem
from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory

STEPS = 80
ANY = SeenVersions(frozenset({"*"}))
LEVELS = (Level.MINISTRY, Level.PROVINCE, Level.CITY, Level.COUNTY, Level.SCHOOL)


@dataclass(frozen=True)
class Node:
    """A unit in the model."""

    parent: str | None
    level: Level
    name: str
    active: bool = True


Tree = dict[str, Node]


def path(tree: Tree, code: str) -> str:
    above = tree[code].parent
    return code if above is None else f"{path(tree, above)}.{code}"


def children(tree: Tree, code: str) -> list[str]:
    return [one for one, node in tree.items() if node.parent == code and node.active]


@dataclass
class Model:
    """The tree of each day; the last one is that of today."""

    days: dict[date, Tree] = field(default_factory=dict)

    @property
    def today(self) -> Tree:
        return self.days[max(self.days)]

    def next_day(self, day: date) -> None:
        self.days[day] = copy.copy(self.today)

    def since(self, day: date, change: Callable[[Tree], None]) -> None:
        """Apply a change to the trees of all days from `day` on."""
        for one, tree in self.days.items():
            if one >= day:
                change(tree)


@dataclass(frozen=True)
class Step:
    """A change to try: what the model says about it, how it is asked for, and what it does to a tree."""

    allowed: bool
    ask: Callable[[AsyncSession], Awaitable[object]]
    change: Callable[[Tree], None]
    day: date


def seeds() -> list[UnitSeed]:
    """A ministry with two provinces, each with two cities, each with two counties, each with two schools."""
    found = [UnitSeed("R000", None, "部", "部", Level.MINISTRY, Kind.STUDENT_AID, (), None)]
    for level in LEVELS[1:]:
        above = [unit for unit in found if unit.level == LEVELS[LEVELS.index(level) - 1]]
        for parent in above:
            for number in range(2):
                code = f"{level[0].upper()}{parent.code[1:].lstrip('0')}{number}".ljust(4, "x")
                kind = Kind.SCHOOL if level == Level.SCHOOL else Kind.STUDENT_AID
                found.append(UnitSeed(code, parent.code, code, code, level, kind, (), None))
    return found


async def migrated(url: str) -> None:
    await upgrade(MIGRATIONS, url)


@pytest.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    database = Database(await database_factory("random-changes", migrated), plans="force_generic_plan")
    yield database
    await database.close()


class World:
    """The system beside the model."""

    def __init__(self, database: Database, clock: FrozenClock, chance: random.Random) -> None:
        self.database = database
        self.clock = clock
        self.chance = chance
        self.model = Model()
        self.ids: dict[str, UUID] = {}
        self.opened = 0

    async def load(self) -> None:
        units = seeds()
        async with self.database.transaction() as session:
            made = await self.units(session).load(units, self.clock.now())
        self.ids = {code: id_ for code, (id_, _) in made.items()}
        self.model.days[day_of(self.clock.now())] = {
            unit.code: Node(unit.parent_code, unit.level, unit.name) for unit in units
        }

    def units(self, session: AsyncSession) -> Units:
        return Units(session, self.clock, AuditLog(session, self.clock))

    def actor(self) -> tuple[str, Principal]:
        """Somebody who acts for an active unit, with the path that it has now."""
        tree = self.model.today
        active = [code for code, node in tree.items() if node.active]
        # Those above see more than those below; most of the time, one of them acts.
        superior = [code for code in active if children(tree, code)]
        code = self.chance.choice(superior if self.chance.random() < 0.8 else active)
        kind = Kind.SCHOOL if tree[code].level == Level.SCHOOL else Kind.STUDENT_AID
        roles = frozenset({"unit_admin"})
        acting = Acting(self.ids[code], path(tree, code), tree[code].level, kind, roles)
        now = self.clock.now()
        return code, Principal(str(UUID(int=9)), "portal", frozenset(), now, now, "x", acting=acting)

    def likely(self, own: str, what: str, code: str, other: str) -> tuple[str, str]:
        """A unit below `own` and another one that suit the change, if there are any."""
        tree = self.model.today
        reach = path(tree, own)
        below = [one for one, node in tree.items() if node.active and is_under(path(tree, one), reach)]
        suitable = [one for one in below if one != own and (what != "close" or not children(tree, one))]
        if not suitable:
            return code, other
        code = self.chance.choice(suitable)
        rank = LEVELS.index(tree[code].level) - (what == "move")
        others = [one for one in below if LEVELS.index(tree[one].level) == rank]
        return code, self.chance.choice(others) if others else other

    def step(self) -> Step:
        """A random change by a random actor on one of the last days."""
        own, by = self.actor()
        tree, chance = self.model.today, self.chance
        day = day_of(self.clock.now()) - timedelta(days=chance.choice((0, 0, 0, 1, 3)))
        dated = {"reason": "区划调整", "effective_on": day}
        kind_of_change = chance.choice(
            ("create", "create", "rename", "move", "move", "merge", "split", "close")
        )
        code, other = chance.choice(list(tree)), chance.choice(list(tree))
        assert by.acting is not None
        reach = by.acting.path
        if chance.random() < 0.7:
            code, other = self.likely(own, kind_of_change, code, other)
        sees = is_under(path(tree, code), reach)
        below_own = sees and code != own and tree[code].active
        there = is_under(path(tree, other), reach) and tree[other].active
        level = tree[code].level
        match kind_of_change:
            case "create":
                self.opened += 1
                new, of = f"N{self.opened:04d}", LEVELS[min(LEVELS.index(level) + 1, len(LEVELS) - 1)]
                kind = Kind.SCHOOL if of == Level.SCHOOL else Kind.STUDENT_AID
                self.ids[new] = UUID(int=0)
                asked = UnitIn(
                    parent_id=self.ids[code],
                    code=new,
                    name=new,
                    level=of,
                    kind=kind,
                    stages=["compulsory"],
                    **dated,
                )
                return Step(
                    sees and tree[code].active and may_stand_below(level, of, kind),
                    lambda session: self._created(session, by, asked),
                    lambda one: one.update({new: Node(code, of, new)}),
                    day,
                )
            case "rename":
                name = f"更名{chance.random():.6f}"
                return Step(
                    sees and tree[code].active,
                    lambda session: self.units(session).rename(
                        by, self.ids[code], RenameIn(name=name, **dated), ANY
                    ),
                    lambda one: one.update({code: replace(one[code], name=name)}),
                    day,
                )
            case "move":
                return Step(
                    below_own
                    and there
                    and not is_under(path(tree, other), path(tree, code))
                    and tree[code].parent != other
                    and may_stand_below(tree[other].level, level, Kind.STUDENT_AID),
                    lambda session: UnitTree(session, self.clock).move(
                        by, self.ids[code], MoveIn(parent_id=self.ids[other], **dated), ANY
                    ),
                    lambda one: one.update({code: replace(one[code], parent=other)}),
                    day,
                )
            case "merge":

                def merge(one: Tree) -> None:
                    for child in children(one, code):
                        one[child] = replace(one[child], parent=other)
                    one[code] = replace(one[code], active=False)

                return Step(
                    below_own and there and other != code and tree[other].level == level,
                    lambda session: self._merged(
                        session, by, code, MergeIn(into_id=self.ids[other], **dated)
                    ),
                    merge,
                    day,
                )
            case "split":
                self.opened += 1
                new = f"N{self.opened:04d}"
                self.ids[new] = UUID(int=0)
                some = children(tree, code)[:1]

                def split(one: Tree) -> None:
                    one[new] = Node(tree[code].parent, level, new)
                    for child in some:
                        one[child] = replace(one[child], parent=new)

                asked_split = SplitIn(
                    code=new, name=new, child_ids=[self.ids[child] for child in some], **dated
                )
                return Step(
                    below_own,
                    lambda session: self._split(session, by, code, asked_split),
                    split,
                    day,
                )
            case _:
                return Step(
                    below_own and not children(tree, code),
                    lambda session: self._closed(session, by, code, ChangeIn(**dated)),
                    lambda one: one.update({code: replace(one[code], active=False)}),
                    day,
                )

    async def _created(self, session: AsyncSession, by: Principal, asked: UnitIn) -> None:
        self.ids[asked.code] = (await self.units(session).create(by, asked)).id

    async def _split(self, session: AsyncSession, by: Principal, code: str, asked: SplitIn) -> None:
        unit, _ = await UnitTree(session, self.clock).split(by, self.ids[code], asked, ANY)
        self.ids[asked.code] = unit.id

    async def _merged(self, session: AsyncSession, by: Principal, code: str, asked: MergeIn) -> None:
        tree = UnitTree(session, self.clock)
        unit, into, _ = await tree.absorb(by, self.ids[code], asked, ANY)
        await tree.close(unit, tree.occasion(by, asked), into.id)

    async def _closed(self, session: AsyncSession, by: Principal, code: str, asked: ChangeIn) -> None:
        tree = UnitTree(session, self.clock)
        unit = await tree.to_close(by, self.ids[code])
        await tree.close(unit, Occasion.of(self.clock.now(), by.sub, asked))

    async def take(self, step: Step) -> bool:
        """Try a change; compare with what the model says. Return whether it succeeded."""
        refused = await self.refusal(step)
        if isinstance(refused, EffectiveTooEarly):
            assert step.day < day_of(self.clock.now()), "today is never too early"
            return False
        assert (refused is None) == step.allowed, refused
        if refused is None:
            self.model.since(step.day, step.change)
        return refused is None

    async def refusal(self, step: Step) -> Problem | None:
        try:
            async with self.database.transaction() as session:
                await step.ask(session)
        except Problem as problem:
            return problem
        return None


def is_a_tree(tree: Tree) -> bool:
    """No circle, and no active unit below a closed one."""
    return all(
        path(tree, code) and (not node.active or node.parent is None or tree[node.parent].active)
        for code, node in tree.items()
    )


@pytest.mark.parametrize("seed", range(4))
async def test_the_tree_of_every_day_is_that_of_the_model(
    database: Database, clock: FrozenClock, seed: int
) -> None:
    world = World(database, clock, random.Random(seed))
    await world.load()
    done = 0
    for _ in range(STEPS):
        if world.chance.random() < 0.3:
            clock.advance(timedelta(days=1))
            world.model.next_day(day_of(clock.now()))
        done += await world.take(world.step())
    assert done > STEPS / 5
    for day, tree in world.model.days.items():
        assert is_a_tree(tree)
        await same_as_model(world, day, tree)
    await events_carry_the_tree(world)


async def same_as_model(world: World, day: date, tree: Tree) -> None:
    async with world.database.transaction() as session:
        views = UnitViews(session, world.clock)
        for code, id_ in world.ids.items():
            if id_ == UUID(int=0):
                continue
            try:
                found = await views.on(id_, day)
            except NoUnitOnDay:
                assert code not in tree
                continue
            node = tree[code]
            assert (found.path, found.name, found.status == "active") == (
                path(tree, code),
                node.name,
                node.active,
            ), (day, code)
            below = [unit.code for unit in (await views.children_on(id_, day, PageRequest(1000))).items]
            assert below == sorted(children(tree, code))
            drawn = await views.tree_on(id_, day, 1)
            assert [unit.code for unit in drawn.children] == below[:100]
            assert drawn.has_children == bool(below)
        centre = world.ids["R000"]
        listed, after = list[str](), None
        while True:
            page = await views.subtree_on(centre, day, Filters(status=UnitStatus.ACTIVE), after, 7)
            listed += [unit.path for unit in page.items]
            if (after := page.next) is None:
                break
        assert sorted(listed) == sorted(path(tree, code) for code in tree if tree[code].active)
        assert len(set(listed)) == len(listed)


async def events_carry_the_tree(world: World) -> None:
    """A copy that keeps the newest version of each unit, whatever the order, has the tree of today."""
    async with world.database.transaction() as session:
        rows = list((await session.scalars(select(outbox.row))).all())
        units = {unit.id: unit for unit in await session.scalars(select(Unit))}
    world.chance.shuffle(rows)
    newest: dict[UUID, UnitChangedV1] = {}
    for row in rows:
        if row.type == UnitsChangedV1.type:
            carried = UnitsChangedV1.model_validate(row.data).units
        else:
            carried = (UnitChangedV1.model_validate(row.data),)
        for unit in carried:
            if unit.unit_id not in newest or newest[unit.unit_id].version < unit.version:
                newest[unit.unit_id] = unit
    for id_, stored in units.items():
        if stored.version == 1 and id_ not in newest:
            continue  # loaded, and never changed
        known = newest[id_]
        assert (known.version, known.path, known.parent_id, known.status, known.name) == (
            stored.version,
            stored.path,
            stored.parent_id,
            stored.status,
            stored.name,
        )
