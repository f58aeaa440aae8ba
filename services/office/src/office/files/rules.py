"""Names, types and ranges of files. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

MAX_ATTACHMENTS: Final = 50
"""Files of one subject."""
MAX_LOOSE: Final = 100
"""Files of one person that are not attached to anything."""
LOOSE_FOR: Final = timedelta(days=1)
"""How long a file is kept that is not attached to anything."""
ONE_DOWNLOAD: Final = timedelta(minutes=10)
"""Requests of one person for one file within this time are one download: browsers fetch it in ranges."""
MAX_NAME: Final = 200
MAX_PREVIEWED_BYTES: Final = 64 * 1024 * 1024
"""Larger files have no preview."""

PDF: Final = "application/pdf"
PREVIEWED: Final = frozenset({PDF, "image/png", "image/jpeg", "image/gif"})
"""The media types that have a preview."""

_OOXML = "application/vnd.openxmlformats-officedocument."
EXTENSIONS: Final[dict[str, tuple[str, ...]]] = {
    PDF: ("pdf",),
    "application/ofd": ("ofd",),
    f"{_OOXML}wordprocessingml.document": ("docx",),
    f"{_OOXML}spreadsheetml.sheet": ("xlsx",),
    f"{_OOXML}presentationml.presentation": ("pptx",),
    "text/plain": ("txt", "csv"),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/gif": ("gif",),
}
"""The extensions of each media type; the first one is added to a name that has none of them."""
_PACKED = ("application/ofd", _OOXML)

# Not allowed in names by Windows; a path is cut off before.
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_SPACE = re.compile(r"\s+")


def is_packed(media_type: str) -> bool:
    """Return whether a file of the type is a ZIP archive."""
    return media_type.startswith(_PACKED)


def clean_name(name: str, media_type: str) -> str | None:
    """Return a name that is safe to display and to save under; None if nothing remains of it.

    Paths, control and format characters (those that reverse the direction of writing among them) and
    characters that Windows does not allow are removed. The extension is that of the content's type: a person
    opens `invoice.pdf.exe` by its extension.
    """
    text = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    text = "".join(" " if c in "\t\r\n" else c for c in text)
    text = "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    text = _SPACE.sub(" ", _FORBIDDEN.sub("_", text)).strip(" .")
    extensions = EXTENSIONS[media_type]
    stem, _, extension = text.rpartition(".")
    if not stem or extension.lower() not in extensions:
        stem, extension = text, extensions[0]
    stem = stem[: MAX_NAME - len(extension) - 1].strip(" .")
    return f"{stem}.{extension}" if stem.strip("_") else None


@dataclass(frozen=True)
class Span:
    """The bytes from `first` up to `end`, which is not part of it."""

    first: int
    end: int

    def content_range(self, size: int) -> str:
        """Return the value of Content-Range (RFC 9110 §14.4)."""
        return f"bytes {self.first}-{self.end - 1}/{size}"


class UnsatisfiableError(ValueError):
    """The file ends before the range begins."""


_RANGE = re.compile(r"bytes=[ \t]*(\d{0,19})-(\d{0,19})[ \t]*", re.IGNORECASE | re.ASCII)


def span_of(range_: str | None, if_range: str | None, etag: str, size: int) -> Span | None:
    """Return the part of a file of `size` bytes that is requested; None: all of it.

    A Range that is malformed, of another unit or of several parts is ignored, as RFC 9110 §14.2 allows, and
    so is one whose If-Range is not exactly `etag` (§13.1.5). Raises `UnsatisfiableError`.
    """
    if range_ is None or (if_range is not None and if_range.strip() != etag):
        return None
    match = _RANGE.fullmatch(range_.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        if length == 0 or size == 0:
            raise UnsatisfiableError
        return Span(max(0, size - length), size)
    first = int(match[1])
    end = size if not match[2] else min(int(match[2]) + 1, size)
    if match[2] and int(match[2]) < first:
        return None
    if first >= size:
        raise UnsatisfiableError
    return Span(first, end)


def matches(if_none_match: str | None, etag: str) -> bool:
    """Return whether If-None-Match names the entity tag, in the weak comparison (RFC 9110 §13.1.2)."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
