"""The composition for production on this machine's Docker Engine: settings, commands, what is left of it."""

import importlib.util
import json
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onebox.demo import people
from tests.composition.messages import Messages, receiving

ROOT = Path(__file__).parents[2]
PROJECT, TAG, DOMAIN = "zhuxue-check", "check", "zhuxue.test"
HOSTS = ("id", "bg", "jsc", "gz")
# A loopback address that nobody else listens on, so that the ports can be those of production.
ADDRESS = "127.8.8.8"
SUBNET, BRIDGE = "10.231.81.0/24", "10.231.81.1"
LABEL = f"label=com.docker.compose.project={PROJECT}"
LINES_OF_LOGS = 40
PSQL = ("docker", "compose", "exec", "-T", "postgres", "psql", "-U", "postgres", "-d", "identity", "-c")


class Unfit(RuntimeError):
    """The machine lacks something; the message says what."""


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print what is done, and what it took."""
    print(f"== {what}", flush=True)
    began = time.monotonic()
    yield
    print(f"   {what}: {time.monotonic() - began:.0f} s", flush=True)


def run(*command: str | Path, environment: dict[str, str], **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository; raises CalledProcessError if it fails."""
    return subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=environment, check=True, text=True, **more
    )


def output(*command: str, environment: dict[str, str]) -> str:
    return run(*command, environment=environment, stdout=subprocess.PIPE).stdout


def settings_of(folder: Path, messages: Messages, environment: dict[str, str]) -> dict[str, str]:
    """Write an environment file; return the variables by which every command below works with it."""
    file = folder / "env"
    run(
        *("deploy/make-env.sh", DOMAIN, f"http://{BRIDGE}:{messages.port}/", file),
        environment=environment,
        stderr=subprocess.DEVNULL,
    )
    (messages.secret,) = [
        line.partition("=")[2]
        for line in file.read_text().splitlines()
        if line.startswith("ZHUXUE_IDENTITY_SMS_GATEWAY_SECRET=")
    ]
    # A thousand people sign in from one address.
    many = dict.fromkeys(("PER_NUMBER", "PER_NUMBER_AND_ADDRESS", "PER_ADDRESS", "TOTAL"), "1000000")
    own = {
        "ZHUXUE_VERSION": TAG,
        "ZHUXUE_BIND_ADDRESS": ADDRESS,
        "ZHUXUE_FRONT_SUBNET": SUBNET,
        "ZHUXUE_TLS_DIR": str(folder / "tls"),
        "ZHUXUE_PORTAL_REDIRECT_URIS": json.dumps([f"https://gz.{DOMAIN}/demo/callback"]),
        # No more than this machine allows.
        "ZHUXUE_RABBITMQ_OPEN_FILES": str(min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])),
        "ZHUXUE_GATEWAY_RATE": "1000r/s",
        "ZHUXUE_GATEWAY_SIGN_IN_RATE": "1000r/s",
        **{f"ZHUXUE_IDENTITY_SMS_BUDGET_{name}": value for name, value in many.items()},
    }
    with file.open("a") as more:
        more.writelines(f"{name}={value}\n" for name, value in own.items())
    return {**environment, "COMPOSE_ENV_FILES": str(file), "COMPOSE_PROJECT_NAME": PROJECT}


def with_compose(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """Return an environment in which `docker compose` is there: the machine's, or that of the lock."""
    found = subprocess.run(
        ["docker", "compose", "version"], env=environment, capture_output=True, check=False
    )
    if found.returncode == 0:
        return environment
    spec = importlib.util.find_spec("compose")
    if spec is None or spec.origin is None:
        raise Unfit("Docker Compose is missing, also from .venv")
    plugins = folder / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(Path(spec.origin).with_name("docker-compose"))
    return {**environment, "DOCKER_CONFIG": str(plugins.parent)}


def engine(environment: dict[str, str]) -> str:
    """Return the version of Docker Engine; raises Unfit."""
    if os.geteuid() != 0:
        raise Unfit("debootstrap needs root")
    for program in ("docker", "debootstrap"):
        if shutil.which(program, path=environment["PATH"]) is None:
            raise Unfit(f"{program} is not installed")
    asked = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        raise Unfit(f"Docker Engine does not answer: {asked.stderr.strip()}")
    return asked.stdout.strip()


def resolve() -> None:
    """Let this process find the host names of the composition, which no name server knows."""
    ask = socket.getaddrinfo

    def answer(host: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return ask(ADDRESS if str(name).endswith(f".{DOMAIN}") else host, *more, **named)

    socket.getaddrinfo = answer


def left_behind(environment: dict[str, str]) -> list[str]:
    """Return the containers, volumes and networks of the project that exist."""
    asked = (
        ("ps", "--all", "--filter", LABEL, "--format", "container {{.Names}}"),
        ("volume", "ls", "--filter", LABEL, "--format", "volume {{.Name}}"),
        ("network", "ls", "--filter", LABEL, "--format", "network {{.Name}}"),
    )
    return [
        line
        for arguments in asked
        for line in output("docker", *arguments, environment=environment).splitlines()
    ]


def complain(environment: dict[str, str]) -> None:
    """Print what the containers said last."""
    subprocess.run(["docker", "compose", "ps", "--all"], cwd=ROOT, env=environment, check=False)
    subprocess.run(
        ["docker", "compose", "logs", "--no-color", "--tail", str(LINES_OF_LOGS)],
        cwd=ROOT,
        env=environment,
        check=False,
    )


def exit_status_of(name: str, check: Callable[[Path, Messages, dict[str, str]], None]) -> int:
    """Run a check in a folder of its own; return the exit status."""
    began = time.monotonic()
    environment = {"DOCKER_BUILDKIT": "1", **os.environ}
    with tempfile.TemporaryDirectory(prefix="zhuxue-check-") as folder, receiving() as messages:
        # The gateway's user reads the certificates below it.
        Path(folder).chmod(0o755)
        try:
            check(Path(folder), messages, environment)
        except Unfit as error:
            print(f"{name}: not run: {error}")
            return 2
        except (people.Failed, TimeoutError, subprocess.CalledProcessError) as error:
            print(f"{name}: failed: {error}")
            return 1
    print(f"{name}: passed in {time.monotonic() - began:.0f} s")
    return 0
