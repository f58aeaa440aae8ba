"""Serve Office with a real broker.

python -m bench.office.process DATABASE_URL BROKER_URL NAMESPACE PORT JWKS jobs|none
"""

import json
import sys
from typing import Any

import uvicorn

from authkit.jwks import KeySet
from messaging.cli import keep_objects
from office.app import build
from office.settings import Settings
from servicekit import logs


def main(url: str, broker: str, namespace: str, port: str, jwks: str, jobs: str) -> None:
    """Serve until a signal; with the word `jobs`, run jobs as well."""

    async def keys() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(jwks)
        return found

    logs.configure(json=True, level="ERROR")
    settings = Settings.model_validate(
        {
            "mode": "dev",
            "run_jobs": jobs == "jobs",
            "database_url": url,
            "rabbitmq_url": broker,
            "event_namespace": namespace,
            "issuer": "https://identity.zhuxue.test",
            "identity_url": "http://127.0.0.1:9",
            "client_id": "office",
            "client_secret": "unused",
        }
    )
    app = build(settings, keys=KeySet(keys))
    keep_objects()
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_config=None, access_log=False, backlog=4096)


if __name__ == "__main__":
    main(*sys.argv[1:])
