"""A machine that is backed up, destroyed and restored: PostgreSQL, RabbitMQ, the services."""

import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx

from onebox.demo.people import System
from testkit.backends import Backend, postgresql, rabbitmq
from testkit.backends.process import free_ports

SCRIPTS = Path(__file__).parents[2] / "deploy" / "backup"
SERVICES = ("identity", "office", "cockpit")
STORED = (*SERVICES, "portal")
_CLIENTS = ("office", "cockpit")
_READY_SECONDS = 120


class Broken(RuntimeError):
    """A part of the machine does not do what it should."""


class Machine:
    """Everything below `root`; the backups in `root/backups` survive `destroy`."""

    def __init__(self, root: Path) -> None:
        self.backups, self.files, self.facts = (root / name for name in ("backups", "files", "facts"))
        self._databases, self._logs = root / "postgres", root / "logs"
        self._owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        root.chmod(0o755)
        for folder in (self.backups, self.files, self.facts, self._logs):
            folder.mkdir()
        if self._owner is not None:
            os.chown(self.backups, self._owner.pw_uid, self._owner.pw_gid)
        self._postgres: Backend | None = None
        self._rabbitmq: Backend | None = None
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lives = 0
        self._ports = free_ports(4)
        identity, office, cockpit, _ = (f"http://localhost:{port}" for port in self._ports)
        self.system = System(identity, office, cockpit, "http://localhost/callback")

    @property
    def url(self) -> str:
        """The URL of the server's own database."""
        assert self._postgres is not None
        return self._postgres.url

    def database(self, name: str) -> str:
        """Return the URL of a service's database."""
        return self.url.rpartition("/")[0] + f"/{name}"

    def start_stores(self) -> None:
        """Start PostgreSQL, on the data that are there, and an empty RabbitMQ."""
        archive = f"BACKUP_DIR='{self.backups}' /bin/sh '{self._script('archive-wal.sh')}' '%p' '%f'"
        settings = {
            **postgresql.DURABLE,
            "archive_mode": "on",
            # A percent sign of our folders would be a placeholder; there is none.
            "archive_command": archive,
            "archive_timeout": "60s",
        }
        self._postgres = postgresql.start_private(
            postgresql.embedded_binaries(), settings, in_memory_bytes=0, keep=self._databases
        )
        self._rabbitmq = rabbitmq.start()
        # A broker that was found, and not started for this, still has the queues of before.
        self._lives += 1

    def start_services(self) -> None:
        """Start the services and wait until they are ready, Identity first."""
        for name, port in zip(SERVICES, self._ports, strict=False):
            with (self._logs / name).open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-m", name, "serve"], env=self._environment(), stdout=log, stderr=log
                )
            self._wait(name, f"http://localhost:{port}/readyz")

    def run(self, service: str, *arguments: str) -> str:
        """Run a command of a service and return what it prints. Raises `Broken` if it fails."""
        return _run([sys.executable, "-m", service, *arguments], self._environment())

    def script(self, name: str, *arguments: str) -> str:
        """Run a script of deploy/backup as the user of the databases, and return what it prints."""
        environment = {
            "PATH": f"{self._binaries()}{os.pathsep}{os.environ['PATH']}",
            "BACKUP_DIR": str(self.backups),
            "PGDATA": str(self._databases / "data"),
            "FILES_DIR": str(self.files),
            "FACTS_DIR": str(self.facts),
            "BACKUP_DAYS": "14",
        }
        if self._postgres is not None:
            _, _, address = self._postgres.url.rpartition("@")
            environment |= {"PGHOST": "127.0.0.1", "PGUSER": "postgres"}
            environment["PGPORT"] = address.partition("/")[0].rpartition(":")[2]
        if self._owner is not None:
            environment["DATA_OWNER"] = f"{self._owner.pw_uid}:{self._owner.pw_gid}"
        return _run(["/bin/sh", str(SCRIPTS / name), *arguments], environment)

    def stop_services(self) -> None:
        """Kill the services."""
        for process in self._processes.values():
            process.kill()
            process.wait()
        self._processes.clear()

    def destroy(self) -> None:
        """Kill everything and delete all of it but the backups."""
        self.stop_services()
        for backend in (self._postgres, self._rabbitmq):
            if backend is not None:
                backend.stop()
        self._postgres = self._rabbitmq = None
        for folder in (self._databases / "data", self.files, self.facts):
            shutil.rmtree(folder, ignore_errors=True)
        self.files.mkdir()
        self.facts.mkdir()

    def _wait(self, name: str, url: str) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and self._processes[name].poll() is None:
            try:
                if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise Broken(f"{name} does not start: {(self._logs / name).read_text()[-2000:]}")

    def _binaries(self) -> Path:
        """Return the programs of PostgreSQL where its user can read them."""
        own = postgresql.embedded_binaries()
        copied = self._databases / own.parent.parent.name / "pginstall" / "bin"
        return copied if copied.exists() else own

    def _script(self, name: str) -> Path:
        """Return a copy of a script that the user of the databases can read."""
        copy = self.backups.parent / name
        shutil.copyfile(SCRIPTS / name, copy)
        copy.chmod(0o755)
        return copy

    def _environment(self) -> dict[str, str]:
        assert self._rabbitmq is not None
        identity = self.system.identity
        own: dict[str, dict[str, str]] = {
            "identity": {
                "ENCRYPTION_KEY": "e1" * 32,
                "INDEX_KEY": "1d" * 32,
                "SMS_BUDGET_PER_ADDRESS": "1000000",
                "SMS_BUDGET_PER_NUMBER": "1000000",
                "SMS_BUDGET_PER_NUMBER_AND_ADDRESS": "1000000",
                "PORTAL_REDIRECT_URIS": '["http://localhost/callback"]',
                **{f"{name.upper()}_CLIENT_SECRET": name[0] * 43 for name in _CLIENTS},
            },
            "office": {"FILE_STORE_URL": f"file://{self.files}"},
            "cockpit": {"ANALYTICS_DSN": f"chdb://{self.facts}", "UPLOAD_KEY": "0b" * 32},
            "portal": {
                "OFFICE_URL": self.system.office,
                "COCKPIT_URL": self.system.cockpit,
                "PUBLIC_URL": f"http://localhost:{self._ports[3]}",
                "CLIENT_KEY": "c1" * 32,
                "ENCRYPTION_KEY": "e2" * 32,
            },
        }
        environment = dict(os.environ)
        for name, port in zip(STORED, self._ports, strict=True):
            values = {
                "MODE": "dev",
                "PORT": str(port),
                "ISSUER": identity,
                "DATABASE_URL": self.database(name),
                "RABBITMQ_URL": self._rabbitmq.url,
                "EVENT_NAMESPACE": f"drill-{os.getpid()}-{self._lives}",
                "LOG_LEVEL": "WARNING",
                **own[name],
            }
            if name != "identity":
                values["IDENTITY_URL"] = identity
            if name in _CLIENTS:
                values |= {"CLIENT_ID": name, "CLIENT_SECRET": name[0] * 43}
            environment |= {f"ZHUXUE_{name.upper()}_{key}": value for key, value in values.items()}
        return environment


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise Broken(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr[-2000:]}")
    return done.stdout.strip()
