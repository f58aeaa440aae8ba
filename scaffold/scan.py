"""`python -m scaffold.scan code|packages`: bandit over the sources, pip-audit over the locks.

ruff has most rules of bandit under the same numbers. A line that answers one of them
(`# noqa: S608 - reason`) answers bandit's (B608) too, so that a finding is answered in one place. Where only
bandit finds something, `# nosec B608 - reason` answers it. Without a reason, neither does.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from scaffold.members import ROOT

LOCKS = ("run", "dev", "uv", "node")
_ANSWER = re.compile(r"# (?:noqa:|nosec) ([A-Z0-9, ]+?) - \S")
UNREACHABLE = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ServiceError", "ProxyError")


def findings(folder: Path, *targets: str) -> list[str]:
    """Return what bandit finds under `targets` that no line answers."""
    command = [
        sys.executable,
        "-m",
        "bandit",
        "-q",
        "--ignore-nosec",
        "-c",
        str(ROOT / "pyproject.toml"),
        "-f",
        "json",
        "-r",
    ]
    done = subprocess.run(  # noqa: S603 - a module of a locked package
        [*command, *targets], cwd=folder, capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)
    found = [f"{error['filename']}: {error['reason']}" for error in report["errors"]]
    for one in report["results"]:
        if not _answered(folder, one):
            place = f"{one['filename']}:{one['line_number']}"
            found.append(f"{place}: {one['test_id']} {one['issue_severity']} {one['issue_text']}")
    return found


def _answered(folder: Path, finding: dict[str, Any]) -> bool:
    lines = (folder / finding["filename"]).read_text(encoding="utf-8").splitlines()
    rules = {finding["test_id"], finding["test_id"].replace("B", "S", 1)}
    for line in lines[finding["line_range"][0] - 1 : finding["line_range"][-1]]:
        for answer in _ANSWER.findall(line):
            if not rules.isdisjoint(answer.replace(",", " ").split()):
                return True
    return False


def code() -> int:
    """Print what bandit finds."""
    found = findings(ROOT, "libs", "services", "onebox", "scaffold", "requirements", "deploy")
    print("\n".join(found))
    return 1 if found else 0


def packages(*more: str) -> int:
    """Ask for known vulnerabilities of the locked packages; 2 if nobody answers, which is no answer."""
    locks = [part for name in LOCKS for part in ("-r", f"requirements/{name}.txt")]
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--disable-pip",
        "--require-hashes",
        "--progress-spinner",
        "off",
    ]
    done = subprocess.run(  # noqa: S603 - a module of a locked package
        [*command, *locks, *(more or ("-s", "osv"))], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode and any(name in done.stderr for name in UNREACHABLE):
        print("The vulnerability service cannot be reached: nothing has been checked.", file=sys.stderr)
        print(done.stderr.strip().splitlines()[-1], file=sys.stderr)
        return 2
    print(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit({"code": code, "packages": packages}[sys.argv[1]](*sys.argv[2:]))
