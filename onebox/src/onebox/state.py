"""The state directory: a lock for one process, and the secrets created on the first start."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


class AlreadyRunning(RuntimeError):
    """Another process has locked the state directory."""


@dataclass(frozen=True)
class Secrets:
    """Keys and passwords of this installation, always generated."""

    encryption_key: str
    index_key: str
    upload_key: str
    database_password: str
    sms_inbound_secret: str
    """Key of the messages that an SMS gateway passes on."""
    portal_client_key: str
    """The private key with which the portal authenticates at Identity."""
    portal_encryption_key: str
    client_secrets: dict[str, str]
    """Client secrets of the services that call Identity, by name."""


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Lock the directory for this process. Raises `AlreadyRunning`."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(str(directory)) from error
        yield


def load_secrets(directory: Path, clients: Iterable[str]) -> Secrets:
    """Load the secrets, readable by the owner only; generate and store missing ones."""
    path = directory / "secrets.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    secrets_of = kept.get("client_secrets", {})
    made = Secrets(
        encryption_key=kept.get("encryption_key") or secrets.token_hex(32),
        index_key=kept.get("index_key") or secrets.token_hex(32),
        upload_key=kept.get("upload_key") or secrets.token_hex(32),
        database_password=kept.get("database_password") or secrets.token_urlsafe(24),
        sms_inbound_secret=kept.get("sms_inbound_secret") or secrets.token_urlsafe(32),
        portal_client_key=kept.get("portal_client_key") or secrets.token_hex(32),
        portal_encryption_key=kept.get("portal_encryption_key") or secrets.token_hex(32),
        client_secrets={
            # Older files have a separate name for each secret.
            name: secrets_of.get(name) or kept.get(f"{name}_client_secret") or secrets.token_urlsafe(32)
            for name in clients
        },
    )
    if asdict(made) != kept:
        _write(path, asdict(made))
    return made


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
