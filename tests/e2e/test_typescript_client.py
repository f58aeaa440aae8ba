"""A TypeScript client, generated from the OpenAPI documents, calls the running services."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from onebox.demo.people import IDENTITY, OFFICE
from onebox.demo.story import CITY, Story
from scaffold.clients import PACKAGE, Clients
from servicekit.vocabulary import vocabularies

pytestmark = pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning")

REFERENCE = Path(__file__).parents[2] / "docs" / "api" / "cockpit.json"


def ran(node: Path, environment: dict[str, str]) -> Any:
    """What the program prints."""
    done = subprocess.run(
        [str(node), str(PACKAGE / "generated" / "js" / "steps.js")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_the_guide_s_client_drafts_a_notice_and_understands_a_refusal(
    running: Any, node_program: Path
) -> None:
    clients = Clients(node_program)
    clients.generate()
    compiled = clients.compile()
    assert compiled.returncode == 0, compiled.stdout
    async with Story(running.system).person(CITY) as person:
        environment = {
            "IDENTITY": running.system.identity,
            "OFFICE": running.system.office,
            "COCKPIT": running.system.cockpit,
            "IDENTITY_TOKEN": await person.token(IDENTITY),
            "OFFICE_TOKEN": await person.token(OFFICE),
        }
    seen = await asyncio.to_thread(ran, node_program, environment)
    assert len(seen["names"]) == 3
    assert seen["level"] == "county"
    drafted = seen["drafted"]
    assert (
        drafted
        == seen["again"]
        == {
            "id": drafted["id"],
            "address": f"/api/v1/notices/outbox/{drafted['id']}",
        }
    )
    assert seen["outbox"] == {"titles": ["关于核对名册的通知"], "total": {"count": 1, "exact": True}}
    assert seen["inbox"] == {"count": 0, "exact": True}
    assert seen["refused"] == {"code": "invalid_shape", "wrong": {"/title": "内容过长"}}
    assert seen["stranger"] == {"status": 401, "code": "unauthenticated"}
    documented = vocabularies(json.loads(REFERENCE.read_text()))
    assert seen["vocabulary"] == [one.name for one in documented]
