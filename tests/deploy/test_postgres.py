"""The database server with the settings of compose.yaml."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped, unused-ignore]
import pytest

from testkit.backends.postgresql import connect, embedded_binaries, start_private

NAME, PHONE = "欧阳娜娜", "139****5678"


@pytest.fixture
def url(config: dict[str, Any]) -> Iterator[str]:
    server, *options = config["services"]["postgres"]["command"]
    assert server == "postgres"
    assert all(option.startswith("--") for option in options)
    settings = dict(option.removeprefix("--").split("=", 1) for option in options)
    backend = start_private(embedded_binaries(), {**settings, "shared_buffers": "16MB", "fsync": "off"})
    yield backend.url
    backend.close()


async def test_its_log_has_slow_and_failed_statements_without_their_values(url: str) -> None:
    connection = await connect(url)
    folder = await connection.fetchval("SHOW data_directory")
    # Each statement counts as slow.
    await connection.execute("SET log_min_duration_statement = 0")
    await connection.execute("CREATE TABLE people (name text UNIQUE, phone text CHECK (phone <> 'none'))")
    add = "INSERT INTO people VALUES ($1, $2)"
    await connection.execute(add, NAME, PHONE)
    for failing in ((NAME, PHONE), ("上官云", "none")):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute(add, *failing)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await connection.execute("SELECT 1 / length($1) FROM people WHERE name = $2", "", NAME)
    await connection.close()

    logged = (Path(folder).parent / "log").read_text()
    assert "duration: " in logged
    assert logged.count(f"STATEMENT:  {add}") == 2
    assert "ERROR:  division by zero" in logged
    for value in (NAME, PHONE, "上官云"):
        assert value not in logged
