"""Writes the OpenAPI documents of all services: `python -m onebox.reference DIRECTORY`."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from messaging.inprocess import InProcessBus
from onebox import services

# Additional required settings of each service.
_OWN: dict[str, dict[str, Any]] = {
    "identity": {
        "encryption_key": "00" * 32,
        "index_key": "11" * 32,
        "sms_gateway_url": "https://sms.example.org",
        "sms_gateway_secret": "-",
    },
    "cockpit": {"analytics_dsn": "chdb:///nowhere"},
}


def documents() -> dict[str, dict[str, Any]]:
    """Return the OpenAPI document of each service as in production, without a database."""
    common: dict[str, Any] = {
        "database_url": "postgresql+asyncpg://nobody@localhost/nothing",
        "rabbitmq_url": "amqp://localhost/",
        "issuer": "https://id.example.org",
    }
    snapshot: dict[str, Any] = {
        "identity_url": "https://id.example.org",
        "client_id": "-",
        "client_secret": "-",
    }
    bus = InProcessBus()
    found = {}
    for name in services.NAMES:
        values = {**common, **(snapshot if name in services.CLIENTS else {}), **_OWN.get(name, {})}
        settings = importlib.import_module(f"{name}.settings").Settings(**values)
        found[name] = importlib.import_module(f"{name}.app").build(settings, bus).openapi()
    return found


def text_of(document: dict[str, Any]) -> str:
    """Return the document as text for the file."""
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main(directory: Path) -> None:
    """Write a file per service."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, document in documents().items():
        (directory / f"{name}.json").write_text(text_of(document))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
