"""The committed OpenAPI documents are those of the code, and say who may call an operation without a token.

`make lint` checks their form: tests/clients/typescript/redocly.yaml has the rules.
"""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from pydantic import JsonValue, TypeAdapter

from onebox import pages
from onebox.reference import applications, matrix, text_of
from servicekit.openapi import routes
from servicekit.vocabulary import vocabularies

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "api"
APPLICATIONS = applications()
DOCUMENTS = {service: app.openapi() for service, app in APPLICATIONS.items()}
# Who may call these is decided by the OAuth specifications, or anybody may.
IN_EVERY_SERVICE = {"getVocabulary"}
WITHOUT_TOKEN = {
    "identity": {
        *(
            "discovery",
            "rfc8414",
            "jwks",
            "authorize",
            "authorizeByPost",
            "endSession",
            "endSessionByPost",
        ),
        *("token", "revoke", "introspect", "par", "deviceAuthorization", "userinfo"),
        *("registerClient", "readClient", "changeClient", "deleteClient"),
        *("sendCode", "askCaptcha", "registerPerson", "registerAsNewHolder"),
        *("requestRecovery", "cancelByOldNumber", "getPolicy"),
        *("openTextChallenge", "textChallengeState", "receiveText"),
        "getVocabulary",
    },
    "office": {"getVocabulary"},
    "cockpit": {"getVocabulary"},
}

# Any administrator of the platform, a decision about somebody else, or the owner of the work instead.
WITHOUT_PERMISSION = {
    "identity": {
        *("listPlatformAdmins", "listProposals", "listRoleChanges", "refuseRoleChange"),
        *("requestEntitlement", "searchPeople"),
    },
    "office": {"finishAssignment"},
    "cockpit": {"stopWall"},
}


class Operation(NamedTuple):
    """One operation of one service."""

    service: str
    where: str
    content: dict[str, JsonValue]

    @property
    def id(self) -> str:
        return str(self.content["operationId"])

    @property
    def refusals(self) -> set[str]:
        responses = self.content["responses"]
        assert isinstance(responses, dict)
        return {status for status in responses if status >= "400"}

    def __str__(self) -> str:
        return f"{self.service} {self.where}"


def operations() -> Iterator[Operation]:
    for service, document in DOCUMENTS.items():
        for path, methods in document["paths"].items():
            for method, content in methods.items():
                yield Operation(service, f"{method.upper()} {path}", content)


OPERATIONS = list(operations())


@pytest.mark.parametrize("service", sorted(DOCUMENTS))
def test_the_committed_reference_is_current(service: str) -> None:
    assert (REFERENCE / f"{service}.json").read_text() == text_of(DOCUMENTS[service]), "run `make snapshots`"


def test_the_portal_passes_on_the_operations_that_exist() -> None:
    listed = ROOT / "services" / "portal" / "src" / "portal" / "proxying" / "routes.json"
    assert listed.read_text() == pages.text_of(DOCUMENTS), "run `make snapshots`"


def test_the_page_of_permissions_is_current() -> None:
    assert (REFERENCE / "permissions.md").read_text() == matrix(DOCUMENTS), "run `make snapshots`"


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_operation_names_the_permission_that_it_requires(operation: Operation) -> None:
    groups = operation.content.get("x-permissions", [])
    assert isinstance(groups, list)
    named = [one for group in groups for one in (group if isinstance(group, list) else [])]
    assert all(f"`{one}`" in str(operation.content["description"]) for one in named)
    responses = operation.content["responses"]
    assert isinstance(responses, dict)
    refuses = "permission_required" in json.dumps(responses.get("403"))
    decided_later = operation.id in WITHOUT_PERMISSION.get(operation.service, set())
    assert bool(named) is (refuses and not decided_later)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_operation_names_the_security_that_it_requires(operation: Operation) -> None:
    free = operation.id in WITHOUT_TOKEN.get(operation.service, IN_EVERY_SERVICE)
    assert bool(operation.content["security"]) is not free
    assert free or {"401", "403"} & operation.refusals


def test_operations_without_a_token_exist() -> None:
    there = {(operation.service, operation.id) for operation in OPERATIONS}
    assert {(service, name) for service, names in WITHOUT_TOKEN.items() for name in names} <= there


@pytest.mark.parametrize("service", sorted(APPLICATIONS))
def test_every_creation_sends_the_address_of_what_it_created(service: str) -> None:
    created = [
        route
        for route in routes(APPLICATIONS[service])
        if str(route.path).startswith("/api/")
        and (
            route.status_code == 201
            or (route.status_code == 202 and "id" in getattr(route.response_model, "model_fields", {}))
        )
    ]
    assert created
    assert [
        route.name
        for route in created
        if route.endpoint is not None and '"Location"' not in inspect.getsource(route.endpoint)
    ] == []


@pytest.mark.parametrize("service", sorted(DOCUMENTS))
def test_a_field_of_an_answer_is_documented_by_the_name_under_which_it_is_sent(service: str) -> None:
    documented = DOCUMENTS[service]["components"]["schemas"]
    models = {route.response_model for route in routes(APPLICATIONS[service])} - {None}
    assert models
    for model in models:
        sent = TypeAdapter(model).json_schema(mode="serialization")
        for name, schema in {sent.get("title"): sent, **sent.get("$defs", {})}.items():
            if name in documented:
                assert set(schema.get("properties", ())) == set(documented[name].get("properties", ())), name


@pytest.mark.parametrize("service", sorted(DOCUMENTS))
def test_the_vocabulary_has_every_enum_of_the_api(service: str) -> None:
    enums = {
        (name, tuple(schema["enum"]))
        for name, schema in DOCUMENTS[service]["components"]["schemas"].items()
        if "enum" in schema
    }
    listed = {(one.name, tuple(word.code for word in one.words)) for one in vocabularies(DOCUMENTS[service])}
    assert listed == enums
    assert enums or service not in WITHOUT_TOKEN
