"""deploy/Dockerfile: what is copied exists, and the portal's pages end up where its server looks for them.

No image is built here: that takes minutes and an engine.
"""

import re
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import pytest

import portal.settings
from onebox import web
from tests.portal.conftest import settings_of

from .conftest import ROOT
from .test_compose import stages

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
    for origin, source, target in copied("portal"):
        if origin == "portal-pages":
            # What Vite has built, unless it is told otherwise.
            assert PurePosixPath(source) == APP / web.DIST.relative_to(ROOT).as_posix()
            found.add(target)
        elif server.is_relative_to(ROOT / source):
            found.add(target / server.relative_to(ROOT / source).as_posix())
    assert found == wanted
    assert "-e ./services/portal" in stages()["portal"][1], "the server runs where it was copied to"
    assert "--outDir" not in stages()["portal-pages"][1]
