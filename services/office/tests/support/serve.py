"""Serves Office in a process of its own: `serve.py DATABASE_URL PORT JWKS`."""

import json
import sys
from typing import Any

import uvicorn

from authkit.jwks import KeySet
from messaging.inprocess import InProcessBus
from office.app import build
from office.settings import Settings
from servicekit import logs


def main(url: str, port: str, jwks: str) -> None:
    """Serve until a signal."""

    async def fetch() -> dict[str, Any]:
        keys: dict[str, Any] = json.loads(jwks)
        return keys

    logs.configure(json=True, level="WARNING")
    settings = Settings.model_validate(
        {
            "mode": "dev",
            "run_jobs": False,
            "database_url": url,
            "issuer": "https://identity.zhuxue.test",
            "identity_url": "http://127.0.0.1:9",
            "client_id": "office",
            "client_secret": "unused",
        }
    )
    app = build(settings, bus=InProcessBus(), keys=KeySet(fetch))
    uvicorn.run(
        app, host="127.0.0.1", port=int(port), log_config=None, access_log=False, timeout_graceful_shutdown=30
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
