"""A service in miniature: what has changed is queued, indexed, and found page by page."""

import random
from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import ForeignKey, Index, Select, Text, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from contracts.vocabulary import Level
from searchkit.frequencies import Frequencies
from searchkit.index import NAME, IndexRepository, UnitSearchColumns, unit_row
from searchkit.matching import Search, matches
from searchkit.phases import Found, Phases, phase
from searchkit.queue import Indexer, QueueColumns, take
from searchkit.words import Wanted, first_of, parse, tokens_of
from servicekit.db import Database, new_metadata
from testkit.plugin import DatabaseFactory


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text}


class Unit(Base):
    __tablename__ = "units"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    short_name: Mapped[str]
    code: Mapped[str]
    path: Mapped[str]
    level: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")


class Person(Base):
    __tablename__ = "people"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))


class PersonSearch(Base):
    __tablename__ = "people_search"
    __table_args__ = (
        Index("ix_people_search_first", "first", "name", "person_id"),
        Index("ix_people_search_tokens", "tokens", postgresql_using="gin"),
    )
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    first: Mapped[str] = mapped_column(NAME)
    name: Mapped[str] = mapped_column(NAME)
    words: Mapped[str]
    tokens: Mapped[list[str]] = mapped_column(ARRAY(Text))


class UnitSearch(UnitSearchColumns, Base):
    pass


class Queue(QueueColumns, Base):
    pass


class Rows(IndexRepository):
    queue = Queue
    unit = Unit
    unit_search = UnitSearch
    person_search = PersonSearch
    person_key = ("person_id",)

    def everybody(self) -> Select[Any]:
        return select(Person.id)

    def members(self, unit_ids: Sequence[UUID]) -> Select[Any]:
        return select(Person.id).where(Person.unit_id.in_(unit_ids))

    async def people(self, ids: Sequence[UUID]) -> list[dict[str, Any]]:
        found = await self._session.execute(select(Person, Unit).join(Unit).where(Person.id.in_(ids)))
        return [
            {
                "person_id": person.id,
                "first": first_of(person.name),
                "name": person.name,
                "words": f"{person.name}\n{unit.name}",
                "tokens": sorted(tokens_of(person.name) | {f"@{unit.code}"}),
            }
            for person, unit in found
        ]


class Names(Indexer):
    queue = Queue

    async def index(self, session: AsyncSession, units: Sequence[UUID], people: Sequence[UUID]) -> None:
        rows = Rows(session)
        if units:
            await rows.queue_members(await rows.replace_units(units))
        if people:
            await rows.replace_people(people, await rows.people(people))


async def create(url: str) -> None:
    database = Database(url, plans="force_custom_plan")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await database.close()


@pytest.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    database = Database(await database_factory("searchkit", create), plans="force_custom_plan")
    yield database
    await database.close()


def a_unit(name: str, code: str, level: str = "county") -> dict[str, Any]:
    path = f"100000.{code}"
    return {"id": uuid4(), "name": name, "short_name": name[:3], "code": code, "path": path, "level": level}


async def fill(database: Database, people: Sequence[str], *units: dict[str, Any]) -> None:
    """Put people into the units by turns, and queue everything."""
    members = [
        {"id": uuid4(), "name": name, "unit_id": units[number % len(units)]["id"]}
        for number, name in enumerate(people)
    ]
    async with database.transaction() as session:
        await session.execute(insert(Unit), units)
        await session.execute(insert(Person), members)
        await Rows(session).queue_everything()


async def find(session: AsyncSession, wanted: Wanted, frequencies: Frequencies, within: str) -> list[str]:
    """All names that match, in pages of 20."""
    inside = [within] if within else []

    async def query(search: Search) -> list[Found]:
        doc = PersonSearch
        found = matches(search, doc, (doc.first, doc.name, doc.person_id), inside)
        rows = await session.execute(
            select(found).order_by(found.c.first, found.c.name, found.c.person_id).limit(search.limit)
        )
        return [((row.first, row.name, row.person_id), row.name) for row in rows]

    phases = Phases(session, frequencies, "people_search", one_name=True)
    names: list[str] = []
    after: tuple[Any, ...] | None = None
    while True:
        page = await phases.find(wanted, query, within=inside, after=after, limit=20)
        names += [name for _, name in page[:20]]
        if len(page) <= 20:
            return names
        after = page[19][0]


