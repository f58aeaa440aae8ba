"""Subtrees by operator and by range."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from servicekit.db import Database
from servicekit.ltree import LTree, between, is_under, path_of, under
from testkit.plugin import DatabaseFactory

PATHS = [
    "A",
    "A.B",
    "A.B.C",
    "A.B.C.D",
    "A.B.zz",
    "A.B0",
    "A.B0.C",
    "A.BA",
    "A.B_",
    "A.Bz.C",
    "A.C",
    "A0",
    "AA.B",
    "B",
]


@pytest_asyncio.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    database = Database(await database_factory("ltree"), plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        await session.execute(text("CREATE EXTENSION IF NOT EXISTS ltree"))
    yield database
    await database.close()


@pytest.mark.parametrize("ancestor", PATHS)
async def test_a_subtree_is_the_same_by_operator_by_range_and_by_text(
    database: Database, ancestor: str
) -> None:
    paths = func.unnest(literal(PATHS, ARRAY(Text))).table_valued("text").render_derived()
    path = func.text2ltree(paths.c.text, type_=LTree)
    async with database.transaction() as session:
        rows = await session.execute(select(paths.c.text, under(path, ancestor), between(path, ancestor)))
        for name, by_operator, by_range in rows:
            assert by_operator == by_range == is_under(name, ancestor), (name, ancestor)


@pytest.mark.parametrize("text", ["", "A..B", ".A", "A B", "A.省", "A" * 256])
def test_a_cursor_that_is_no_path_is_refused_before_postgresql_sees_it(text: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        path_of(text)
    assert path_of("A.B_0") == "A.B_0"
