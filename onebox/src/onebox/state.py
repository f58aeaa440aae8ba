"""The state directory: one process at a time, and the secrets made on the first start."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


class AlreadyRunning(RuntimeError):
    """Another process holds the state directory."""


@dataclass(frozen=True)
class Secrets:
    """Keys and passwords of this installation; never defaults, always made."""

    encryption_key: str
    index_key: str
    database_password: str
    office_client_secret: str
    cockpit_client_secret: str


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold the directory for this process. Raises `AlreadyRunning`."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(str(directory)) from error
        yield


def load_secrets(directory: Path) -> Secrets:
    """The secrets, made on the first call and readable by the owner only."""
    path = directory / "secrets.json"
    if not path.exists():
        made = Secrets(
            encryption_key=secrets.token_hex(32),
            index_key=secrets.token_hex(32),
            database_password=secrets.token_urlsafe(24),
            office_client_secret=secrets.token_urlsafe(32),
            cockpit_client_secret=secrets.token_urlsafe(32),
        )
        part = path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(made), file)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    return Secrets(**json.loads(path.read_text()))
