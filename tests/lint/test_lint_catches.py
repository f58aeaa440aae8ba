"""`make lint` is only worth running if it fails: each rule is broken on purpose in a copy of the tree."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, Text

from scaffold.members import Members
from servicekit import migrations
from testkit.plugin import DatabaseFactory

pytestmark = pytest.mark.seeded

ROOT = Path(__file__).parents[2]
LIBS = Members.load().libs
# Services in miniature: what is under test is the rules, not what the services are today.
STUBS = {
    "identity": {"app": "from identity.joining import endpoints\n"},
    "office": {"app": ""},
    "cockpit": {"app": ""},
    "onebox": {"__main__": "import identity.app\nimport office.app\nimport cockpit.app\n"},
}
FEATURE = {
    "endpoints": "from identity.joining import service\n",
    "consumers": "from identity.joining import service\n",
    "service": "from identity.joining import repository\nfrom identity.keys import service\n",
    "repository": "from identity.joining import models\n",
    "models": "import sqlalchemy\nfrom identity.joining import rules\n",
    "rules": "",
}
# The features below the protocol of Identity, which a rule names.
BELOW = ("clients", "consents", "grants", "keys", "pages", "revocations", "sessions")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The libraries as they are, services in miniature, and the rules of the root pyproject.toml."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for lib in LIBS:
        shutil.copytree(
            ROOT / "libs" / lib / "src" / lib, tmp_path / lib, ignore=shutil.ignore_patterns("__pycache__")
        )
    for service, modules in STUBS.items():
        _write(tmp_path / service, {"__init__": "", **modules})
    _write(tmp_path / "identity" / "joining", {"__init__": "", **FEATURE})
    for feature in BELOW:
        _write(tmp_path / "identity" / feature, {"__init__": "", "service": ""})
    _write(tmp_path / "identity" / "oauth", {"__init__": "", "service": ""})
    _write(tmp_path / "identity" / "oauth" / "state", {"__init__": "", "context": ""})
    _write(
        tmp_path / "identity" / "oauth" / "tokens",
        {"__init__": "", "issued": "from identity.oauth.state import context\n"},
    )
    return tmp_path


def _write(folder: Path, modules: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)


# One process for all: starting import-linter and reading the libraries takes longer than its judgement.
_LINT = """
import json, pathlib, sys
from importlinter.cli import lint_imports
for module, source in json.load(sys.stdin):
    path = pathlib.Path(module)
    before = path.read_text()
    path.write_text(before + source)
    kept = lint_imports(cache_dir=".lint") == 0
    path.write_text(before)
    print(chr(0) + str(kept) + chr(0), flush=True)
"""


def lint_imports(tree: Path, faults: Sequence[tuple[str, str]]) -> list[tuple[bool, str]]:
    """Whether import-linter is content with `tree` and a line at the end of a module, and what it says."""
    done = subprocess.run(
        [sys.executable, "-c", _LINT],
        cwd=tree,
        # The copies shadow what is installed.
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        input=json.dumps(faults),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    parts = done.stdout.split("\0")[:-1]
    return [(kept == "True", said) for said, kept in zip(parts[::2], parts[1::2], strict=True)]


# A module, what is added to it, and the rule that catches it.
FAULTS = [
    ("office/app.py", "import identity.app\n", "never another service"),
    ("office/app.py", "import onebox\n", "never another service"),
    ("servicekit/clock.py", "import messaging.bus\n", "never another service"),
    ("authkit/principal.py", "import messaging.bus\n", "never another service"),
    ("contracts/office.py", "import servicekit.ids\n", "never another service"),
    ("identity/joining/rules.py", "import sqlalchemy\n", "rules.py is pure"),
    ("identity/joining/rules.py", "from fastapi import Depends\n", "rules.py is pure"),
    ("identity/joining/rules.py", "from identity.joining import service\n", "Within a feature"),
    ("identity/joining/repository.py", "from identity.joining import service\n", "Within a feature"),
    ("identity/joining/service.py", "from identity.joining import endpoints\n", "Within a feature"),
    ("identity/joining/models.py", "from identity.joining import repository\n", "Within a feature"),
    ("identity/keys/service.py", "import identity.joining.models\n", "in a circle"),
    ("identity/oauth/state/context.py", "import identity.oauth.tokens.issued\n", "in a circle"),
    ("identity/clients/service.py", "import identity.oauth.state.context\n", "imports nothing of it"),
    ("identity/grants/service.py", "import identity.oauth.service\n", "imports nothing of it"),
    ("contracts/base.py", "import fastapi\n", "contracts is pydantic only"),
    ("contracts/base.py", "import sqlalchemy\n", "contracts is pydantic only"),
    ("identity/app.py", "import testkit.clock\n", "Only tests import testkit"),
    ("servicekit/app.py", "def f() -> None:\n    import testkit.clock\n", "Only tests import testkit"),
]


def test_an_import_that_breaks_a_rule_is_caught_and_the_copy_as_it_is_keeps_every_rule(tree: Path) -> None:
    faults = [(module, "\n" + source) for module, source, _ in FAULTS]
    nothing = ("office/app.py", "")
    clean, *found, clean_again = lint_imports(tree, [nothing, *faults, nothing])
    for kept, said in (clean, clean_again):
        assert kept, said
        assert "0 broken" in said
    for (module, source, rule), (kept, said) in zip(FAULTS, found, strict=True):
        assert not kept, f"not caught: {module}: {source}"
        # Long names are wrapped.
        broken = " ".join(said.split()).partition("Broken contracts")[2]
        assert rule in broken, (module, source, said)


async def test_a_model_without_its_migration_is_caught(database_factory: DatabaseFactory) -> None:
    directory, metadata = _identity()
    metadata.tables["units"].append_column(Column("seeded", Text))
    found = await migrations.check(directory, metadata, await database_factory("lint"))
    assert any("add_column" in line and "units.seeded" in line for line in found), found


def _identity() -> tuple[Path, MetaData]:
    """A real service's migrations, and a copy of its models that a test may spoil."""

    from identity import models  # noqa: F401 - fills the metadata
    from identity.base import Base

    copy = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.tables.values():
        table.to_metadata(copy)
    return ROOT / "services" / "identity" / "migrations", copy


def test_an_event_field_that_is_removed_is_caught(tree: Path, tmp_path: Path) -> None:
    model = tree / "contracts" / "identity.py"
    source = model.read_text()
    assert source.count("    phone_masked: str\n") == 1
    model.write_text(source.replace("    phone_masked: str\n", ""))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "contracts.snapshots",
            "check",
            str(ROOT / "tests" / "contracts" / "snapshots"),
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert (
        "field 'phone_masked' was removed; leave it as it is and make zhuxue.identity.person.changed.v2"
        in (done.stderr)
    )
