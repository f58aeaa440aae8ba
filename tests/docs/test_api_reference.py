"""The committed OpenAPI documents are those of the code; every operation is described."""

import json
from pathlib import Path
from typing import Any

import pytest

from onebox.reference import documents, text_of

REFERENCE = Path(__file__).parents[2] / "docs" / "api"
DOCUMENTS = documents()


@pytest.mark.parametrize("service", sorted(DOCUMENTS))
def test_the_committed_reference_is_current(service: str) -> None:
    assert (REFERENCE / f"{service}.json").read_text() == text_of(DOCUMENTS[service]), "run `make snapshots`"


def operations(service: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in DOCUMENTS[service]["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize("service", sorted(DOCUMENTS))
def test_every_operation_has_a_chinese_summary_and_names_its_refusals(service: str) -> None:
    for name, operation in operations(service):
        assert any(ord(c) > 127 for c in operation["summary"]) or "Discovery" in operation["summary"], name
        refusals = {s: r for s, r in operation["responses"].items() if s >= "400"}
        assert refusals, name
        for status, response in refusals.items():
            assert "application/problem+json" in response["content"], (name, status)


@pytest.mark.parametrize("service", sorted(DOCUMENTS))
def test_every_problem_example_has_its_code_and_chinese_words(service: str) -> None:
    codes = set()
    for name, operation in operations(service):
        for response in operation["responses"].values():
            for example in (
                response.get("content", {}).get("application/problem+json", {}).get("examples", {}).values()
            ):
                value = example["value"]
                codes.add(value["code"])
                assert any("\u4e00" <= c <= "\u9fff" for c in value["detail"]), (name, value)
    assert len(codes) > 5, json.dumps(sorted(codes))
