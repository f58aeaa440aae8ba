"""What the API says of itself."""

from typing import Any

from services.office.tests.support.running_office import RunningOffice


async def test_every_operation_names_the_problems_of_authentication(office: RunningOffice) -> None:
    document: dict[str, Any] = office.app.openapi()
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation["security"]
    ]
    assert operations
    for path, method, operation in operations:
        refusals = [
            code
            for status, response in operation["responses"].items()
            if status >= "400"
            for code in response["content"]["application/problem+json"].get("examples", {})
        ]
        anybody = {"unauthenticated", "invalid_token", "insufficient_scope", "membership_required"}
        assert anybody <= set(refusals), (method, path)


async def test_readiness_covers_database_bus_and_scanner(office: RunningOffice) -> None:
    ready = await office.client(None).get("/readyz")
    assert ready.json() == {
        "status": "ok",
        "checks": {"database": "ok", "bus": "ok", "file_scanner": "ok"},
    }
