"""compose.yaml: accepted by Docker Compose v2, closed by default, and in step with the services' settings."""

import importlib
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from scaffold.members import Members
from testkit.backends import rabbitmq

from .conftest import ROOT, Compose, make_env

COMPOSE = (ROOT / "compose.yaml").read_text()
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
SERVICES = sorted(Members.load().services)
INFRASTRUCTURE = ["gateway", "postgres", "rabbitmq"]
# They read and write what belongs to others, as root with these capabilities only and without a network.
BACKUPS = {"backup": ["DAC_OVERRIDE"], "backup-folder": ["CHOWN"]}
# The cockpit's is started by a profile only; front ends have no jobs.
WORKERS = [f"{name}-worker" for name in SERVICES if name not in ("cockpit", *Members.load().front_ends)]
JOBS = [*(f"{name}-migrate" for name in SERVICES), "identity-bootstrap"]
# ${NAME}, ${NAME:-default}, ${NAME:?message}: the name, and what follows it.
VARIABLES = re.findall(r"\$\{([A-Z0-9_]+)(:?[-?+]?)[^}]*\}", COMPOSE)
REQUIRED = sorted({name for name, operator in VARIABLES if operator == ":?"})
SECRET = re.compile(r"_(PASSWORD|SECRET|KEY)$")
# Set only while keys are being replaced.
OPTIONAL = {
    "ZHUXUE_COCKPIT_OTHER_UPLOAD_KEY",
    "ZHUXUE_IDENTITY_OTHER_ENCRYPTION_KEY",
    "ZHUXUE_IDENTITY_OTHER_INDEX_KEY",
    "ZHUXUE_IDENTITY_REAL_NAME_SECRET",
    "ZHUXUE_IDENTITY_SMS_INBOUND_SECRET",
    "ZHUXUE_PORTAL_OTHER_ENCRYPTION_KEY",
}
# Of a profile, whose container refuses to start without it: Compose asks for the values of all profiles.
OF_A_PROFILE = {"ZHUXUE_CLICKHOUSE_PASSWORD"}
# Compose's defaults differ from those of the services.
OWN_DEFAULT = {"workers", "file_store_url", "sms_gateway_url"}


