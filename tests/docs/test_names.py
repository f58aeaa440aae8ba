"""An answer of Office names what it has the id of: people, units, notices, groups."""

from collections.abc import Iterator, Mapping
from typing import Any

from onebox.lists import NAMES
from onebox.reference import documents

DOCUMENT = documents()["office"]
SCHEMAS: Mapping[str, Any] = DOCUMENT["components"]["schemas"]

NAMED_BY: Mapping[str, tuple[str, ...]] = {
    **NAMES,
    "parent_id": ("ancestors",),
    "supersedes_id": ("replaces",),
    "superseded_by_id": ("replaced_by",),
    "updated_by": ("updater_name",),
}
NAMED_ELSEWHERE: Mapping[tuple[str, str], str] = {
    ("ContentOut", "supersedes_id"): "the revision or the notice that has the content: `replaces`",
    ("RecipientsOut", "units"): "`recipient_units` of the own notice and of a revision; a save has sent them",
    ("RecipientsOut", "groups"): "`recipient_groups`, as above",
    ("FileOut", "subject_id"): "what the caller has asked for",
    ("Attachment", "file_id"): "`name`, which the drafter may change",
}


def _parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for one in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        yield from _parts(one)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inside in value.items():
            if key == "$ref":
                yield inside.rpartition("/")[2]
            yield from _references(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _references(inside)


def _answered() -> Mapping[str, set[str]]:
    """Return the schemas of answers, each with the parameters that all paths with such an answer have."""
    found: dict[str, set[str]] = {}
    for path, methods in DOCUMENT["paths"].items():
        given = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        for operation in methods.values():
            seen: set[str] = set()
            waiting = [
                name
                for status, response in operation["responses"].items()
                if status < "300"
                for name in _references(response)
            ]
            while waiting:
                name = waiting.pop()
                if name not in seen:
                    seen.add(name)
                    waiting += _references(SCHEMAS[name])
            for name in seen:
                found[name] = found.get(name, given) & given
    return found


def _nameless() -> Iterator[tuple[str, str]]:
    for name, given in _answered().items():
        fields = SCHEMAS[name].get("properties", {})
        for field, schema in fields.items():
            if field == "id" or field in given:
                continue
            if not any(part.get("format") == "uuid" for part in _parts(schema)):
                continue
            stem = field.removesuffix("_id")
            names = {f"{stem}_name", f"{field}_name", *NAMED_BY.get(field, ())}
            if not names & set(fields) - {field}:
                yield name, field


def test_an_answer_names_what_it_has_the_id_of() -> None:
    assert set(_nameless()) == set(NAMED_ELSEWHERE)
