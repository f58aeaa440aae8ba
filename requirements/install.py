"""Makes the virtual environment from the locks; `make` runs it. Needs nothing but the standard library.

    python3 requirements/install.py [--dev] VENV MEMBER …

`venv` brings pip, pip installs uv from `uv.txt`, and uv installs the rest. Both compare every file with the
hashes in the locks. Each step prints a line that ends with the seconds it took. See docs/adr/0015.
"""

from __future__ import annotations  # so that an older Python reaches the message about its version

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
HERE = Path(__file__).parent
# uv does not read pip's settings. These have a counterpart, which is used when it is not set itself.
SETTINGS = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_CERT": "SSL_CERT_FILE",
}


def environment() -> dict[str, str]:
    """Return the environment variables for uv: ours, and pip's settings under the names that uv reads."""
    translated = {theirs: os.environ[ours] for ours, theirs in SETTINGS.items() if ours in os.environ}
    return {**translated, **os.environ}


def step(title: str, *command: str | Path) -> None:
    """Run `command` under a line with `title`; when it fails, print its output and exit."""
    began = time.monotonic()
    print(f"  {title} … ", end="", flush=True)
    done = subprocess.run(
        [str(part) for part in command],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )  # nosec B603 - our own command
    if done.returncode:
        sys.exit(f"failed\n\n{done.stdout}")
    print(f"{time.monotonic() - began:.1f} s", flush=True)


def usable(python: Path) -> bool:
    """Whether `python` belongs to an environment with pip, of the Python version that runs this script."""
    program = "import pip, sys; print(sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)  # nosec B603 - our own command
    except OSError:
        return False
    return done.stdout.strip() == str(sys.version_info[:2])


def main() -> None:
    """Make the environment, or bring it up to date, and mark what it contains."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dev", action="store_true", help="include what tests and lint need")
    parser.add_argument("venv", type=Path)
    parser.add_argument("members", nargs="+")
    arguments = parser.parse_args()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(f"Python 3.11, 3.12 or 3.13 is needed, not {version}: make PYTHON=/path/to/python3.11 …")
    venv: Path = arguments.venv
    python, uv = venv / "bin" / "python", venv / "bin" / "uv"
    dev = arguments.dev or (venv / ".dev").exists()
    marks = [venv / ".run", *([venv / ".dev"] if dev else [])]
    locks = [HERE / "run.txt", HERE / "uv.txt", HERE / "node.txt", *([HERE / "dev.txt"] if dev else [])]
    print(f"Installing {'services, tests and lint' if dev else 'the services'} into {venv}:", flush=True)

    if not usable(python):
        shutil.rmtree(venv, ignore_errors=True)
        try:
            step(f"virtual environment, Python {version}", sys.executable, "-m", "venv", venv)
        except SystemExit:
            print(f"Python's venv module is needed: on Debian, apt-get install python{version}-venv")
            raise
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile")
    step("uv", *pip, "--require-hashes", "-r", HERE / "uv.txt")
    # Compiled to bytecode here, on all cores, instead of by the first start.
    sync = (uv, "pip", "sync", "--python", python, "--require-hashes", "--compile-bytecode")
    lines = [line for lock in locks for line in lock.read_text(encoding="utf-8").splitlines()]
    step(f"{sum(line[:1].isalnum() for line in lines)} packages", *sync, *locks)
    editable = [part for member in arguments.members for part in ("--editable", f"./{member}")]
    build = (uv, "pip", "install", "--python", python, "--no-deps", "--no-build-isolation")
    step(f"{len(arguments.members)} members of the workspace", *build, *editable)
    for mark in marks:
        mark.touch()


if __name__ == "__main__":
    main()