def variables_of(file: Path) -> dict[str, str]:
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def stages() -> dict[str, tuple[str, str]]:
    """Build stages of the Dockerfile: name -> (what it is made from, its instructions)."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)[1:]
    return {
        name: (parent, body) for parent, name, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    }


def test_everything_that_runs_is_known_to_these_tests(config: dict[str, Any]) -> None:
    assert sorted(config["services"]) == sorted([*SERVICES, *WORKERS, *INFRASTRUCTURE, *BACKUPS, *JOBS])


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_value_is_refused_by_name(
    name: str, compose: Compose, env_file: Path, tmp_path: Path
) -> None:
    incomplete = tmp_path / "env"
    incomplete.write_text(re.sub(rf"^{name}=.*$", f"{name}=", env_file.read_text(), flags=re.MULTILINE))
    result = compose(incomplete)
    assert result.returncode != 0
    assert f"variable {name} is missing a value" in result.stderr


def test_no_secret_has_a_default() -> None:
    secrets = {name: operator for name, operator in VARIABLES if SECRET.search(name)}
    assert len(secrets) >= 10
    assert {name for name, operator in secrets.items() if operator != ":?"} == OPTIONAL | OF_A_PROFILE
    assert all(f"${{{name}:-}}" in COMPOSE for name in OPTIONAL | OF_A_PROFILE)


def test_a_fresh_environment_has_no_second_keys(env_file: Path) -> None:
    assert {variables_of(env_file)[name] for name in OPTIONAL} == {""}


def test_no_secret_stands_in_the_file(config: dict[str, Any], env_file: Path) -> None:
    made = set(variables_of(env_file).values())
    for service in config["services"].values():
        for name, value in (service.get("environment") or {}).items():
            if re.search(r"(PASS|PASSWORD|SECRET|KEY)$", name) and name not in OPTIONAL:
                assert value in made, f"{name} does not come from the environment"
            if match := re.search(r"//[^/:]+:([^@]+)@", value):
                assert match[1] in made, f"{name} holds a password of its own"


def test_the_example_names_every_variable_in_words_and_gives_no_value() -> None:
    example = ROOT / ".env.example"
    with_several = re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "deploy" / "ha.yaml").read_text())
    assert set(variables_of(example)) == {*(name for name, _ in VARIABLES), *with_several}
    assert set(variables_of(example).values()) == {""}
    explained = False
    for line in example.read_text().splitlines():
        if line.startswith("ZHUXUE_"):
            assert explained, line
        else:
            explained = line.startswith("# ") and not line.startswith("# ---")


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_image_runs_as_nobody_in_particular_and_watches_itself(name: str) -> None:
    _, body = stages()[name]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", body, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*healthcheck\.py", body, re.MULTILINE)
    assert f'CMD ["python", "-m", "{name}", "serve"]' in body


@pytest.mark.parametrize("name", [*SERVICES, *WORKERS, *INFRASTRUCTURE, "backup"])
def test_what_runs_for_ever_is_watched_and_restarted(name: str, config: dict[str, Any]) -> None:
    service = config["services"][name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", [*JOBS, "backup-folder"])
def test_a_job_runs_once_and_is_waited_for(name: str, config: dict[str, Any]) -> None:
    services = config["services"]
    assert services[name]["restart"] == "no"
    waiting = [
        other["depends_on"][name]["condition"]
        for other in services.values()
        if name in other.get("depends_on", {})
    ]
    assert set(waiting) == {"service_completed_successfully"}


def test_a_job_runs_the_image_of_its_service(config: dict[str, Any]) -> None:
    services = config["services"]
    for name in (*JOBS, *WORKERS):
        assert services[name]["image"] == services[name.rpartition("-")[0]]["image"]


@pytest.mark.parametrize("name", [*SERVICES, *WORKERS, *INFRASTRUCTURE, *BACKUPS, *JOBS])
def test_every_container_is_locked_down(name: str, config: dict[str, Any]) -> None:
    service = config["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == BACKUPS.get(name, [])
    assert (service.get("network_mode") == "none") == (name in BACKUPS)
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= set(limits)
    # Our own images name their user themselves; the others would begin as root.
    assert name not in INFRASTRUCTURE or re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])


def test_the_guide_tells_the_memory_that_all_limits_add_up_to(config: dict[str, Any]) -> None:
    # Jobs have ended when the services run. Those that `make new-service` has just written are not counted.
    counted = {"identity", "office", "cockpit", "portal", *INFRASTRUCTURE}
    limits = [
        int(service["deploy"]["resources"]["limits"]["memory"])
        for name, service in config["services"].items()
        if name.removesuffix("-worker") in counted
    ]
    guide = " ".join((ROOT / "deploy" / "README.md").read_text().split())
    assert f"{sum(limits) / 2**30:g} GiB of memory, to which the limits of the containers add up" in guide


def test_the_gateway_listens_where_nobody_else_reaches_it_until_it_is_told(config: dict[str, Any]) -> None:
    published = config["services"]["gateway"]["ports"]
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}
    assert {port["published"] for port in published} == {"80", "443"}


def test_only_the_gateway_can_be_reached_from_outside(config: dict[str, Any]) -> None:
    services = config["services"]
    assert [name for name, service in services.items() if service.get("ports")] == ["gateway"]
    assert config["networks"]["back"]["internal"] is True
    for name in ("postgres", "rabbitmq", *JOBS):
        assert list(services[name]["networks"]) == ["back"]
    assert list(services["gateway"]["networks"]) == ["front"]


@pytest.mark.parametrize("name", WORKERS)
def test_jobs_run_in_a_worker_and_not_beside_requests(name: str, config: dict[str, Any]) -> None:
    service = name.partition("-")[0]
    worker, server = config["services"][name], config["services"][service]
    assert worker["command"] == ["python", "-m", service, "work"]
    assert worker["healthcheck"]["test"] == server["healthcheck"]["test"]
    assert server["environment"][f"ZHUXUE_{service.upper()}_RUN_JOBS"] == "false"


@pytest.mark.parametrize("name", [*SERVICES, *WORKERS, *JOBS])
def test_the_environment_is_what_the_settings_ask_for(
    name: str, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in list(os.environ):
        if variable.startswith("ZHUXUE_"):
            monkeypatch.delenv(variable)
    given = config["services"][name]["environment"]
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    service = name.partition("-")[0]
    module = importlib.import_module(f"{service}.settings")
    settings = module.Settings()
    known = set(type(settings).model_fields)
    if name == "identity-bootstrap":
        known |= set(type(module.BootstrapSettings()).model_fields)
    prefix = f"ZHUXUE_{service.upper()}_"
    assert settings.mode == "production"
    assert {
        variable.removeprefix(prefix).lower() for variable in given if variable.startswith(prefix)
    } <= known
    if name in SERVICES:
        assert str(settings.port) in config["services"][name]["healthcheck"]["test"]
        assert f"http://{name}:{settings.port};" in gateway()


@pytest.mark.parametrize("name", SERVICES)
def test_every_setting_of_the_guide_comes_from_the_environment_file(
    name: str, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its default while the file does not set it; the guide names those that do not."""
    given = config["services"][name]["environment"]
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    settings = importlib.import_module(f"{name}.settings").Settings()
    guide = (ROOT / "docs" / "operators.md").read_text()
    apart = re.search(r"sets every setting below from `.env`, except (.*?)\n\n", guide, re.DOTALL)
    assert apart is not None
    others = set(re.findall(r"`([A-Z_]+)`", apart[1]))
    passed_on = {name for name, _ in VARIABLES}
    for field, declared in type(settings).model_fields.items():
        variable = f"ZHUXUE_{name.upper()}_{field.upper()}"
        if variable in passed_on:
            if not declared.is_required() and field not in OWN_DEFAULT and not SECRET.search(variable):
                assert getattr(settings, field) == declared.default or given[variable] == "", variable
        else:
            assert variable.removeprefix("ZHUXUE_") in others or field.upper() in others, variable


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_knows_where_callers_reach_it(name: str, config: dict[str, Any], env_file: Path) -> None:
    given = config["services"][name]["environment"]
    host = variables_of(env_file)[f"ZHUXUE_{name.upper()}_HOSTNAME"]
    setting = "ISSUER" if name == "identity" else "PUBLIC_URL"
    assert given[f"ZHUXUE_{name.upper()}_{setting}"] == f"https://{host}"


