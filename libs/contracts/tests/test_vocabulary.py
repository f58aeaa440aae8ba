"""Vocabularies: stable wire values, Chinese labels, open copies."""

from uuid import uuid4

import pytest
from pydantic import BaseModel, ValidationError

from contracts import documents, intake, vocabulary
from contracts.identity import UnitChangedV1
from contracts.vocabulary import Audience, Level, Open, Role, Vocabulary, label

ALL = [
    one
    for one in (*vars(vocabulary).values(), *vars(documents).values(), *vars(intake).values())
    if isinstance(one, type) and issubclass(one, Vocabulary) and one is not Vocabulary
]


class Unit(BaseModel):
    level: Level
    copied: Open[Level]


@pytest.mark.parametrize("words", ALL, ids=lambda words: words.__name__)
def test_every_word_has_a_label_of_its_own_in_chinese(words: type[Vocabulary]) -> None:
    labels = [word.label for word in words]
    assert len(set(labels)) == len(labels)
    assert all(any("\u4e00" <= character <= "\u9fff" for character in one) for one in labels)


def test_a_word_is_its_wire_value() -> None:
    assert f"{Level.COUNTY}" == "county"
    assert Unit(level=Level.CITY, copied=Level.CITY).model_dump_json() == '{"level":"city","copied":"city"}'


def test_an_owner_refuses_an_unknown_word_and_a_copy_keeps_it() -> None:
    unit = Unit.model_validate({"level": "county", "copied": "township"})
    assert (unit.level, unit.copied) == (Level.COUNTY, "township")
    assert Unit.model_validate({"level": "county", "copied": "county"}).copied is Level.COUNTY
    with pytest.raises(ValidationError):
        Unit.model_validate({"level": "township", "copied": "township"})


def test_an_event_with_a_word_that_is_newer_than_its_consumer_is_read() -> None:
    event = UnitChangedV1.model_validate(
        {
            "unit_id": uuid4(),
            "code": "370102",
            "name": "历下区",
            "short_name": "历下区",
            "level": "township",
            "kind": "student_aid",
            "stages": ["compulsory", "adult"],
            "region_code": None,
            "parent_id": None,
            "path": "100000",
            "status": "merged",
            "version": 1,
        }
    )
    assert (event.level, event.status) == ("township", "merged")
    assert label(event.level) == "township"
    assert label(event.kind) == "学生资助管理中心"


def test_schemas_show_the_words_and_their_labels() -> None:
    words = Unit.model_json_schema()["$defs"]["Level"]
    assert words["enum"] == [level.value for level in Level]
    assert "county 县" in words["description"]


def test_an_audience_names_its_service() -> None:
    assert [audience.service for audience in Audience] == ["identity", "office", "cockpit"]
    assert Audience.of("office") is Audience.OFFICE
    with pytest.raises(ValueError, match="nowhere"):
        Audience.of("nowhere")


def test_roles_are_those_of_the_glossary() -> None:
    assert {role: role.label for role in Role} == {
        "unit_admin": "单位管理员",
        "handler": "经办人",
        "reviewer": "审核人",
        "approver": "签发人",
    }
