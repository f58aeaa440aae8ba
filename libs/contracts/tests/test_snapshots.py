"""The rule for published events: within a version they only gain optional fields."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, create_model

from contracts import registry, snapshots
from contracts.asyncapi import document, schema
from contracts.vocabulary import Vocabulary


class Unit(BaseModel):
    """A unit."""

    unit_id: UUID
    name: str
    level: Literal["city", "county"]
    parent_id: UUID | None
    stages: list[str]
    note: str | None = None


OLD = Unit.model_json_schema(mode="serialization")


def changed(drop: str | None = None, /, **fields: Any) -> dict[str, Any]:
    kept: dict[str, Any] = {
        name: (info.annotation, info) for name, info in Unit.model_fields.items() if name != drop
    }
    model = create_model("Unit", **{**kept, **fields})
    return model.model_json_schema(mode="serialization")


def test_an_unchanged_event_breaks_nothing() -> None:
    assert snapshots.breaking_changes(OLD, changed()) == []


def test_a_new_optional_field_keeps_the_version() -> None:
    assert snapshots.breaking_changes(OLD, changed(short_name=(str | None, None))) == []


def test_words_about_a_field_may_change() -> None:
    assert (
        snapshots.breaking_changes(OLD, changed(name=(str, Field(description="Full name", examples=["x"]))))
        == []
    )


@pytest.mark.parametrize("field", list(Unit.model_fields))
def test_removing_any_field_is_breaking(field: str) -> None:
    assert snapshots.breaking_changes(OLD, changed(field)) == [f"field {field!r} was removed"]


@pytest.mark.parametrize(
    ("field", "annotation"),
    [
        ("name", int),
        ("name", str | None),
        ("unit_id", str),
        ("parent_id", UUID),
        ("stages", list[int]),
        ("level", Literal["city"]),
        ("level", Literal["city", "county", "school"]),
    ],
)
def test_retyping_a_field_is_breaking(field: str, annotation: Any) -> None:
    new = changed(**{field: (annotation, ...)})
    assert snapshots.breaking_changes(OLD, new) == [f"field {field!r} changed its type"]


def test_a_new_required_field_is_breaking_even_when_it_may_be_null() -> None:
    new = changed(opened_at=(datetime | None, ...))
    assert snapshots.breaking_changes(OLD, new) == ["field 'opened_at' is new and required"]


def test_a_field_that_becomes_required_or_optional_is_breaking() -> None:
    assert snapshots.breaking_changes(OLD, changed(note=(str | None, ...))) == [
        "field 'note' became required"
    ]
    assert snapshots.breaking_changes(OLD, changed(parent_id=(UUID | None, None))) == [
        "field 'parent_id' is no longer always sent"
    ]


def test_a_field_called_title_is_a_field_and_not_a_word() -> None:
    class Notice(BaseModel):
        title: str

    class NumberedNotice(BaseModel):
        title: int

    found = snapshots.breaking_changes(Notice.model_json_schema(), NumberedNotice.model_json_schema())
    assert found == ["field 'title' changed its type"]


def test_a_change_inside_a_nested_model_is_breaking() -> None:
    class Part(BaseModel):
        title: str

    class OtherPart(BaseModel):
        title: int

    old, new, same = (
        create_model("Event", parts=(list[part], ...)).model_json_schema()  # type: ignore[valid-type]
        for part in (Part, OtherPart, Part)
    )
    assert snapshots.breaking_changes(old, new) == ["field 'parts' changed its type"]
    assert snapshots.breaking_changes(old, same) == []


def test_only_an_optional_field_may_be_added_inside_a_nested_model() -> None:
    class Part(BaseModel):
        title: str

    class Extended(Part):
        note: str | None = None

    class Demanding(Part):
        note: str

    old, extended, demanding = (
        create_model("Event", parts=(tuple[part, ...], ...)).model_json_schema()  # type: ignore[valid-type]
        for part in (Part, Extended, Demanding)
    )
    assert snapshots.breaking_changes(old, extended) == []
    assert snapshots.breaking_changes(extended, old) == ["field 'parts' changed its type"]
    assert snapshots.breaking_changes(old, demanding) == ["field 'parts' changed its type"]


def _snapshots_of_today(directory: Path) -> Path:
    assert snapshots.write(directory, directory.parent / "asyncapi.json") == []
    return directory


def test_fresh_snapshots_are_in_step(tmp_path: Path) -> None:
    directory = _snapshots_of_today(tmp_path / "snapshots")
    assert snapshots.check(directory, tmp_path / "asyncapi.json") == []
    assert {path.stem for path in directory.iterdir()} == {model.type for model in registry.all()}


def test_a_breaking_change_is_named_and_never_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = _snapshots_of_today(tmp_path / "snapshots")
    file = directory / "zhuxue.identity.unit.changed.v1.json"
    # What was published had one field more than the model has now.
    published = file.read_text().replace('"properties": {', '"properties": {"nickname": {"type": "string"},')
    file.write_text(published)

    assert snapshots.main(["write", str(directory)]) == 1
    assert file.read_text() == published
    assert "field 'nickname' was removed; leave it as it is and make zhuxue.identity.unit.changed.v2" in (
        capsys.readouterr().err
    )
    assert snapshots.main(["check", str(directory)]) == 1


def test_an_event_without_a_snapshot_and_a_snapshot_without_an_event_are_found(tmp_path: Path) -> None:
    directory = _snapshots_of_today(tmp_path / "snapshots")
    (directory / "zhuxue.identity.unit.changed.v1.json").rename(
        directory / "zhuxue.identity.unit.opened.v1.json"
    )
    found = snapshots.check(directory)
    assert len(found) == 2
    assert "zhuxue.identity.unit.opened.v1: was published and its model is gone" in found[0]
    assert "zhuxue.identity.unit.changed.v1: has no snapshot yet" in found[1]


def test_an_added_optional_field_only_asks_for_new_snapshots(tmp_path: Path) -> None:
    directory = _snapshots_of_today(tmp_path / "snapshots")
    file = directory / "zhuxue.identity.access.revoked.v1.json"
    model = registry.get(file.stem)
    assert model is not None
    older = schema(model)
    del older["properties"]["sid"]
    file.write_text(snapshots._text(older))
    assert snapshots.check(directory) == [f"{file.stem}: the snapshot is out of date; run `make snapshots`"]
    assert snapshots.write(directory) == []
    assert snapshots.check(directory) == []


def test_asyncapi_lists_every_event_once_with_resolvable_references() -> None:
    described = document()
    types = {model.type for model in registry.all()}
    assert set(described["channels"]) == set(described["components"]["messages"]) == types
    for operation in described["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in types
    assert not _references_into_defs(described), "a nested model's $ref would point outside its payload"


def _references_into_defs(part: Any) -> bool:
    if isinstance(part, dict):
        return str(part.get("$ref", "")).startswith("#/$defs") or any(
            map(_references_into_defs, part.values())
        )
    return isinstance(part, list) and any(map(_references_into_defs, part))


# --- open vocabularies ---


class Colour(Vocabulary):
    RED = "red", "红"
    BLUE = "blue", "蓝"


class MoreColours(Vocabulary):
    RED = "red", "红"
    BLUE = "blue", "蓝"
    GREEN = "green", "绿"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (str, Colour | str),
        (Colour | str, str),
        (Colour | str, MoreColours | str),
        (list[str], list[Colour | str]),
        (str | None, Colour | str | None),
    ],
)
def test_naming_the_known_words_of_a_string_keeps_the_version(before: Any, after: Any) -> None:
    old = changed(colour=(before, ...))
    assert snapshots.breaking_changes(old, changed(colour=(after, ...))) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (str, Colour),
        (Colour | str, Colour),
        (Colour, Colour | str),
        (Colour, MoreColours),
        (str | None, Colour | str),
        (Colour | str, int | Colour),
    ],
)
def test_closing_a_vocabulary_or_changing_a_closed_one_is_breaking(before: Any, after: Any) -> None:
    old = changed(colour=(before, ...))
    new = changed(colour=(after, ...))
    assert snapshots.breaking_changes(old, new) == ["field 'colour' changed its type"]
