"""A private Prometheus that scrapes what a test runs: the installed program, or Debian's."""

import json
import shutil
from collections.abc import Mapping
from typing import Any, Self

import httpx

from testkit.backends import promtool
from testkit.backends.base import UnavailableError, wait_until_ready
from testkit.backends.process import PrivateProcess, free_port, make_directory

_START_SECONDS = 60.0


class Prometheus:
    """Scrapes addresses until it is stopped."""

    def __init__(self, process: PrivateProcess, url: str) -> None:
        self._process = process
        self._url = url

    @classmethod
    def start(cls, targets: Mapping[str, str], *, every: str = "2s") -> Self:
        """Scrape `targets`: by the name of a job, its host and port."""
        # Debian has both programs in one package.
        promtool.start()
        program = shutil.which("prometheus")
        if program is None:
            raise UnavailableError("no prometheus on this machine")
        folder, port = make_directory("zhuxue-prometheus-"), free_port()
        jobs = [{"job_name": name, "static_configs": [{"targets": [one]}]} for name, one in targets.items()]
        config = {"global": {"scrape_interval": every}, "scrape_configs": jobs}
        # JSON is YAML.
        (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        process = PrivateProcess(
            [
                *(program, f"--config.file={folder / 'prometheus.yml'}", "--log.level=error"),
                *(f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"),
            ],
            log=folder / "log",
            directories=[folder],
        )
        url = f"http://127.0.0.1:{port}"

        def probe() -> None:
            try:
                httpx.get(f"{url}/-/ready", timeout=5).raise_for_status()
            except httpx.HTTPError as error:
                raise UnavailableError(str(error)) from error

        try:
            wait_until_ready(probe, process.alive, _START_SECONDS, process.tail)
        except UnavailableError:
            process.stop()
            raise
        return cls(process, url)

    def values(self, query: str) -> list[float]:
        """Return the values that a query has now. Raises ValueError if it cannot be evaluated."""
        answer = httpx.get(f"{self._url}/api/v1/query", params={"query": query}, timeout=60).json()
        if answer["status"] != "success":
            raise ValueError(f"{query}: {answer['error']}")
        result: list[dict[str, Any]] = answer["data"]["result"]
        return [float(one["value"][1]) for one in result]

    def stop(self) -> None:
        """End it and delete what it has stored."""
        self._process.stop()
