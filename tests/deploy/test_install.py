"""`requirements/install.py`, without installing anything; `.ci/run` on a new clone runs it whole."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "requirements" / "install.py"


@pytest.fixture
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_uv_gets_the_index_and_the_certificates_of_pip(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/index")
    monkeypatch.setenv("PIP_CERT", "/etc/ca.pem")
    given = install.environment()
    assert (given["UV_DEFAULT_INDEX"], given["SSL_CERT_FILE"]) == (
        "https://mirror.example/index",
        "/etc/ca.pem",
    )


def test_a_setting_of_uv_counts_more_than_pip_s(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example/index")
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example/index")
    assert install.environment()["UV_DEFAULT_INDEX"] == "https://uv.example/index"


def test_a_step_prints_a_line_with_its_duration(
    install: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    install.step("nothing", sys.executable, "-c", "print('not shown')")
    said = capsys.readouterr().out
    assert said.startswith("  nothing … ")
    assert said.endswith(" s\n")
    assert said.count("\n") == 1


def test_a_step_that_fails_prints_the_command_s_output(
    install: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="no such package"):
        install.step("something", sys.executable, "-c", "raise SystemExit('no such package')")


def test_other_versions_of_python_are_refused_by_name(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["install.py", str(tmp_path / "venv"), "libs/contracts"])
    monkeypatch.setattr(install, "OLDEST", (3, 99))
    with pytest.raises(SystemExit, match=r"Python 3\.11, 3\.12 or 3\.13 is needed, not 3\."):
        install.main()
