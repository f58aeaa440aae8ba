"""The whole system as in production: a process per service, PostgreSQL, RabbitMQ; only dev mode for SMS.

The databases are migrated and filled once per run, by the commands of an operator, and copied for each test.
"""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from onebox.demo.people import System
from onebox.services import CLIENTS
from testkit.backends.process import free_ports

# The same for every test: what is sealed in a template is opened in its copies.
KEYS = {"ENCRYPTION_KEY": "e1" * 32, "INDEX_KEY": "1d" * 32}
SECRETS = {name: name[0] * 43 for name in CLIENTS}


def command(service: str, *arguments: str, environment: Mapping[str, str]) -> None:
    """Run a one-shot command of a service."""
    subprocess.run([sys.executable, "-m", service, *arguments], env=environment, check=True, timeout=120)


def prepare(service: str, environment: Mapping[str, str], url: str) -> None:
    """Migrate the database of a service; Identity's with keys, clients and world S."""
    own = {**environment, f"ZHUXUE_{service.upper()}_DATABASE_URL": url}
    command(service, "migrate", environment=own)
    if service == "identity":
        command(service, "bootstrap", "s", environment=own)


@dataclass
class Running:
    """Processes by service name, and how to start them again."""

    system: System
    environment: dict[str, str]
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, service: str) -> None:
        """Start a service and wait until it is ready."""
        with (self.logs / f"{service}.log").open("ab") as log:
            self.processes[service] = subprocess.Popen(
                [sys.executable, "-m", service, "serve"], env=self.environment, stdout=log, stderr=log
            )
        url = getattr(self.system, service)
        for _ in range(600):
            if self.processes[service].poll() is not None:
                break
            try:
                if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise RuntimeError((self.logs / f"{service}.log").read_text()[-3000:])

    def kill(self, service: str) -> None:
        """`kill -9`."""
        self.processes[service].kill()
        self.processes[service].wait()

    def stop(self) -> None:
        """Stop all."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
async def running(
    request: pytest.FixtureRequest,
    database_factory: Callable[..., Any],
    rabbitmq_url: str,
    event_namespace: str,
    tmp_path: Path,
) -> AsyncIterator[Running]:
    """Migrated, with world S, serving. The parameter is the lifetime of access tokens in seconds."""
    identity, office, cockpit = free_ports(3)
    issuer = f"http://localhost:{identity}"
    system = System(
        issuer, f"http://localhost:{office}", f"http://localhost:{cockpit}", "http://localhost/callback"
    )
    values: dict[str, dict[str, str]] = {
        "IDENTITY": {
            "PORT": str(identity),
            **KEYS,
            "SMS_BUDGET_PER_ADDRESS": "1000000",
            "SMS_BUDGET_PER_NUMBER": "1000000",
            "SMS_BUDGET_PER_NUMBER_AND_ADDRESS": "1000000",
            "ACCESS_TOKEN_SECONDS": str(getattr(request, "param", 300)),
            **{f"{name.upper()}_CLIENT_SECRET": secret for name, secret in SECRETS.items()},
            "PORTAL_REDIRECT_URIS": '["http://localhost/callback"]',
        },
        "OFFICE": {"PORT": str(office)},
        "COCKPIT": {"PORT": str(cockpit), "ANALYTICS_DSN": f"chdb://{tmp_path / 'facts'}"},
    }
    (tmp_path / "facts").mkdir()
    environment = dict(os.environ)
    for name, own in values.items():
        own |= {
            "MODE": "dev",
            "ISSUER": issuer,
            "RABBITMQ_URL": rabbitmq_url,
            "EVENT_NAMESPACE": event_namespace,
            # What a production deployment logs: a test looks for personal data in it.
            "LOG_LEVEL": "INFO",
        }
        if name != "IDENTITY":
            own |= {
                "IDENTITY_URL": issuer,
                "CLIENT_ID": name.lower(),
                "CLIENT_SECRET": SECRETS[name.lower()],
            }
        environment |= {f"ZHUXUE_{name}_{key}": value for key, value in own.items()}
    for service in ("identity", "office", "cockpit"):
        url = await database_factory(service, partial(prepare, service, environment))
        environment[f"ZHUXUE_{service.upper()}_DATABASE_URL"] = url
    everything = Running(system, environment, tmp_path)
    try:
        for service in ("identity", "office", "cockpit"):
            everything.start(service)
        yield everything
    finally:
        everything.stop()
