"""A script of deploy/ with a `docker` that notes how it is called."""

import os
import subprocess
from pathlib import Path

from .conftest import ROOT


def noted(
    folder: Path, script: str, *arguments: str, docker: str, **environment: str
) -> tuple[list[str], int, str]:
    """Run a script. Return the calls that `docker`, a shell script, has added to `$CALLS`, the exit status,
    and what was said.
    """
    program, calls = folder / "docker", folder / "calls"
    program.write_text(docker)
    program.chmod(0o755)
    done = subprocess.run(
        ["sh", ROOT / "deploy" / script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "CALLS": str(calls), **environment},
        cwd=folder,
    )
    return calls.read_text().splitlines(), done.returncode, done.stderr
