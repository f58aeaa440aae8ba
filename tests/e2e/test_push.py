"""The example of `docs/integration.md`: a platform pushes figures for a unit, with a token of the issuer."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from onebox.demo.people import expect
from onebox.demo.story import CENTRE, COUNTY, Story, unit_id

pytestmark = pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning")
GUIDE = Path(__file__).parents[2] / "docs" / "integration.md"
COLUMNS = "record_id,unit_code,year,term,stage,programme,funding,person_token,amount"
ROW = "S3701020001,2024,spring,compulsory,living_allowance,central,kq3v9x2m7c5b8n1z4a6s0d"


async def test_a_platform_pushes_for_the_unit_it_is_registered_for(
    running: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(running.system)
    async with story.person(CENTRE) as centre:
        client = {
            "client_name": "某省学生资助平台",
            "owner_unit_id": await unit_id(centre, CENTRE),
            "grant_types": ["client_credentials"],
            "response_types": [],
            "scopes": ["cockpit:write"],
            "audiences": ["urn:zhuxue:cockpit"],
            "dpop_bound_access_tokens": True,
        }
        made = expect(await centre.identity("POST", "/clients", json=client), 201)
        grant = {
            "client_id": made["client_id"],
            "name": "某省学生资助平台",
            "unit": await unit_id(centre, COUNTY),
            "feeds": ["award"],
        }
        # Until the replica has the county.
        async with asyncio.timeout(60):
            while True:
                answer = await centre.cockpit("POST", "/intake/push-grants", json=grant)
                if answer.status_code == 201:
                    break
                assert answer.json()["code"] in {"unit_not_replicated", "unit_not_found"}, answer.text
                await asyncio.sleep(0.1)
    for name, value in (
        ("ISSUER", running.system.identity),
        ("COCKPIT", running.system.cockpit),
        ("CLIENT_ID", made["client_id"]),
        ("CLIENT_SECRET", made["client_secret"]),
    ):
        monkeypatch.setenv(name, value)
    (code,) = re.findall(r"```py\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "push"}
    exec(compile(code, str(GUIDE), "exec"), names)
    file = tmp_path / "awards.csv"
    file.write_text(f"{COLUMNS}\nA-1,{ROW},625.00\nA-2,{ROW},-1\n", encoding="utf-8")
    batch = await asyncio.to_thread(names["push"], "award", COUNTY, file)
    assert (batch.get("accepted"), batch.get("rejected")) == (1, 1), batch
    again = await asyncio.to_thread(names["push"], "award", COUNTY, file)
    assert again["id"] == batch["id"]
    foreign = await asyncio.to_thread(names["push"], "award", "370103", file)
    assert foreign["code"] == "push_not_granted"
