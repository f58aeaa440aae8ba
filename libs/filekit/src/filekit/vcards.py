"""Writes business cards as vCard 4.0 (RFC 6350); line breaks and separators in texts are escaped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

MEDIA_TYPE = "text/vcard"
_OCTETS = 75
"""Of a line before it is folded (§3.2), without the line break."""


@dataclass(frozen=True)
class Card:
    """A person: `phone` is that of the office, `note` says where the card comes from."""

    uid: UUID
    name: str
    organisation: Sequence[str]
    """The unit, after those above it."""
    titles: Sequence[str] = ()
    phone: str | None = None
    address: str | None = None
    note: str | None = None

    def text(self, revised: datetime) -> str:
        """Return the card, with lines that end in CR LF (§3.2). `revised` has a zone."""
        return "".join(f"{part}\r\n" for line in self._lines(revised) for part in folded(line))

    def _lines(self, revised: datetime) -> Iterator[str]:
        yield "BEGIN:VCARD"
        yield "VERSION:4.0"
        yield "KIND:individual"
        yield f"UID:urn:uuid:{self.uid}"
        yield f"FN:{escaped(self.name)}"
        # The components of ORG (§6.6.4) are separated by semicolons, the highest first.
        yield f"ORG:{';'.join(escaped(one) for one in self.organisation)}"
        for title in self.titles:
            yield f"TITLE:{escaped(title)}"
        if self.phone:
            yield f'TEL;VALUE=text;TYPE="work,voice":{escaped(self.phone)}'
        if self.address:
            # The street is the third of seven components (§6.3.1).
            yield f"ADR;TYPE=work:;;{escaped(self.address)};;;;"
        if self.note:
            yield f"NOTE:{escaped(self.note)}"
        yield f"REV:{revised.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        yield "END:VCARD"


def escaped(text: str) -> str:
    """Return text for a value (§3.4), without control characters, which no value may have."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    plain = plain.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;").replace("\n", "\\n")
    return "".join(one for one in plain if one.isprintable() or one == "\u3000")


def folded(line: str) -> Iterator[str]:
    """Yield the line in parts of 75 octets at most; those after the first begin with a space.

    Characters are not split, although the RFC allows it.
    """
    part, size = "", 0
    for character in line:
        octets = len(character.encode())
        if size + octets > _OCTETS:
            yield part
            part, size = " ", 1
        part, size = part + character, size + octets
    yield part
