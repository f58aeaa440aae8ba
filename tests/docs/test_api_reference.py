"""The committed OpenAPI documents are those of the code, and every operation is fully described.

The tests state properties of all operations: a new endpoint has to be described, and nothing changes here.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from pydantic import JsonValue

from onebox.reference import documents, matrix, text_of

REFERENCE = Path(__file__).parents[2] / "docs" / "api"
DOCUMENTS = documents()
CHINESE = re.compile(r"[\u4e00-\u9fff]")
OPERATION_ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_ID = 30
# Who may call these is decided by the OAuth specifications, or anybody may.
WITHOUT_TOKEN = {
    "identity": {
        *(
            "discovery",
            "rfc8414",
            "jwks",
            "authorize",
            "authorize_by_post",
            "end_session",
            "end_session_by_post",
        ),
        *("token", "revoke", "introspect", "par", "device_authorization", "userinfo"),
        *("register_client", "read_client", "change_client", "delete_client"),
        *("send_code", "ask_captcha", "register", "register_as_new_holder"),
        *("request_recovery", "cancel_by_old_number", "get_policy"),
        *("open_text_challenge", "text_challenge_state", "receive_text"),
    }
}

# Any administrator of the platform, a decision about somebody else, or the owner of the work instead.
WITHOUT_PERMISSION = {
    "identity": {
        *("list_platform_admins", "list_proposals", "list_role_changes", "refuse_role_change"),
        *("request_entitlement", "search_people"),
    },
    "office": {"finish_assignment"},
}


class Operation(NamedTuple):
    """One operation of one service."""

    service: str
    where: str
    content: dict[str, JsonValue]

    def __str__(self) -> str:
        return f"{self.service} {self.where}"

    def part(self, name: str) -> dict[str, JsonValue]:
        """A part that is an object."""
        found = self.content.get(name, {})
        assert isinstance(found, dict), (str(self), name)
        return found

    def text(self, name: str) -> str:
        return str(self.content.get(name, ""))


def operations() -> Iterator[Operation]:
    for service, document in DOCUMENTS.items():
        for path, methods in document["paths"].items():
            for method, content in methods.items():
                yield Operation(service, f"{method.upper()} {path}", content)


OPERATIONS = list(operations())
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@pytest.mark.parametrize("service", sorted(DOCUMENTS))
def test_the_committed_reference_is_current(service: str) -> None:
    assert (REFERENCE / f"{service}.json").read_text() == text_of(DOCUMENTS[service]), "run `make snapshots`"


def test_the_page_of_permissions_is_current() -> None:
    assert (REFERENCE / "permissions.md").read_text() == matrix(DOCUMENTS), "run `make snapshots`"


@every_operation
def test_an_operation_names_the_permission_that_it_requires(operation: Operation) -> None:
    groups = operation.content.get("x-permissions", [])
    assert isinstance(groups, list)
    named = [one for group in groups for one in (group if isinstance(group, list) else [])]
    assert all(f"`{one}`" in operation.text("description") for one in named)
    refuses = "permission_required" in json.dumps(operation.part("responses").get("403"))
    decided_later = operation.text("operationId") in WITHOUT_PERMISSION.get(operation.service, set())
    assert bool(named) is (refuses and not decided_later)


def test_operation_ids_are_short_and_unique_within_a_service() -> None:
    for operation in OPERATIONS:
        name = operation.text("operationId")
        assert OPERATION_ID.fullmatch(name), str(operation)
        assert len(name) <= LONGEST_ID, name
    counted = Counter((operation.service, operation.text("operationId")) for operation in OPERATIONS)
    assert [name for name, count in counted.items() if count > 1] == []


@every_operation
def test_an_operation_has_one_tag_that_the_document_declares(operation: Operation) -> None:
    tags = operation.content.get("tags")
    assert isinstance(tags, list)
    assert len(tags) == 1
    assert tags[0] in [tag["name"] for tag in DOCUMENTS[operation.service]["tags"]]


@every_operation
def test_an_operation_has_a_chinese_summary_and_description(operation: Operation) -> None:
    assert CHINESE.search(operation.text("summary"))
    assert CHINESE.search(operation.text("description"))


@every_operation
def test_an_operation_documents_its_success_and_its_refusals_in_chinese(operation: Operation) -> None:
    responses = operation.part("responses")
    assert any(status < "400" for status in responses)
    refusals = {status for status in responses if status >= "400"}
    assert refusals
    for status, response in responses.items():
        assert isinstance(response, dict)
        assert CHINESE.search(str(response["description"])), status
        if status in refusals:
            content = response["content"]
            assert isinstance(content, dict)
            forms = {"application/problem+json"}
            if operation.text("operationId") in WITHOUT_TOKEN.get(operation.service, set()):
                forms |= {"application/json", "text/html"}  # of the OAuth specifications, and pages
            assert forms & content.keys(), status


@every_operation
def test_an_operation_names_the_security_that_it_requires(operation: Operation) -> None:
    free = operation.text("operationId") in WITHOUT_TOKEN.get(operation.service, set())
    assert bool(operation.content.get("security")) is not free
    refusals = operation.part("responses")
    assert free or {"401", "403"} & refusals.keys()


def test_operations_without_a_token_exist() -> None:
    there = {(operation.service, operation.text("operationId")) for operation in OPERATIONS}
    assert {(service, name) for service, names in WITHOUT_TOKEN.items() for name in names} <= there


@every_operation
def test_the_parameters_of_an_operation_are_described_in_chinese(operation: Operation) -> None:
    parameters = operation.content.get("parameters", [])
    assert isinstance(parameters, list)
    for parameter in parameters:
        assert isinstance(parameter, dict)
        assert CHINESE.search(str(parameter.get("description", ""))), parameter["name"]


@every_operation
def test_an_operation_with_a_cursor_documents_its_refusal(operation: Operation) -> None:
    parameters = operation.content.get("parameters", [])
    assert isinstance(parameters, list)
    paged = any(isinstance(parameter, dict) and parameter["name"] == "cursor" for parameter in parameters)
    assert ("bad_cursor" in json.dumps(operation.part("responses").get("400"))) is paged


@pytest.mark.parametrize("service", sorted(DOCUMENTS))
def test_every_field_is_described_in_chinese(service: str) -> None:
    undescribed = [
        f"{schema}.{name}"
        for schema, content in DOCUMENTS[service]["components"]["schemas"].items()
        for name, field in content.get("properties", {}).items()
        if not CHINESE.search(field.get("description", ""))
    ]
    assert undescribed == [], f"describe the field, or add its name to {service}/descriptions.py"


@pytest.mark.parametrize("service", sorted(DOCUMENTS))
def test_every_problem_example_has_its_code_and_chinese_words(service: str) -> None:
    codes = set()
    for operation in OPERATIONS:
        if operation.service != service:
            continue
        for response in operation.part("responses").values():
            assert isinstance(response, dict)
            content = response.get("content", {})
            assert isinstance(content, dict)
            problem = content.get("application/problem+json", {})
            assert isinstance(problem, dict)
            examples = problem.get("examples", {})
            assert isinstance(examples, dict)
            for example in examples.values():
                assert isinstance(example, dict)
                value = example["value"]
                assert isinstance(value, dict)
                codes.add(str(value["code"]))
                assert CHINESE.search(str(value["detail"])), (str(operation), value)
    assert len(codes) > 5, json.dumps(sorted(codes))
