"""Writes the OpenAPI documents of all services: `python -m onebox.reference DIRECTORY`."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from contracts.permissions import BUILT_IN
from contracts.vocabulary import Permission, PlatformRole, Role, label
from identity.platform.rules import PERMISSIONS as PLATFORM
from messaging.inprocess import InProcessBus
from onebox import lists, services

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


def applications(**further: Any) -> dict[str, FastAPI]:
    """Return the application of each service as in production, without a database; `further` are
    settings of all services.
    """
    common: dict[str, Any] = {
        **further,
        "database_url": "postgresql+asyncpg://nobody@localhost/nothing",
        "rabbitmq_url": "amqp://localhost/",
        "issuer": "https://id.example.org",
        "public_url": "https://service.example.org",
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
        found[name] = importlib.import_module(f"{name}.app").build(settings, bus)
    return found


def documents() -> dict[str, dict[str, Any]]:
    """Return the OpenAPI document of each service."""
    return {name: app.openapi() for name, app in applications().items()}


def text_of(document: dict[str, Any]) -> str:
    """Return the document as text for the file."""
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def matrix(found: dict[str, dict[str, Any]]) -> str:
    """Return a page that lists the permissions, the operations that require them and the roles with them."""
    held: dict[str, list[str]] = {}
    for role, words in (*BUILT_IN.items(), *PLATFORM.items()):
        for one in words:
            held.setdefault(one, []).append(label(role))
    order = [label(one) for one in (*Role, *PlatformRole)]
    lines = [
        "# Permissions",
        "",
        "Written by `make snapshots`. Roles are data: a custom role allows what its permissions say,",
        "whatever its name. The last column has the built-in roles, and those of the platform. An operation",
        "with a sign-in requires this level and a sign-in no older than this (RFC 9470), of everybody or of",
        "those who use the permission in parentheses.",
        "",
        "| Permission | Meaning | Roles |",
        "| --- | --- | --- |",
    ]
    for one in Permission:
        roles = sorted(held.get(one, []), key=order.index)
        lines.append(f"| `{one}` | {one.label} | {'、'.join(roles)} |")
    for service, document in found.items():
        lines += ["", f"## {service}", ""]
        lines += ["An operation without a permission is described in [its document](" + service + ".json)."]
        lines += [
            "",
            "| Operation | Request | Requires | Sign-in | Roles |",
            "| --- | --- | --- | --- | --- |",
        ]
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                groups = operation.get("x-permissions", [])
                needs = " and ".join(" or ".join(f"`{one}`" for one in group) for group in groups)
                allowed = [{role for one in group for role in held.get(one, [])} for group in groups]
                roles = sorted(set.intersection(*allowed), key=order.index) if allowed else []
                request = f"`{method.upper()} {path}`"
                cells = (
                    f"`{operation['operationId']}`",
                    request,
                    needs,
                    _sign_in(operation),
                    "、".join(roles),
                )
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _sign_in(operation: dict[str, Any]) -> str:
    """Return the level and age of the sign-in that an operation requires, and of whom."""
    found = operation.get("x-step-up", {})
    level = f"`{found['acr_values'].rpartition(':')[2]}`" if "acr_values" in found else ""
    age = f"{found['max_age'] // 60} min" if "max_age" in found else ""
    words = ", ".join(one for one in (level, age) if one)
    return f"{words} (`{found['permission']}`)" if "permission" in found else words


def main(directory: Path) -> None:
    """Write a file per service, and the pages of permissions and of lists."""
    directory.mkdir(parents=True, exist_ok=True)
    found = documents()
    for name, document in found.items():
        (directory / f"{name}.json").write_text(text_of(document))
    (directory / "permissions.md").write_text(matrix(found))
    (directory / "lists.md").write_text(lists.page(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
