"""The ways to get a backend, in order, and the error if all of them fail."""

import asyncio
import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

log = logging.getLogger("testkit")

T = TypeVar("T")


class UnavailableError(Exception):
    """One way is not available here; the message gives the reason. The next way is tried."""


class NoBackendError(RuntimeError):
    """All ways failed. The message lists each way with its reason."""


class MisconfiguredError(NoBackendError):
    """An explicitly configured backend does not work, so no other way is tried."""


INSTALL_SECONDS = 300


def installed_by(what: str, command: Sequence[str], **where: Any) -> None:
    """Run an installation command, with `subprocess.run`'s `cwd` and `env`.

    Raises UnavailableError with the end of the command's output if it fails or times out.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
            **where,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{what} took longer than {INSTALL_SECONDS} s") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise UnavailableError(f"{what} failed: {' / '.join(lines[-5:])}")


def _nothing() -> None:
    """The `stop` of a backend that this run has not started."""


@dataclass
class Backend:
    """A usable server: its URL, how it was found, and how to stop it."""

    kind: str
    url: str
    via: str = ""
    close: Callable[[], None] = field(default=_nothing, repr=False)

    def stop(self) -> None:
        """Stop the server if it was started for this run. Safe to call twice."""
        close, self.close = self.close, _nothing
        close()

    @property
    def found(self) -> bool:
        """Return whether the server existed before; false if it was started for this run."""
        return self.close is _nothing

    def borrowed(self) -> "Backend":
        """Return the same server for a process that must not stop it."""
        return Backend(self.kind, self.url, self.via)


@dataclass(frozen=True)
class Way:
    """One way to get a backend: `start` returns it, or raises UnavailableError."""

    name: str
    start: Callable[[], Backend]


def first_available(kind: str, ways: Sequence[Way]) -> Backend:
    """Return the backend of the first way that works; NoBackendError lists the reasons of all failures."""
    failures: list[str] = []
    began = time.monotonic()
    for way in ways:
        try:
            backend = way.start()
        except UnavailableError as error:
            failures.append(f"  {len(failures) + 1}. {way.name}: {error}")
            continue
        backend.via = way.name
        log.info("%s via %s in %.1f s", kind, way.name, time.monotonic() - began)
        return backend
    raise NoBackendError(f"no {kind} to test against; tried:\n" + "\n".join(failures))


def from_environment(kind: str, variable: str, probe: Callable[[str], str]) -> Backend:
    """Return the server that `variable` names, checked by `probe`, which returns the URL to use.

    Unset raises UnavailableError; set but unusable raises MisconfiguredError.
    """
    url = os.environ.get(variable, "").strip()
    if not url:
        raise UnavailableError(f"{variable} is not set")
    try:
        return Backend(kind, probe(url))
    except UnavailableError as error:
        # The message omits the URL, which may contain a password.
        raise MisconfiguredError(
            f"{variable} is set, but its {kind} is unusable: {error}. Fix or unset it."
        ) from error


def run_apart(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run `coroutine` to completion on a new loop in a new thread.

    Session fixtures are synchronous and may run while a test's loop is current. asyncio.run() in the same
    thread would fail or unset that loop.
    """
    result: list[T] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            result.append(asyncio.run(coroutine))
        except BaseException as error:  # re-raised in the calling thread
            failure.append(error)

    thread = threading.Thread(target=target, name="testkit-probe", daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


def wait_until_ready(
    probe: Callable[[], object], alive: Callable[[], bool], seconds: float, tail: Callable[[], str]
) -> None:
    """Call `probe` until it stops raising UnavailableError, at most `seconds`, while `alive()`.

    Raises UnavailableError with the end of the server's log if it exits or times out.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            probe()
            return
        except UnavailableError as error:
            if not alive():
                raise UnavailableError(f"the server exited while starting: {tail()}") from error
            if time.monotonic() > deadline:
                raise UnavailableError(f"not ready after {seconds:.0f} s ({error}): {tail()}") from error
        time.sleep(0.05)
