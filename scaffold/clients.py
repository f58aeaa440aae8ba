"""`python -m scaffold.clients`: the OpenAPI documents pass the linter, and TypeScript clients compile.

Does nothing if nothing that it reads has changed since it last passed. Needs the network only to install the
packages of tests/clients/typescript/package-lock.json, once.
"""

import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from scaffold.members import ROOT
from testkit.backends import node as node_backend

PACKAGE = ROOT / "tests" / "clients" / "typescript"
DOCUMENTS = ROOT / "docs" / "api"
GUIDE = ROOT / "docs" / "integration.md"
_SOURCES = ("*.json", "*.yaml", "*.js", "*.ts")
# No news of a new version, no statistics, no colours.
_QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


class Clients:
    """What one Node.js checks and builds in the folder of the package."""

    def __init__(self, node: Path) -> None:
        self._node = node
        node_backend.install_package(node, PACKAGE)
        self._generated = PACKAGE / "generated"

    def lint(self, *documents: Path) -> subprocess.CompletedProcess[str]:
        """Run the linter with the rules of redocly.yaml."""
        arguments = ["lint", "--config", "redocly.yaml", "--format", "checkstyle", *map(str, documents)]
        return self._run("@redocly/cli/bin/cli.js", *arguments)

    def generate(self) -> None:
        """Write the types of each service, and the client that the guide shows. Raises CalledProcessError."""
        self._generated.mkdir(exist_ok=True)
        for document in documents():
            target = self._generated / f"{document.stem}.ts"
            arguments = [str(document), "--output", str(target), "--default-non-nullable", "false"]
            self._run("openapi-typescript/bin/cli.js", *arguments).check_returncode()
        (code,) = re.findall(r"```ts\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
        (self._generated / "guide.ts").write_text(code, encoding="utf-8")

    def compile(self) -> subprocess.CompletedProcess[str]:
        """Compile the clients with strict types to generated/js."""
        return self._run("typescript/bin/tsc", "--project", "tsconfig.json")

    def _run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self._node), str(PACKAGE / "node_modules" / script), *arguments]
        return subprocess.run(  # noqa: S603 - a program of a locked package
            command, cwd=PACKAGE, env={**os.environ, **_QUIET}, capture_output=True, text=True, check=False
        )


def documents() -> list[Path]:
    """Return the OpenAPI documents of the services."""
    return sorted(DOCUMENTS.glob("*.json"))


def state() -> str:
    """Return a digest of everything that the checks read."""
    read = [*documents(), GUIDE, Path(__file__), *(one for kind in _SOURCES for one in PACKAGE.glob(kind))]
    digest = sha256()
    for file in sorted(read):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def complaints(checkstyle: str) -> list[str]:
    """Return the findings of the linter as lines."""
    found, name = [], ""
    for line in checkstyle.splitlines():
        if file := re.search(r'<file name="([^"]*)"', line):
            name = Path(file[1]).name
        if error := re.search(r'<error line="(\d+)".* message="([^"]*)" source="([^"]*)"', line):
            found.append(f"{name}:{error[1]}: {error[2].replace('&quot;', chr(34))} ({error[3]})")
    return found


def main() -> int:
    """Check; return the exit status."""
    mark = PACKAGE / "node_modules" / ".zhuxue-checked"
    wanted = state()
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return 0
    clients = Clients(Path(node_backend.start().url))
    linted = clients.lint(*documents())
    if linted.returncode:
        sys.stdout.write("\n".join(complaints(linted.stdout) or [linted.stdout, linted.stderr]) + "\n")
        return 1
    clients.generate()
    compiled = clients.compile()
    if compiled.returncode:
        sys.stdout.write(compiled.stdout + compiled.stderr)
        return 1
    mark.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
