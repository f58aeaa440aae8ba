"""The scripts that make and start the composition, with a `docker` that only notes how it is called."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from .conftest import ROOT
from .test_compose import SERVICES, variables_of

DOCKER = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
    $FAILING*) exit 1 ;;
    "compose config --images") printf '%s\\n' one:1 two:2 one:1 ;;
    "save --output "*) echo content >"$3" ;;
esac
"""
FIRST = {
    "ZHUXUE_DOMAIN": "example.org",
    "ZHUXUE_SMS_GATEWAY_URL": "https://sms.example.org/send",
    "ZHUXUE_IDENTITY_FIRST_ADMIN_PHONE": "13800138000",
    "ZHUXUE_IDENTITY_FIRST_ADMIN_NAME": "王小明",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A copy of what the scripts work with: they write into the folder above theirs."""
    copy = tmp_path / "zhuxue"
    shutil.copytree(ROOT / "deploy", copy / "deploy", ignore=shutil.ignore_patterns("*.pem"))
    for name in ("compose.yaml", ".env.example"):
        shutil.copy(ROOT / name, copy)
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    return copy


def ran(
    place: Path, script: str, *arguments: str, failing: str = "-", **environment: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """What a script printed, and how it called `docker`."""
    calls = place.parent / "calls"
    calls.write_text("")
    path = f"{place.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", place / "deploy" / script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        env={"PATH": path, "CALLS": str(calls), "FAILING": failing, **environment},
    )
    return done, calls.read_text().splitlines()


def test_the_first_start_makes_secrets_a_certificate_and_images_and_registers_the_administrator(
    place: Path,
) -> None:
    done, calls = ran(place, "up.sh", **FIRST)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "https://gz.example.org\n"
    assert "Only this machine reaches it" in done.stderr

    made = place / ".env"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert re.fullmatch(r"[0-9a-f]{64}", variables_of(made)["ZHUXUE_POSTGRES_PASSWORD"])
    assert "13800138000" not in made.read_text(), "a person's number is no setting"
    builds = [line for line in calls if line.startswith("build ")]
    tags = [tag for line in builds for tag in re.findall(r"--tag (\S+)", line)]
    assert sorted(tags) == [f"zhuxue/{name}:0.1.0" for name in SERVICES]
    started, registered = calls[-2:]
    assert started == "compose up --detach --wait --no-build"
    assert registered.startswith("compose run --rm --no-deps -e ZHUXUE_IDENTITY_FIRST_ADMIN_PHONE ")
    assert registered.endswith(" identity-bootstrap python -m identity bootstrap national")

    tls = place / "deploy" / "tls"
    (server, authority) = x509.load_pem_x509_certificates((tls / "fullchain.pem").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = {value for name, value in variables_of(made).items() if name.endswith("_HOSTNAME")}
    assert len(hosts) == len(SERVICES)
    assert set(names.get_values_for_type(x509.DNSName)) == hosts
    server.verify_directly_issued_by(authority)
    assert not list(tls.glob("*.key"))
    key = (tls / "privkey.pem").stat()
    as_root = (key.st_uid, stat.S_IMODE(key.st_mode)) == (101, 0o400)
    assert as_root if os.geteuid() == 0 else stat.S_IMODE(key.st_mode) == 0o644

    before = {file: file.read_bytes() for file in (made, *tls.glob("*.pem"))}
    again, calls = ran(place, "up.sh", "--no-build")
    assert again.returncode == 0, again.stderr
    assert calls[-1] == "compose up --detach --wait --no-build"
    assert not [line for line in calls if line.startswith("build ")]
    assert {file: file.read_bytes() for file in before} == before


def test_the_gateway_can_read_a_certificate_in_a_new_folder_and_none_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    command: list[str | Path] = ["sh", ROOT / "deploy" / "dev-certificate.sh", folder, "gz.example.org"]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (folder, *folder.iterdir())}
    del modes["privkey.pem"]
    assert modes == {"tls": 0o755, "ca.pem": 0o644, "fullchain.pem": 0o644}
    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 1
    assert "not touched" in again.stderr


@pytest.mark.parametrize("missing", FIRST)
def test_without_a_terminal_what_is_missing_is_named_and_nothing_is_made(place: Path, missing: str) -> None:
    done, calls = ran(place, "up.sh", **{name: value for name, value in FIRST.items() if name != missing})
    assert done.returncode == 1
    assert f"{missing} is missing" in done.stderr
    assert not (place / ".env").exists()
    assert [line.split()[0] for line in calls] == ["info", "compose"]


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        ("info", "Docker Engine does not answer"),
        ("compose version", "Docker Compose is missing"),
        ("build", "zhuxue/identity:0.1.0 was not built"),
        ("compose up", "not everything has started"),
        ("compose run", "the first administrator was not registered"),
    ],
)
def test_a_step_that_fails_is_the_last(place: Path, failing: str, said: str) -> None:
    done, calls = ran(place, "up.sh", failing=failing, **FIRST)
    assert done.returncode == 1
    assert said in done.stderr
    assert calls[-1].startswith(failing)
    assert done.stdout == ""


def test_a_build_gets_the_settings_of_the_site_and_keeps_no_secret(place: Path) -> None:
    done, calls = ran(
        place,
        "images.sh",
        "office",
        ZHUXUE_VERSION="7",
        ZHUXUE_PYTHON_IMAGE="site/python:3.11",
        ZHUXUE_CA_FILE="/etc/ca.pem",
        ZHUXUE_PIP_CONF="/etc/pip.conf",
        ZHUXUE_PIP_INDEX="the-site-s-mirror",
        ZHUXUE_FONT_PACKAGES="",
        ZHUXUE_BUILD_NETWORK="host",
    )
    assert done.returncode == 0, done.stderr
    (call,) = calls
    assert "--target office --tag zhuxue/office:7 " in call
    assert "--build-arg BASE_IMAGE=site/python:3.11 " in call
    assert "--build-arg PIP_INDEX_URL=the-site-s-mirror " in call
    assert "--build-arg FONT_PACKAGES= " in call
    assert "--secret id=ca_bundle,src=/etc/ca.pem --secret id=pip_conf,src=/etc/pip.conf " in call
    assert "npm_conf" not in call
    assert call.endswith("--network host .")


def test_an_image_that_nobody_knows_is_refused(place: Path) -> None:
    done, calls = ran(place, "images.sh", "nobody")
    assert (done.returncode, calls) == (1, [])
    assert "there is no service 'nobody'" in done.stderr


def test_base_images_are_those_of_compose_and_are_printed_for_the_environment_file(place: Path) -> None:
    done, calls = ran(place, "base-images.sh", ZHUXUE_DEBIAN_SUITE="trixie")
    assert done.returncode == 0, done.stderr
    printed = dict(line.split("=", 1) for line in done.stdout.splitlines())
    compose = (ROOT / "compose.yaml").read_text()
    watching = {f"ZHUXUE_{name}_IMAGE" for name in ("PROMETHEUS", "GRAFANA", "VECTOR")}
    # ClamAV's is built when it is asked for, and ClickHouse is in no Debian.
    others = {"ZHUXUE_CLAMAV_IMAGE", "ZHUXUE_CLICKHOUSE_IMAGE"}
    assert set(printed) == set(re.findall(r"\$\{(ZHUXUE_[A-Z]+_IMAGE):-", compose)) - watching - others
    assert {line.split("--tag ")[1].split()[0] for line in calls if "--tag" in line} == set(printed.values())
    assert all("--build-arg BASE_IMAGE=zhuxue/debian:trixie" in line for line in calls if "--tag" in line)

    made = place / "env"
    subprocess.run(
        ["sh", place / "deploy" / "make-env.sh", "example.org", "https://sms.example.org/send", made],
        env={**os.environ, **printed},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert printed.items() <= variables_of(made).items()


def test_an_archive_is_loaded_only_as_it_was_saved(place: Path, tmp_path: Path) -> None:
    archive = tmp_path / "images.tar"
    done, calls = ran(place, "images-archive.sh", "save", str(archive))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["one:1", "two:2"]
    assert calls[-1] == f"save --output {archive} one:1 two:2"
    assert not (place / ".env").exists()

    done, calls = ran(place, "images-archive.sh", "load", str(archive))
    assert done.returncode == 0, done.stderr
    assert calls == [f"load --quiet --input {archive}"]

    archive.write_text("other content\n")
    done, calls = ran(place, "images-archive.sh", "load", str(archive))
    assert (done.returncode, calls) == (1, [])
    assert "nothing was loaded" in done.stderr


def test_every_service_has_an_image(place: Path) -> None:
    done, calls = ran(place, "images.sh")
    assert done.returncode == 0
    assert sorted(re.findall(r"--target (\w+)", "\n".join(calls))) == SERVICES
