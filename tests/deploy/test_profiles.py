"""The profiles clamav and clickhouse of compose.yaml, and what they start."""

import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # the lock has no stubs of it

from testkit.backends import clickhouse

from .conftest import ROOT, make_env

DECLARED: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
PROFILES = {
    "clamd": ["clamav", "clamav-offline"],
    "freshclam": ["clamav"],
    "clickhouse": ["clickhouse"],
}
CLAMAV = ROOT / "deploy" / "clamav"


@pytest.mark.parametrize("name", PROFILES)
def test_what_a_profile_starts_is_locked_down_and_watched(name: str) -> None:
    service = DECLARED[name]
    assert service["profiles"] == PROFILES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert service["healthcheck"]["test"]
    assert "ports" not in service
    # Only what fetches signatures reaches other networks.
    assert service["networks"] == (["front"] if name == "freshclam" else ["back"])
    for volume in service["volumes"]:
        if volume.startswith("./"):
            assert (ROOT / volume.split(":")[0]).exists(), volume


def test_the_scanner_takes_the_largest_upload(config: dict[str, Any]) -> None:
    (limit,) = re.findall(r"^StreamMaxLength (\d+)M$", (CLAMAV / "clamd.conf").read_text(), re.MULTILINE)
    largest = [
        config["services"]["gateway"]["environment"][name]
        for name in ("ZHUXUE_IDENTITY_IMPORT_LIMIT_BYTES", "ZHUXUE_OFFICE_FILE_LIMIT_BYTES")
    ]
    assert int(limit) * 2**20 > max(map(int, largest))


def test_the_server_is_the_one_of_the_tests_and_its_password_comes_from_the_environment() -> None:
    service = DECLARED["clickhouse"]
    assert clickhouse.IMAGE in service["image"]
    for name in ("config.xml", "users.xml"):
        document = ElementTree.parse(ROOT / "deploy" / "clickhouse" / name).getroot()
        assert document.tag == "clickhouse"
    (password,) = document.iter("password")
    assert password.attrib["from_env"] in service["environment"]


def program(folder: Path, name: str, script: str) -> None:
    """Make a program that is found before those of the machine."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_the_daemon_starts_when_there_are_signatures(tmp_path: Path) -> None:
    folder = tmp_path / "signatures"
    folder.mkdir()
    program(tmp_path, "clamd", 'echo "started $*"')
    # The first of them come while it waits.
    program(tmp_path, "sleep", f': >"{folder}/daily.cvd"')
    done = subprocess.run(
        ["sh", CLAMAV / "clamd.sh"],
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "SIGNATURES": str(folder)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == "started --config-file=/clamav/clamd.conf\n"
    assert done.stderr.count("no signatures") == 1


def test_an_image_of_the_site_comes_into_a_fresh_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHUXUE_CLAMAV_IMAGE", "zhuxue/base-clamav:bookworm")
    assert make_env(tmp_path / "env").returncode == 0
    assert "ZHUXUE_CLAMAV_IMAGE=zhuxue/base-clamav:bookworm\n" in (tmp_path / "env").read_text()
