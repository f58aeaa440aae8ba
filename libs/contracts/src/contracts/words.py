"""What a vocabulary is made of: members with a Chinese label, and fields that let unknown values through."""

from enum import StrEnum
from typing import Annotated, Self, TypeVar

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class Vocabulary(StrEnum):
    """A value with a label: `COUNTY = "county", "县"`."""

    label: str
    """The Chinese display name."""

    def __new__(cls, value: str, label: str = "") -> Self:
        """Create the member for `value`."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the enum's schema with the labels as its description, and by value for programs."""
        schema = handler(core_schema)
        described = handler.resolve_ref_schema(schema)
        described["description"] = "；".join(f"{one} {one.label}" for one in cls)
        described["x-enumDescriptions"] = {one.value: one.label for one in cls}
        return schema


_Word = TypeVar("_Word", bound=Vocabulary)

Open = Annotated[_Word | str, Field(union_mode="left_to_right")]
"""A known value or any other string: `Open[Level]`."""


def label(word: str) -> str:
    """Return the label of a value; an unknown value is returned unchanged."""
    return word.label if isinstance(word, Vocabulary) else word
