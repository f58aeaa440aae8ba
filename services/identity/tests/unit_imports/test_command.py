"""`python -m identity import-units`: the same jobs, the same rights, and its report."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from authkit.errors import OutOfReach
from identity import cli_units
from identity.accounts.errors import AccountNotFound
from identity.cli_units import UnitsCommand
from jobs.worker import Pace
from testkit.postgres import Migration

from .test_import_files import COUNTY_ADMIN, csv_of, school, xlsx_of

HANDLER = "19900001324"


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def command(app: FastAPI, *arguments: str) -> int:
    state = app.state
    asked = cli_units.parse([*arguments])
    pace = Pace(poll=0.1, grace=0.1)
    return await UnitsCommand(state.settings, state.database, state.clock, pace).run(asked)


async def opened(app: FastAPI) -> list[str]:
    async with app.state.database.transaction() as session:
        found = await session.scalars(text("SELECT code FROM units WHERE code LIKE 'S%' ORDER BY code"))
        return list(found)


async def test_a_dry_run_prints_the_report_and_changes_nothing(
    app: FastAPI, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, report = tmp_path / "units.csv", tmp_path / "report.csv"
    file.write_bytes(csv_of(school(9001), school(9002, level="局")))
    given = (str(file), "--by", COUNTY_ADMIN, "--report", str(report))
    assert await command(app, *given, "--dry-run") == 1
    said = capsys.readouterr().out
    assert "共 2 行，新增 1，变更 0，无变化 0，有错误 1；已导入 0" in said
    assert "第 3 行：“层级”局 不正确" in said
    lines = report.read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("行号,结果,原因,单位代码")
    assert len(lines) == 3
    # With a wrong row nothing is imported, unless the command says so.
    assert await command(app, *given) == 1
    assert await opened(app) == []
    assert await command(app, *given, "--skip-wrong") == 1
    assert await opened(app) == ["S3701029001"]


async def test_the_command_imports_in_the_name_of_an_administrator(
    app: FastAPI, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "units.xlsx"
    file.write_bytes(xlsx_of(school(9001), school(9002)))
    assert (
        await command(app, str(file), "--by", COUNTY_ADMIN, "--unit", "370102", "--reason", "年度核对") == 0
    )
    assert "已导入 2，未导入 0" in capsys.readouterr().out
    assert await opened(app) == ["S3701029001", "S3701029002"]
    assert await command(app, str(file), "--by", COUNTY_ADMIN) == 0
    assert "新增 0，变更 0，无变化 2" in capsys.readouterr().out
    async with app.state.database.transaction() as session:
        query = text("SELECT actor, details FROM audit_log WHERE action = 'units.import_by_command'")
        records = (await session.execute(query)).all()
    assert [record.actor for record in records] == ["operator"] * 2


async def test_the_command_gives_nobody_more_rights(app: FastAPI, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_bytes(csv_of(school(9001)))
    with pytest.raises(OutOfReach):
        await command(app, str(file), "--by", HANDLER)
    with pytest.raises(OutOfReach):
        await command(app, str(file), "--by", COUNTY_ADMIN, "--unit", "370100")
    with pytest.raises(AccountNotFound):
        await command(app, str(file), "--by", "13912345678")
