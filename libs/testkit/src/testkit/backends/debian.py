"""Install Debian packages without letting it start a system service."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from testkit.backends.base import UnavailableError, installed_by, log

_POLICY = Path("/usr/sbin/policy-rc.d")


@contextlib.contextmanager
def services_stay_stopped() -> Iterator[None]:
    """Prevent Debian's maintainer scripts from starting services (invoke-rc.d's policy, exit 101).

    An existing policy of the machine is kept.
    """
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def _apt_get(*arguments: str) -> None:
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    installed_by(f"apt-get {arguments[0]}", command, env=env)


def install(*packages: str) -> None:
    """Install `packages` and their dependencies; UnavailableError if that is not possible here."""
    if shutil.which("apt-get") is None:
        raise UnavailableError("no apt-get on this machine")
    if os.geteuid() != 0:
        raise UnavailableError("apt-get install needs root")
    log.info("installing %s with apt-get", " ".join(packages))
    with services_stay_stopped():
        try:
            _apt_get("install", "-y", "--no-install-recommends", *packages)
        except UnavailableError:
            # The package list may be empty or old, so only the second error counts.
            _apt_get("update")
            _apt_get("install", "-y", "--no-install-recommends", *packages)
