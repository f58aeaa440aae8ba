"""Backends of a test run: each is started once, by the process that began the run, and ends with it.

With pytest-xdist that process is the controller, which runs no tests; its workers ask for a backend through
a socket. Without workers the process asks itself.
"""

import contextlib
import importlib
import secrets
import shutil
import tempfile
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import NamedTuple, Protocol

from testkit.backends import Backend, MisconfiguredError, NoBackendError

KINDS = ("postgresql", "rabbitmq", "clickhouse", "node", "apache", "chromium")
"""The modules below `testkit.backends` that have a `start()`; imported when the backend is asked for."""


class Address(NamedTuple):
    """The address for requests for backends, as plain values, because it is sent to the workers."""

    run_id: str
    socket: str
    key: str


class Backends(Protocol):
    """Provides the backends of one run."""

    run_id: str
    """Names the run, in all its processes; databases begin with it."""

    def get(self, kind: str) -> Backend:
        """Return the backend of `kind`, started by the first call in any process of the run."""


class OwnBackends:
    """The backends of a run that this process has begun."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self.run_id = secrets.token_hex(4)
        self._locks = {kind: threading.Lock() for kind in KINDS}
        self._started: dict[str, Backend] = {}
        self._failures: dict[str, NoBackendError] = {}
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None
        self._closing = False
        self._directory = ""
        self._key = secrets.token_bytes(16)

    @property
    def started(self) -> list[Backend]:
        """Return the requested backends."""
        return list(self._started.values())

    def get(self, kind: str) -> Backend:
        """Return the backend of `kind`; NoBackendError, the same for each call, when there is none."""
        with self._locks[kind]:
            if kind in self._failures:
                raise self._failures[kind]
            if kind not in self._started:
                try:
                    self._started[kind] = importlib.import_module(f"testkit.backends.{kind}").start()
                except NoBackendError as error:
                    self._failures[kind] = error
                    raise
            return self._started[kind]

    def listen(self) -> Address:
        """Start answering workers, each in a thread; return the address for `SharedBackends`."""
        if self._listener is None:
            self._directory = tempfile.mkdtemp(prefix="zhuxue-run-")
            self._listener = Listener(f"{self._directory}/socket", authkey=self._key, backlog=64)
            self._thread = threading.Thread(target=self._accept, name="testkit-backends", daemon=True)
            self._thread.start()
        return Address(self.run_id, f"{self._directory}/socket", self._key.hex())

    def _accept(self) -> None:
        listener = self._listener
        assert listener is not None
        while True:
            try:
                connection = listener.accept()
            except (OSError, EOFError, AuthenticationError):
                continue  # a worker exited while connecting
            if self._closing:
                connection.close()
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: Connection) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            try:
                backend = self.get(connection.recv())
            except NoBackendError as error:
                connection.send((isinstance(error, MisconfiguredError), str(error)))
            except Exception as error:  # the worker reports it, as if it had started the backend itself
                connection.send((False, f"{type(error).__name__}: {error}"))
            else:
                connection.send(backend.borrowed())

    def close(self) -> None:
        """Stop the started backends, the latest first. Safe to call twice."""
        if self._listener is not None and self._thread is not None:
            self._closing = True
            with contextlib.suppress(OSError, EOFError):
                Client(self._listener.address, authkey=self._key).close()  # accept() looks at the flag
                self._thread.join()
            self._listener.close()
            self._listener = None
            shutil.rmtree(self._directory, ignore_errors=True)
        while self._started:
            _, backend = self._started.popitem()
            backend.stop()


class SharedBackends:
    """The backends of a run that another process has begun."""

    def __init__(self, address: Address) -> None:
        """Ask at `address`, which `OwnBackends.listen` gave."""
        self.run_id = address.run_id
        self._address = address
        self._known: dict[str, Backend] = {}

    def get(self, kind: str) -> Backend:
        """Return the backend of `kind`; NoBackendError in the other process's words when there is none."""
        if kind not in self._known:
            with Client(self._address.socket, authkey=bytes.fromhex(self._address.key)) as connection:
                connection.send(kind)
                answer: Backend | tuple[bool, str] = connection.recv()
            if not isinstance(answer, Backend):
                misconfigured, message = answer
                raise (MisconfiguredError if misconfigured else NoBackendError)(message)
            self._known[kind] = answer
        return self._known[kind]
