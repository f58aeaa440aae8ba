"""deploy/Dockerfile: what is copied exists, and the portal's pages end up where its server looks for them.

No image is built here: that takes minutes and an engine.
"""

import re
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import portal.settings
from onebox import web
from tests.portal.conftest import settings_of

from .conftest import ROOT
from .test_compose import SERVICES, stages

APP = PurePosixPath("/app")
COPY = re.compile(r"^COPY (?:--from=(\S+) )?(.+) (\S+)$", re.MULTILINE)
WORKDIR = re.compile(r"^WORKDIR (\S+)$", re.MULTILINE)


def lineage(stage: str) -> list[str]:
    """A stage and those that it is made from, the first one first."""
    parent = stages()[stage][0]
    return [*(lineage(parent) if parent in stages() else []), stage]


def copied(stage: str) -> list[tuple[str, str, PurePosixPath]]:
    """What instructions of a stage copy: from which stage, if any, what, and to where."""
    folder = PurePosixPath("/")
    for name in lineage(stage):
        for line in stages()[name][1].splitlines():
            if found := WORKDIR.match(line):
                folder = folder / found[1]
    return [
        (origin, source, folder / target)
        for origin, sources, target in COPY.findall(stages()[stage][1])
        for source in sources.split()
    ]


def left_out(path: PurePosixPath) -> bool:
    """Whether .dockerignore keeps a file out of the build; the last rule that matches decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        rule = line.removeprefix("!")
        above = [str(one) for one in (path, *path.parents)]
        if any(fnmatch(one, rule) or fnmatch(f"/{one}", rule.replace("**", "*")) for one in above):
            out = not line.startswith("!")
    return out


@pytest.mark.parametrize("stage", sorted(stages()))
def test_everything_that_is_copied_exists_and_is_sent_to_the_engine(stage: str) -> None:
    for origin, source, _ in copied(stage):
        if origin:
            assert origin in stages()
        else:
            assert (ROOT / source).exists(), source
            assert not left_out(PurePosixPath(source)), source


def test_the_build_of_the_pages_has_every_file_that_it_reads() -> None:
    sources = [PurePosixPath(path.relative_to(ROOT).as_posix()) for path in web.sources()]
    assert len(sources) > 100
    folders = [
        (PurePosixPath(source), target)
        for stage in lineage("portal-pages")
        for origin, source, target in copied(stage)
        if not origin
    ]
    for path in sources:
        assert not left_out(path), path
        # At its place in the repository: the pages refer to the design and to the documents of the services.
        assert any(
            path.is_relative_to(source) and target / path.relative_to(source) == APP / path
            for source, target in folders
        ), path


def test_the_server_finds_the_pages_in_its_image() -> None:
    pages = settings_of("http://i.test", "http://p.test", "postgresql+asyncpg://x", "http://o.test").pages
    server = Path(portal.settings.__file__)
    wanted = {APP / path.relative_to(ROOT).as_posix() for path in (pages, server)}
    found = set[PurePosixPath]()
    for origin, source, target in (*copied("portal"), *copied("portal-files")):
        if origin == "portal-pages":
            # What Vite has built, unless it is told otherwise.
            if PurePosixPath(source) == APP / web.DIST.relative_to(ROOT).as_posix():
                found.add(target)
        elif origin:
            assert origin in ("locks", "portal-files")
        elif server.is_relative_to(ROOT / source):
            found.add(target / server.relative_to(ROOT / source).as_posix())
    assert found == wanted
    assert "COPY --from=portal-files /app /app\n" in stages()["portal"][1], "where it was installed"
    assert "--outDir" not in stages()["portal-pages"][1]


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_what_was_installed_from_the_lock_and_the_tree(name: str, config: dict[str, Any]) -> None:
    build = config["services"][name]["build"]
    assert (ROOT / build["dockerfile"]).is_file()
    assert Path(build["context"]) == ROOT
    assert lineage(build["target"]) == ["base", name], "what images are built with is not in them"
    files = f"{name}-files"
    taken = {
        (origin, source) for origin, source, _ in copied(name) if origin not in ("portal-pages", "fonts")
    }
    assert taken == {(files, "/opt/venv"), (files, "/app")}
    assert lineage(files) == ["build", files]
    body = stages()[files][1]
    assert f"/build/packages.sh {name}\n" in body
    assert [line for line in body.splitlines() if line.startswith("RUN ")][
        -1
    ] == f"RUN /build/service.sh {name}"
    assert all(f"services/{other}" not in body for other in SERVICES if other != name)


def test_packages_come_with_hashes_and_members_without_a_network() -> None:
    files = [ROOT / "deploy" / "Dockerfile", *sorted((ROOT / "deploy" / "build").glob("*.sh"))]
    installs = [
        line.replace("\\\n", " ")
        for file in files
        for line in re.findall(r"/bin/pip (?:[^\n]*\\\n)*[^\n]*", file.read_text())
    ]
    assert len(installs) == 4
    for line in installs:
        offline = {"--no-deps", "--no-index", "--no-build-isolation"} <= set(line.split())
        assert offline or "--require-hashes -r " in line or "--require-hashes --target" in line, line


def test_no_image_carries_tests_or_what_only_tests_need() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {"libs/testkit", "**/tests"} <= set(ignored)
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    locks = {f"requirements/{name}" for name in ("run.txt", "image.txt", "node.txt", "subset.py")}
    scripts = {"deploy/base", "deploy/build", "deploy/healthcheck.py"}
    assert allowed == {"libs", "services", "docs/api", *locks, *scripts}
