"""What compose and `make run` tell front ends to count leads to an integer in the API of that service."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from contracts.vocabulary import Audience
from identity.settings import CountAddress
from onebox.services import counts_at_office

ROOT = Path(__file__).parents[2]


def of_compose() -> dict[str, Any]:
    found = re.search(r"^  ZHUXUE_IDENTITY_UNREAD_COUNTS: '(.*)'$", (ROOT / "compose.yaml").read_text(), re.M)
    assert found is not None
    counts: dict[str, Any] = json.loads(re.sub(r"\$\{[^}]*\}", "office.example", found[1]))
    return counts


@pytest.mark.parametrize(
    "configured", [of_compose(), counts_at_office("http://localhost:8002")], ids=["compose", "make run"]
)
def test_each_address_leads_to_an_integer(configured: dict[str, Any]) -> None:
    assert set(configured) == {"notices", "tasks"}
    for value in configured.values():
        address = CountAddress.model_validate(value)
        api = json.loads((ROOT / f"docs/api/{Audience(address.audience).service}.json").read_text())
        answer = api["paths"][urlsplit(address.href).path]["get"]["responses"]["200"]
        schema = answer["content"]["application/json"]["schema"]
        for part in address.pointer.split("/")[1:]:
            schema = _whole(api, _whole(api, schema)["properties"][part])
        assert schema["type"] == "integer", address


def _whole(api: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref") or next((one["$ref"] for one in schema.get("allOf", [])), None)
    if reference is None:
        return schema
    found: dict[str, Any] = api["components"]["schemas"][reference.rpartition("/")[2]]
    return found
