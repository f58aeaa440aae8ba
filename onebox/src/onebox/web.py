"""Builds and checks the portal's pages: `python -m onebox.web build|dev|lint|test`.

A build that has happened is not repeated: `node_modules/.zhuxue-built` has the digest of all that it read.
"""

import argparse
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from onebox.settings import REPOSITORY, Settings
from servicekit import design, nodejs

WEB = REPOSITORY / "services" / "portal" / "web"
DIST = WEB / "dist"
_DOCUMENTS = REPOSITORY / "docs" / "api"
_SOURCES = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
_CHECKS = ("eslint.config.js", "vitest.config.ts")


class BuildFailed(RuntimeError):
    """A step did not succeed; the message is what it printed."""


def sources() -> list[Path]:
    """Return the files that a build reads, or copies."""
    generated = WEB / "src" / "api" / "generated"
    source = [one for one in (WEB / "src").rglob("*") if one.is_file() and generated not in one.parents]
    return [
        *(WEB / name for name in _SOURCES),
        *(WEB / "scripts").glob("*.js"),
        *source,
        *(one for one in (WEB / "public").rglob("*") if one.is_file()),
        *_DOCUMENTS.glob("*.json"),
        *design.HERE.glob("*.css"),
    ]


def _digest(files: list[Path]) -> str:
    digest = sha256()
    for file in sorted(files):
        digest.update(str(file.relative_to(REPOSITORY)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for other processes that build or check."""
    with (WEB / "tsconfig.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def current() -> bool:
    """Return whether the built pages are those of the present sources."""
    mark = WEB / "node_modules" / ".zhuxue-built"
    return (DIST / "index.html").exists() and mark.exists() and mark.read_text() == _digest(sources())


def build() -> bool:
    """Build the pages unless they are current; return whether that was necessary.

    Raises `BuildFailed`, `nodejs.NodeUnavailable`.
    """
    with _alone():
        if current():
            return False
        node = nodejs.find()
        nodejs.install_package(node, WEB, checks=False)
        digest = _digest(sources())
        _run(node, "scripts/generate.js")
        # Beside the present ones, which are served until the new ones are complete.
        new, old = WEB / "dist.new", WEB / "dist.old"
        _run(node, "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn", "--outDir", new.name)
        for gone in (old,):
            _remove(gone)
        if DIST.exists():
            DIST.rename(old)
        new.rename(DIST)
        _remove(old)
        (WEB / "node_modules" / ".zhuxue-built").write_text(digest)
        return True


def _remove(folder: Path) -> None:
    if folder.exists():
        for file in sorted(folder.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        folder.rmdir()


def lint() -> None:
    """Check style, accessibility of templates, and types against the present OpenAPI documents.

    Raises `BuildFailed`, `nodejs.NodeUnavailable`. Does nothing if nothing has changed since it passed.
    """
    with _alone():
        files = [*sources(), *(WEB / name for name in _CHECKS)]
        mark = WEB / "node_modules" / ".zhuxue-checked"
        digest = _digest(files)
        if mark.exists() and mark.read_text() == digest:
            return
        node = nodejs.find()
        nodejs.install_package(node, WEB)
        _run(node, "scripts/generate.js")
        _run(node, "node_modules/eslint/bin/eslint.js", "--max-warnings", "0", ".")
        _run(node, "node_modules/vue-tsc/bin/vue-tsc.js", "--noEmit")
        mark.write_text(digest)


def test() -> None:
    """Run the tests of components. Raises `BuildFailed`, `nodejs.NodeUnavailable`."""
    with _alone():
        node = nodejs.find()
        nodejs.install_package(node, WEB)
        _run(node, "scripts/generate.js")
        _run(node, "node_modules/vitest/vitest.mjs", "run")


def develop() -> int:
    """Serve the pages with hot reload until interrupted; calls go to the portal of `make run`."""
    node = nodejs.find()
    nodejs.install_package(node, WEB, checks=False)
    _run(node, "scripts/generate.js")
    command = [str(node), "node_modules/vite/bin/vite.js"]
    # Where `make run` is, also on other ports.
    address = {"ZHUXUE_PORTAL_ADDRESS": f"http://localhost:{Settings().first_port}"}
    variables = {**address, **nodejs.environment(node)}
    return subprocess.run(command, cwd=WEB, env=variables, check=False).returncode  # noqa: S603 - our own command


def _run(node: Path, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - programs of locked packages
        [str(node), *arguments],
        cwd=WEB,
        env={**nodejs.environment(node), "NO_COLOR": "1", "CI": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildFailed(f"{' '.join(arguments)}\n{done.stdout}{done.stderr}")


def main() -> int:
    """Run a command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m onebox.web")
    parser.add_argument("command", choices=("build", "dev", "lint", "test"))
    command = parser.parse_args().command
    try:
        if command == "dev":
            return develop()
        {"build": build, "lint": lint, "test": test}[command]()
    except (BuildFailed, nodejs.NodeUnavailable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return os.EX_OK
    return 0


if __name__ == "__main__":
    sys.exit(main())
