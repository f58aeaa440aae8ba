"""Rich texts that are kept beside notices: cleaned when they are written, and refused when classified."""

from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar

from office.writing import richtext, secrecy
from servicekit.problems import Problem


class Content(Protocol):
    """A dataclass with a body in HTML."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def body(self) -> str:
        """The body, in HTML."""

    def texts(self) -> list[str]:
        """Return everything that may carry a marking, as plain text."""


C = TypeVar("C", bound=Content)


def checked(content: C, too_deep: type[Problem], classified: type[Problem]) -> C:
    """Return the content with a clean body. Raises `too_deep` and `classified`."""
    try:
        cleaned = replace(content, body=richtext.clean(content.body))
    except richtext.TooDeepError as error:
        raise too_deep from error
    if secrecy.is_marked(cleaned.texts()):
        raise classified
    return cleaned