def gateway() -> str:
    return (ROOT / "deploy" / "gateway" / "templates" / "zhuxue.conf.template").read_text()


def test_the_gateway_is_given_every_value_that_its_template_uses(config: dict[str, Any]) -> None:
    used = set(re.findall(r"\$\{(ZHUXUE_[A-Z_]+)\}", gateway()))
    given = {name for name in config["services"]["gateway"]["environment"] if name.startswith("ZHUXUE_")}
    # By 15-trusted-proxies.envsh.
    assert used - {"ZHUXUE_REAL_IP_FROM"} == given - {"ZHUXUE_TRUSTED_PROXIES"}


@pytest.mark.parametrize(
    ("service", "feature", "limit"),
    [("cockpit", "intake", "upload_limit_bytes"), ("office", "files", "file_limit_bytes")],
)
def test_the_gateway_lets_through_what_the_services_take(
    service: str, feature: str, limit: str, config: dict[str, Any]
) -> None:
    uploads = importlib.import_module(f"{service}.{feature}.endpoints").UPLOADS
    block = re.search(rf"location {uploads} \{{(.*?)\n    \}}", gateway(), re.DOTALL)
    assert block is not None
    variable = f"ZHUXUE_{service.upper()}_{limit.upper()}"
    assert f"client_max_body_size ${{{variable}}};" in block[1]
    given = [config["services"][name]["environment"][variable] for name in ("gateway", service)]
    assert given[0] == given[1]
    assert "proxy_request_buffering off;" in block[1]


def test_the_gateway_passes_on_nothing_that_a_caller_says_about_its_own_address() -> None:
    """RFC 9700 §4.13: what a reverse proxy tells the services must come from the proxy."""
    said = (ROOT / "deploy" / "gateway" / "nginx.conf").read_text()
    for header in (
        "X-Forwarded-For $remote_addr",
        "X-Forwarded-Proto $scheme",
        'Forwarded ""',
        'X-Real-IP ""',
    ):
        assert f"proxy_set_header {header};" in said


def test_the_broker_of_the_composition_is_the_one_of_the_tests(config: dict[str, Any]) -> None:
    assert config["services"]["rabbitmq"]["image"] == rabbitmq.IMAGE
    assert re.fullmatch(r"rabbitmq:\d+\.\d+\.\d+-management", rabbitmq.IMAGE)


def test_every_service_has_a_database_role_of_its_own() -> None:
    script = (ROOT / "deploy" / "postgres" / "10-databases.sh").read_text()
    made = re.findall(r'^create (\w+) "\$(\w+)"$', script, re.MULTILINE)
    assert sorted(made) == [(name, f"ZHUXUE_{name.upper()}_DB_PASSWORD") for name in SERVICES]


def test_made_secrets_are_long_distinct_and_new_each_time(env_file: Path, tmp_path: Path) -> None:
    assert make_env(tmp_path / "env").returncode == 0
    both = [variables_of(env_file), variables_of(tmp_path / "env")]
    secrets = [
        value for made in both for name, value in made.items() if SECRET.search(name) and name not in OPTIONAL
    ]
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in secrets)
    assert len(set(secrets)) == len(secrets) >= 20


def test_made_secrets_are_for_their_owner_and_never_overwritten(env_file: Path) -> None:
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    before = env_file.read_text()
    again = make_env(env_file)
    assert again.returncode == 1
    assert "not touched" in again.stderr
    assert env_file.read_text() == before
