"""Serve Cockpit over HTTP: `python -m bench.cockpit.serve DATABASE_URL PORT JWKS FOLDER`."""

import json
import sys
from typing import Any

import uvicorn

from authkit.jwks import KeySet
from bench.cockpit.serving import settings_of
from cockpit.app import build
from messaging.inprocess import InProcessBus
from servicekit import logs


def main(url: str, port: str, jwks: str, folder: str) -> None:
    """Serve until a signal, as in production: small figures are hidden."""

    async def keys() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(jwks)
        return found

    logs.configure(json=True, level="CRITICAL")
    app = build(settings_of(url, folder, hide_small_cells=True), bus=InProcessBus(), keys=KeySet(keys))
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_config=None, access_log=False, backlog=4096)


if __name__ == "__main__":
    main(*sys.argv[1:])
