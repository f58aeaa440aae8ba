"""The linter of the OpenAPI documents is only worth running if it fails: each rule is broken on purpose."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scaffold.clients import DOCUMENTS, Clients, complaints

pytestmark = pytest.mark.seeded
Document = dict[str, Any]
LIST = "/api/v1/intake/batches"


def _operation(document: Document, method: str = "get") -> Document:
    found: Document = document["paths"][LIST][method]
    return found


def _page(document: Document) -> Document:
    schema: Document = document["components"]["schemas"]["CountedPage_BatchOut_"]
    return schema


def _inline_enum(document: Document) -> None:
    _page(document)["properties"]["items"]["items"] = {"type": "string", "enum": ["a", "b"]}


SEEDED: dict[str, tuple[str, Callable[[Document], object]]] = {
    "snake case": ("zhuxue/operation-id", lambda d: _operation(d).update(operationId="list_batches")),
    "no noun": ("zhuxue/operation-id", lambda d: _operation(d).update(operationId="list")),
    "long": ("zhuxue/operation-id", lambda d: _operation(d).update(operationId="list" + "Batches" * 5)),
    "twice": ("operation-operationId-unique", lambda d: _operation(d).update(operationId="getOverview")),
    "two tags": ("operation-singular-tag", lambda d: _operation(d)["tags"].append("指标")),
    "unknown tag": ("operation-tag-defined", lambda d: _operation(d).update(tags=["别的"])),
    "English summary": ("zhuxue/chinese", lambda d: _operation(d).update(summary="List")),
    "bare parameter": ("zhuxue/chinese", lambda d: _operation(d)["parameters"][0].pop("description")),
    "bare field": ("zhuxue/chinese", lambda d: _page(d)["properties"]["next"].pop("description")),
    "inline enum": ("zhuxue/named-enums", _inline_enum),
    "no label": (
        "zhuxue/named-enums",
        lambda d: d["components"]["schemas"]["FeedName"]["x-enumDescriptions"].pop("award"),
    ),
    "no security": ("security-defined", lambda d: _operation(d).pop("security")),
    "no servers": ("no-empty-servers", lambda d: d.pop("servers")),
    "other errors": (
        "zhuxue/problems",
        lambda d: _operation(d)["responses"]["404"].update(content={"text/plain": {}}),
    ),
    "no location": ("zhuxue/location", lambda d: _operation(d, "post")["responses"]["201"].pop("headers")),
    "no limit": (
        "zhuxue/pages",
        lambda d: _operation(d)["parameters"].remove(
            next(one for one in _operation(d)["parameters"] if one["name"] == "limit")
        ),
    ),
    "no next": ("zhuxue/pages", lambda d: _page(d)["properties"].pop("next")),
    "wrong example": (
        "no-invalid-schema-examples",
        lambda d: d["components"]["schemas"]["BatchOut"]["example"].update(accepted="neun"),
    ),
}


def _with(tmp_path: Path, name: str, seed: Callable[[Document], object]) -> Path:
    document = json.loads((DOCUMENTS / "cockpit.json").read_text(encoding="utf-8"))
    seed(document)
    file = tmp_path / f"{name.replace(' ', '-')}.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def test_the_linter_names_each_fault(tmp_path: Path, node_program: Path) -> None:
    files = [_with(tmp_path, name, seed) for name, (_, seed) in SEEDED.items()]
    sound = _with(tmp_path, "sound", lambda _: None)
    linted = Clients(node_program).lint(*files, sound)
    assert linted.returncode == 1
    found = complaints(linted.stdout)
    for file, (name, (rule, _)) in zip(files, SEEDED.items(), strict=True):
        own = [line for line in found if line.startswith(f"{file.name}:")]
        assert any(line.endswith(f"({rule})") for line in own), (name, own)
    assert not [line for line in found if line.startswith("sound")]
