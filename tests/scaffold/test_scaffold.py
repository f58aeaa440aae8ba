"""`make new-service` and `make new-feature` in a copy of the workspace: their files pass every check."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.feature import add_feature
from scaffold.members import ROOT, Members, disagreements
from scaffold.names import BadName, Names, singular

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".state", ".hypothesis", "node_modules", "__pycache__", "*.egg-info"
)
LINT_IMPORTS = (
    "-c",
    "from importlinter.cli import lint_imports_command; lint_imports_command()",
    "--no-cache",
)


def workspace(target: Path) -> Path:
    """A copy of the workspace without what is made from it."""
    shutil.copytree(ROOT, target, ignore=LEFT_OUT)
    return target


def run(root: Path, *command: str, postgres: str | None = None) -> str:
    """Run a module of Python, or `-c` and a program, on the copy: its packages shadow the installed ones."""
    members = Members.load(root)
    paths = [root, *(root / folder / "src" for folder in members.folders())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    if postgres is not None:
        environment["DATABASE_URL"] = postgres
    done = subprocess.run(
        [sys.executable, *(() if command[0] == "-c" else ("-m",)), *command],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    root = workspace(tmp_path / "zhuxue")
    yield root
    shutil.rmtree(root, ignore_errors=True)


def test_a_new_service_with_a_feature_passes_every_check(copy: Path, postgres_server: str) -> None:
    said = run(copy, "scaffold", "service", "shop", "--label", "资助商店")
    assert "services/shop/src/shop/app.py" in said
    assert disagreements(copy) == []
    said = run(copy, "scaffold", "feature", "shop", "orders", "--label", "订单")
    assert "services/shop/migrations/versions/0002_orders.py" in said
    assert Members.load(copy).services["shop"] == 8004

    run(copy, "ruff", "check", "services", "libs", "onebox")
    run(copy, "ruff", "format", "--check", "services", "libs", "onebox")
    run(copy, "mypy", "services/shop", "--exclude", "migrations")
    assert "0 broken" in run(copy, *LINT_IMPORTS)
    run(copy, "onebox.reference", "docs/api")
    assert '"/api/v1/orders/{order_id}/close"' in (copy / "docs/api/shop.json").read_text()
    checks = ["tests/lint/test_conventions.py", "tests/lint/test_members.py", "tests/docs", "tests/deploy"]
    run(copy, "pytest", "-q", "-m", "not seeded", "services/shop", *checks, postgres=postgres_server)


@pytest.mark.parametrize(
    ("service", "name", "more"),
    [("office", "tasks", []), ("identity", "work_orders", ["--label", "工单"])],
)
def test_a_new_feature_of_an_existing_service_passes_every_check(
    copy: Path, postgres_server: str, service: str, name: str, more: list[str]
) -> None:
    run(copy, "scaffold", "feature", service, name, *more)
    folder = f"services/{service}"
    run(copy, "ruff", "check", folder)
    run(copy, "ruff", "format", "--check", folder)
    generated = [
        f"{folder}/src/{service}/{name}",
        *sorted(map(str, (copy / folder / "tests").glob(f"test_{name}*"))),
    ]
    run(copy, "mypy", "--follow-imports=silent", *generated)
    assert "0 broken" in run(copy, *LINT_IMPORTS)
    run(copy, "onebox.reference", "docs/api")
    assert f'"/api/v1/{name.replace("_", "-")}"' in (copy / f"docs/api/{service}.json").read_text()
    tests = [*generated[1:], f"{folder}/tests/test_migrations.py", "tests/lint/test_conventions.py"]
    tests += sorted(map(str, (copy / folder / "tests").glob("test_api_reference.py")))
    run(copy, "pytest", "-q", "-m", "not seeded", *tests, postgres=postgres_server)


@pytest.mark.parametrize(
    ("service", "name", "why"),
    [
        ("shop", "orders", "is no service"),
        ("office", "notices", "already"),
        ("office", "class", "taken"),
        ("office", "Orders", "lower-case"),
        ("office", "staff", "ONE="),
        ("cockpit", "orders", "idempotency"),
    ],
)
def test_a_feature_that_cannot_be_made_is_refused_before_anything_is_written(
    service: str, name: str, why: str
) -> None:
    before = subprocess.run(
        ["git", "status", "--short"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with pytest.raises(BadName, match=why):
        add_feature(service, name)
    after = subprocess.run(["git", "status", "--short"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert after.stdout == before.stdout


@pytest.mark.parametrize(
    ("plural", "one"),
    [("tasks", "task"), ("entries", "entry"), ("boxes", "box"), ("batches", "batch"), ("classes", "class")],
)
def test_a_regular_plural_has_its_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_names_take_the_place_of_the_templates() -> None:
    names = Names("office", "work_orders", "work_order", "工单")
    assert names.apply('"/api/v1/widgets" WIDGETS WidgetService widget_id sample 样例') == (
        '"/api/v1/work-orders" WORK_ORDERS WorkOrderService work_order_id office 工单'
    )
