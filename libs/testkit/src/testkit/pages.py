"""HTML pages as a browser reads them: forms, and the fields that go back with them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """One form of a page."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    """Hidden fields by name."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
            self._open = True
        elif tag == "input" and self._open and given.get("type") == "hidden":
            self.forms[-1].hidden[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


def forms(page: str) -> list[Form]:
    """The forms of a page, in order."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.forms


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of the page's first form. AssertionError without a form."""
    found = forms(page)
    assert found, page
    return found[0].hidden


def csrf_of(page: str) -> str:
    """The CSRF token that the page's forms carry. AssertionError without one."""
    token = next((form.hidden["csrf"] for form in forms(page) if "csrf" in form.hidden), None)
    assert token is not None, page
    return token
