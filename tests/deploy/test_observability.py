"""The profile observability: alerts fire, metrics exist, runbooks are there, and logs are kept."""

import json
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # the lock has no stubs of it
from prometheus_client import REGISTRY

from scaffold.members import Members
from testkit import promql
from testkit.backends import promtool

from .applications import NAMES, application
from .conftest import ROOT

FOLDER = ROOT / "deploy" / "observability"
DASHBOARDS = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
RULES = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
ALERTS = [rule["alert"] for rule in RULES]
PANELS = [panel for file in DASHBOARDS for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]]
TARGETS = [target for panel in PANELS for target in panel["targets"]]
QUERIES = [*(rule["expr"] for rule in RULES), *(target["expr"] for target in TARGETS)]
LEGEND = re.compile(r"\{\{ ?(?:\$labels\.)?(\w+) ?\}\}")
# What Prometheus makes of a histogram.
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def test_every_alert_fires_for_its_series() -> None:
    program = promtool.start().url
    for arguments in (
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
    ):
        done = subprocess.run([program, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
    cases = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    tested = [re.findall(r'alertname="(\w+)"', case["promql_expr_test"][0]["expr"]) for case in cases]
    assert sorted(name for names in tested for name in names) == sorted(ALERTS)
    # A case without a sample would say that the alert does not fire.
    assert all(case["promql_expr_test"][0]["exp_samples"] for case in cases)


@pytest.mark.parametrize("edition", ["docs/runbooks.md", "docs/zh-CN/runbooks.md"])
def test_every_alert_has_a_runbook(edition: str) -> None:
    headings = re.findall(r"^## (\w+)$", (ROOT / edition).read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == ALERTS
    assert {rule["annotations"]["runbook"] for rule in RULES} == {
        f"docs/runbooks.md#{name.lower()}" for name in ALERTS
    }


async def test_every_metric_that_is_asked_for_is_there_even_without_a_database() -> None:
    there: set[str] = set()
    for name in NAMES:
        app = application(name)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{name}.test") as http:
            answer = await http.get("/metrics")
            assert answer.status_code == 200, answer.text
            there |= set(re.findall(r"^# TYPE (\S+) ", answer.text, re.MULTILINE))
        await app.state.database.close()
    asked = {selector.metric for query in QUERIES for selector in promql.selectors(query)}
    ours = {SUFFIX.sub("", name) for name in asked if name.startswith("zhuxue_")}
    assert len(ours) > 20
    assert ours - there == set()


def test_every_label_that_is_asked_for_is_one_of_its_metric() -> None:
    def missing(metric: str, label: str) -> bool:
        collector = REGISTRY._names_to_collectors[metric]
        labels = getattr(collector, "_labelnames", ())
        return label not in (*labels, *(["le"] if metric.endswith("_bucket") else ()))

    asked = {pair for query in QUERIES for pair in promql.labels_asked_for(query)}
    assert len(asked) > 20
    assert [pair for pair in asked if pair[0].startswith("zhuxue_") and missing(*pair)] == []


def test_legends_and_summaries_name_labels_that_the_result_has() -> None:
    told = [
        *((rule["expr"], rule["annotations"]["summary"]) for rule in RULES),
        *((target["expr"], target["legendFormat"]) for target in TARGETS),
    ]
    for query, words in told:
        # Without an aggregation the result has the labels of the series, and `absent` those that it asks for;
        # only `up` is asked so.
        there = promql.grouped_by(query) or (
            {"job"} if query.startswith(("up ", "absent(up{job=")) else set()
        )
        assert set(LEGEND.findall(words)) <= there, (query, words)


def test_the_queries_of_the_dashboards_can_be_parsed(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{at}", "expr": target["expr"]} for at, target in enumerate(TARGETS)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    command = [promtool.start().url, "check", "rules", "--lint=none", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_service_is_scraped_and_each_dashboard_is_that_of_a_service() -> None:
    names = sorted(Members.load().services)
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    assert sorted(job["job_name"] for job in jobs) == sorted([*names, "rabbitmq"])
    # A new service begins without a dashboard of its own.
    assert {"cockpit", "identity", "office", "portal"} <= {file.stem for file in DASHBOARDS} <= set(names)
    declared = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    several = re.findall(r"^  ([a-z0-9-]+):", (ROOT / "deploy" / "ha.yaml").read_text(), re.MULTILINE)
    for job in jobs:
        assert set(job["dns_sd_configs"][0]["names"]) <= {*declared, *several}


def test_what_watches_is_locked_down_and_cannot_be_reached_from_outside() -> None:
    declared = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    watching = {name: one for name, one in declared.items() if one.get("profiles") == ["observability"]}
    assert watching.keys() == {"prometheus", "grafana", "log-shipper", "log-keeper"}
    for name, service in watching.items():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}, name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        for volume in service["volumes"]:
            host, _, inside = (
                volume.rpartition(":")[0].rpartition(":") if volume.endswith(":ro") else ("", "", "")
            )
            assert not host.startswith("./") or (ROOT / host).exists(), volume
            assert inside or volume.split(":")[0] in {"prometheus-data", "log-positions", "logs"}, volume
    mebibytes = {"m": 1, "g": 1024}
    limits = [service["deploy"]["resources"]["limits"]["memory"] for service in watching.values()]
    total = sum(int(limit[:-1]) * mebibytes[limit[-1]] for limit in limits)
    assert f"needs {total:,} MiB more" in " ".join((ROOT / "deploy" / "README.md").read_text().split())


def keep(logs: Path, days: int) -> "subprocess.CompletedProcess[str]":
    """Run the keeper once."""
    environment = {**os.environ, "ZHUXUE_LOG_DAYS": str(days), "ZHUXUE_LOG_FOLDER": str(logs)}
    command = ["sh", str(FOLDER / "logs" / "keep.sh"), "once"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_logs_are_kept_for_six_months_and_not_for_ever(tmp_path: Path) -> None:
    def day(ago: int) -> str:
        return (datetime.now(UTC) - timedelta(days=ago)).strftime("%Y-%m-%d")

    made = partial(map, day)
    for name in (*made((0, 1, 189, 192, 500)), "lost+found"):
        (tmp_path / name).mkdir()
    done = keep(tmp_path, 190)
    assert done.returncode == 0, done.stderr
    assert {folder.name for folder in tmp_path.iterdir()} == {*made((0, 1, 189)), "lost+found"}
    refused = keep(tmp_path, 90)
    assert refused.returncode == 1
    assert "six months" in refused.stderr