def test_the_highest_level_comes_first_and_an_unknown_one_last() -> None:
    ranks = [unit_row(Unit(**a_unit("某单位", "1", level)))["rank"] for level in (*Level, "later")]
    assert ranks == list(range(len(Level) + 1))


async def test_what_has_changed_is_indexed_and_what_is_gone_is_not_found(database: Database) -> None:
    county, other = a_unit("历下区学生资助管理中心", "370102"), a_unit("槐荫区学生资助管理中心", "370104")
    await fill(database, ["王小明", "李雷"], county, other)
    indexer = Names(database, poll_seconds=0.01)
    await indexer.caught_up()
    async with database.transaction() as session:
        rows = {row.name: row for row in await session.scalars(select(PersonSearch))}
        assert rows.keys() == {"王小明", "李雷"}
        assert "@370102" in rows["王小明"].tokens
        await session.execute(update(Unit).where(Unit.id == county["id"]).values(name="历下区资助中心"))
        await session.execute(update(Unit).where(Unit.id == other["id"]).values(status="closed"))
        await session.execute(delete(Person).where(Person.name == "李雷"))
        gone = [{"kind": "person", "id": rows["李雷"].person_id}]
        units = [{"kind": "unit", "id": one["id"]} for one in (county, other)]
        await session.execute(insert(Queue), [*units, *gone])
    async with indexer.running():
        while True:
            async with database.transaction() as session:
                if await session.scalar(select(Queue.seq).limit(1)) is None:
                    break
    await indexer.caught_up()
    async with database.transaction() as session:
        assert (await session.scalars(select(UnitSearch.name))).all() == ["历下区资助中心"]
        assert (await session.scalars(select(PersonSearch.words))).all() == ["王小明\n历下区资助中心"]


@pytest.mark.parametrize("people_first", [False, True])
async def test_people_of_a_new_unit_are_indexed_anew_only_where_they_may_be_known_before_it(
    database: Database, people_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rows, "people_first", people_first)
    unit = a_unit("历下区学生资助管理中心", "370102")
    await fill(database, ["王小明"], unit)
    async with database.transaction() as session:
        assert await Rows(session).replace_units([unit["id"]]) == [unit["id"]] * people_first


async def test_one_process_indexes_at_a_time(database: Database) -> None:
    await fill(database, ["王小明"], a_unit("历下区", "370102"))
    async with database.transaction() as one, database.transaction() as other:
        assert len(await take(one, Queue, 10)) == 2
        assert await take(other, Queue, 10) == []


@pytest.mark.parametrize("within", ["", "@370104"])
async def test_every_match_is_found_once_leading_ones_first(database: Database, within: str) -> None:
    dice = random.Random(3)
    people = [dice.choice("王王王王李张") + "".join(dice.choices("小明雷国", k=2)) for _ in range(3000)]
    units = (a_unit("历下区资助中心", "370102"), a_unit("槐荫区资助中心", "370104"))
    await fill(database, [*people, "欧阳修"], *units)
    await Names(database).caught_up()
    async with database.transaction() as session:
        await session.execute(text("ANALYZE people_search"))
        rows = (await session.scalars(select(PersonSearch))).all()
    frequencies = Frequencies()
    for query in ("王", "明", "小明", "wang", "wxm", "王 历下", "欧阳"):
        wanted = parse(query)
        assert wanted is not None
        async with database.transaction() as session:
            found = await find(session, wanted, frequencies, within)
            phases = Phases(session, frequencies, "people_search", one_name=True)
            sure = await phases.surely_more(wanted, 10)
            total = await phases.total(wanted, PersonSearch, within=[within] if within else [])
        alternatives = (*wanted.leading, *wanted.others)
        expected = [
            row.name
            for row in rows
            if (not within or within in row.tokens)
            and all(word in row.words for word in wanted.words)
            and any(tokens <= set(row.tokens) for tokens in alternatives)
        ]
        assert sorted(found) == sorted(expected), query
        assert not sure or len(expected) > 10
        assert (total.count, total.exact) == (min(len(expected), 1000), len(expected) <= 1000), query
        if wanted.begins is not None:
            leading = [name.startswith(wanted.begins) for name in found]
            assert leading == sorted(leading, reverse=True), query


def test_a_cursor_begins_with_a_phase() -> None:
    assert phase("1") == "1"
    with pytest.raises(ValueError, match="3"):
        phase("3")
