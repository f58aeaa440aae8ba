"""`make new-service` and `make new-feature` in a copy of the workspace: their files pass every check."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from scaffold.feature import add_feature, head_revision
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


def seeded(cache: Path) -> Path:
    """Begin the cache with what `make lint` has found out about the same files, in databases of SQLite."""
    if not cache.is_dir():
        for found in cache.parent.glob("3.*/*.db"):
            target = cache / found.relative_to(cache.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(found)) as old, closing(sqlite3.connect(target)) as new:
                old.backup(new)
    return cache


FEATURES = [
    ("shop", "orders", "订单"),
    ("office", "surveys", "调查"),
    ("identity", "work_orders", "工单"),
]


def test_a_new_service_and_new_features_pass_every_check(tmp_path: Path, postgres_server: str) -> None:
    copy = workspace(tmp_path / "zhuxue")
    said = run(copy, "scaffold", "service", "shop", "--label", "资助商店")
    assert "services/shop/src/shop/app.py" in said
    assert Members.load(copy).services["shop"] == 8004
    assert disagreements(copy) == []

    sources, tests = ["services/shop"], ["services/shop"]
    for service, name, label in FEATURES:
        before = head_revision(copy / "services" / service / "migrations" / "versions")
        removed = copy / "services" / service / "src" / service / name / "__pycache__"
        removed.mkdir(parents=True)  # what Git leaves of a feature of this name
        said = run(copy, "scaffold", "feature", service, name, "--label", label)
        assert f"services/{service}/migrations/versions/{int(before) + 1:04}_{name}.py" in said
        if service != "shop":
            own = [f"services/{service}/tests/test_{name}{part}.py" for part in ("", "_rules")]
            sources += [f"services/{service}/src/{service}/{name}", *own]
            tests += [*own, f"services/{service}/tests/test_migrations.py"]

    run(copy, "ruff", "check", "services", "libs", "onebox")
    run(copy, "ruff", "format", "--check", "services", "libs", "onebox")
    # Its own cache: paths within the copies are the same from run to run.
    cache = ROOT / ".mypy_cache" / "scaffold"
    run(copy, "mypy", "--cache-dir", str(seeded(cache)), "--exclude", "migrations", *sources)
    assert "0 broken" in run(copy, *LINT_IMPORTS)

    run(copy, "onebox.reference", "docs/api")
    run(copy, "onebox.pages", "services/portal/src/portal/proxying/routes.json")
    for service, name, _ in FEATURES:
        path = f'"/api/v1/{name.replace("_", "-")}"'
        assert path in (copy / f"docs/api/{service}.json").read_text(), "the router is not included"
    checks = [
        "services/office/tests/test_api_reference.py",
        "tests/deploy",
        "tests/docs/test_api_reference.py",
        "tests/docs/test_settings_documented.py",
        "tests/docs/test_translations.py",
        "tests/lint/test_conventions.py",
        "tests/lint/test_dialect.py",
        "tests/lint/test_members.py",
    ]
    run(copy, "pytest", "-q", "-m", "not seeded", *tests, *checks, postgres=postgres_server)


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
