"""A form with a file (multipart/form-data, RFC 7578), read while it arrives: the file is never in memory.

The file is the last part, because the fields before it decide whether it is wanted at all.
"""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from filekit.errors import MalformedForm, NotAForm

MAX_FIELDS = 20
MAX_VALUE = 4096
"""Bytes of the value of a field, and of its name."""
_HEADERS = 8
_HEADER_BYTES = 2048


@dataclass
class _Part:
    """The beginning of a part."""

    headers: dict[str, str] = field(default_factory=dict)


class _End:
    """The end of a part, or of the form."""


_Event = _Part | bytes | _End


@dataclass(frozen=True)
class FormFile:
    """What a form says about its file, and its content, which can be read once."""

    name: str
    content_type: str | None
    content: AsyncIterator[bytes]


@dataclass(frozen=True)
class FileForm:
    """The fields before the file, and the file."""

    fields: dict[str, str]
    file: FormFile


class _Events:
    """The parts of a form as they arrive."""

    def __init__(self, content_type: str | None, stream: AsyncIterator[bytes]) -> None:
        media, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if media != b"multipart/form-data" or not boundary:
            raise NotAForm
        self._stream = stream
        self._found: deque[_Event] = deque()
        self._part = _Part()
        self._name = self._value = b""
        self.complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_part_data": self._data,
                    "on_part_end": lambda: self._found.append(_End()),
                    "on_header_begin": self._header,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": lambda: self._found.append(self._part),
                    "on_end": self._end,
                },
                max_header_count=_HEADERS,
                max_header_size=_HEADER_BYTES,
            )
        except FormParserError as error:
            raise NotAForm from error

    async def next(self) -> _Event | None:
        """Return what comes next; None at the end of the form. Raises `MalformedForm`."""
        while not self._found:
            block = await anext(self._stream, None)
            if block is None:
                if not self.complete:
                    raise MalformedForm("表单不完整，内容在传输中中断。")
                return None
            try:
                self._parser.write(block)
            except FormParserError as error:
                raise MalformedForm from error
        return self._found.popleft()

    def _begin(self) -> None:
        self._part = _Part()

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._found.append(data[start:end])

    def _header(self) -> None:
        self._name = self._value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._part.headers[self._name.decode("latin-1").lower()] = _text(self._value)

    def _end(self) -> None:
        self.complete = True


async def file_form(content_type: str | None, stream: AsyncIterator[bytes]) -> FileForm:
    """Read a form up to its file, whose content must then be read to the end.

    Raises `NotAForm`, `MalformedForm`; so does reading the content, if the form does not end properly.
    """
    events = _Events(content_type, stream)
    fields: dict[str, str] = {}
    while (part := await events.next()) is not None:
        if not isinstance(part, _Part):
            raise MalformedForm
        _, options = parse_options_header(part.headers.get("content-disposition", "").encode())
        name = _text(options.get(b"name", b""))
        if part.headers.get("content-transfer-encoding", "binary").lower() not in {"binary", "8bit", "7bit"}:
            raise MalformedForm("表单各部分不得使用 base64 等传输编码。")
        if b"filename" in options:
            if name != "file":
                raise MalformedForm("文件应放在名为 file 的字段中。")
            return FileForm(
                fields,
                FormFile(_text(options[b"filename"]), part.headers.get("content-type"), _content(events)),
            )
        if not name or name in fields or len(fields) == MAX_FIELDS:
            raise MalformedForm("表单字段没有名称、重复或过多。")
        fields[name] = await _value(events)
    raise MalformedForm("表单中没有文件。")


async def _value(events: _Events) -> str:
    value = b""
    while isinstance(event := await events.next(), bytes):
        value += event
        if len(value) > MAX_VALUE:
            raise MalformedForm("表单字段过长。")
    return _text(value)


async def _content(events: _Events) -> AsyncIterator[bytes]:
    while isinstance(event := await events.next(), bytes):
        yield event
    if await events.next() is not None:
        raise MalformedForm("文件应是表单的最后一部分，其他字段放在它之前。")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise MalformedForm("表单应为 UTF-8 编码。") from error
