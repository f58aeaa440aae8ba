"""Serve Office for the benchmark: `python -m bench.tasks.serve DATABASE_URL PORT JWKS`."""

import json
import sys
from typing import Any

import uvicorn

from authkit.jwks import KeySet
from messaging.cli import keep_objects
from messaging.inprocess import InProcessBus
from office.app import build
from office.settings import Settings
from servicekit import logs


def main(url: str, port: str, jwks: str) -> None:
    """Serve until a signal."""

    async def keys() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(jwks)
        return found

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
    app = build(settings, bus=InProcessBus(), keys=KeySet(keys))
    keep_objects()
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_config=None, access_log=False, backlog=4096)


if __name__ == "__main__":
    main(*sys.argv[1:])
