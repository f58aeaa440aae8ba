"""A failed statement is logged without the values that it was given."""

import json
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import text

from servicekit.db import Session

NAME, PHONE = "欧阳娜娜", "13912345678"
# What fails in PostgreSQL, in the driver, and at commit.
STATEMENTS = {
    "unique": "INSERT INTO people VALUES (:name, :phone, 1), (:name, :phone, 2)",
    "null": "INSERT INTO people VALUES (:name, :phone, NULL)",
    "check": "INSERT INTO people VALUES (:name, :phone, 10)",
    "syntax of a value": "SELECT CAST(CAST(:phone || :name AS text) AS uuid)",
    "out of range": "SELECT CAST(CAST(:phone AS text) AS smallint), CAST(:name AS text)",
    "driver": "SELECT CAST(:name AS integer), CAST(:phone AS text)",
    "at commit": "INSERT INTO notes SELECT gen_random_uuid(), :name || :phone FROM generate_series(1, 2)",
    "unknown column": "SELECT CAST(:name AS text), CAST(:phone AS text) FROM people WHERE nowhere",
}


@pytest.fixture
def failing(app: FastAPI) -> None:
    router = APIRouter()

    @router.post("/fail")
    async def fail(session: Session, statement: str) -> None:
        await session.execute(
            text("CREATE TABLE people (name text, phone text UNIQUE, n integer NOT NULL CHECK (n < 10))")
        )
        await session.execute(text(STATEMENTS[statement]), {"name": NAME, "phone": PHONE})

    app.include_router(router)


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("statement", STATEMENTS)
async def test_a_failed_statement_is_logged_without_its_values(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str], statement: str
) -> None:
    response = await client.post("/fail", params={"statement": statement})
    assert response.status_code == 500
    captured = capsys.readouterr()
    logged = captured.out + captured.err
    defects = [line for line in logged.splitlines() if '"defect"' in line]
    assert defects, "the failure must be logged"
    trace: Any = json.loads(defects[0])["exception"]
    assert "sqlalchemy.exc." in trace
    assert STATEMENTS[statement].split()[0] in trace or statement == "at commit", "with its statement"
    for value in (NAME, PHONE):
        assert value not in logged
        assert json.dumps(value) not in logged
