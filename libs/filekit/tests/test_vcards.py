"""vCards by RFC 6350: what a reader unfolds and unescapes is what was written."""

import re
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from filekit.vcards import Card, escaped, folded

WHEN = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)


def card(**changes: object) -> Card:
    fields = {"uid": UUID(int=1), "name": "王小明", "organisation": ["济南市", "历下区"], **changes}
    return Card(**fields)  # type: ignore[arg-type]


def properties(text: str) -> dict[str, str]:
    """What a reader finds: unfolded lines by the name of the property."""
    unfolded = text.replace("\r\n ", "")
    return dict(line.split(":", 1) for line in unfolded.split("\r\n") if line)


def unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value)


def test_a_card_has_the_properties_of_a_person() -> None:
    text = card(titles=["主任"], phone="0531-1234", address="文化路1号", note="内部").text(WHEN)
    assert text == (
        "BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:individual\r\n"
        "UID:urn:uuid:00000000-0000-0000-0000-000000000001\r\nFN:王小明\r\nORG:济南市;历下区\r\n"
        'TITLE:主任\r\nTEL;VALUE=text;TYPE="work,voice":0531-1234\r\nADR;TYPE=work:;;文化路1号;;;;\r\n'
        "NOTE:内部\r\nREV:20260901T083000Z\r\nEND:VCARD\r\n"
    )


def test_what_is_missing_has_no_property() -> None:
    found = properties(card().text(WHEN))
    assert {"TEL", "ADR", "NOTE", "TITLE"}.isdisjoint(key.partition(";")[0] for key in found)


def test_a_name_cannot_end_the_card_or_add_a_property() -> None:
    text = card(name="王\r\nEND:VCARD\r\nTEL:110", note="a;b,c\\d").text(WHEN)
    assert text.count("\r\nEND:VCARD\r\n") == 1
    assert "\r\nTEL" not in text
    assert properties(text)["FN"] == "王\\nEND:VCARD\\nTEL:110"
    assert unescaped(properties(text)["NOTE"]) == "a;b,c\\d"


@given(st.text())
def test_a_reader_gets_the_printable_text_back(text: str) -> None:
    expected = "".join(
        one
        for one in text.replace("\r\n", "\n").replace("\r", "\n")
        if one.isprintable() or one in "\n\u3000"
    )
    assert unescaped(escaped(text)) == expected


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_lines_are_folded_at_75_octets_between_characters(text: str) -> None:
    parts = list(folded(text))
    assert all(len(part.encode()) <= 75 for part in parts)
    assert parts[0] + "".join(part[1:] for part in parts[1:]) == text
    assert all(part.startswith(" ") for part in parts[1:])
