"""A form is read while it arrives, whatever the sizes of its pieces, and only if it is whole."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filekit.errors import MalformedForm, NotAForm
from filekit.forms import FileForm, file_form

TYPE = "multipart/form-data; boundary=limit"


def part(name: str, content: bytes, more: str = "") -> bytes:
    return (
        f'--limit\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n"
    )


def file(content: bytes, name: str = "学生.csv", header: str = "\r\nContent-Type: text/csv") -> bytes:
    return part("file", content, f'; filename="{name}"{header}')


END = b"--limit--\r\n"


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


async def read(body: bytes, size: int = 1000, content_type: str | None = TYPE) -> tuple[FileForm, bytes]:
    form = await file_form(content_type, pieces(body, size))
    return form, b"".join([block async for block in form.file.content])


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300), st.integers(min_value=1, max_value=200))
async def test_fields_and_file_come_as_they_were_sent(content: bytes, size: int) -> None:
    if b"--limit" in content:
        return
    form, got = await read(
        part("feed", b"award") + part("source", "某省".encode()) + file(content) + END, size
    )
    assert form.fields == {"feed": "award", "source": "某省"}
    assert (form.file.name, form.file.content_type, got) == ("学生.csv", "text/csv", content)


@pytest.mark.parametrize(
    "body",
    [
        file(b"a,b"),
        file(b"a,b")[:-10],
        file(b"a,b") + part("feed", b"award") + END,
        file(b"a,b") + file(b"c,d") + END,
        part("feed", b"award") + END,
        part("feed", b"award") + part("feed", b"award") + file(b"a") + END,
        part("feed", b"a" * 5000) + file(b"a") + END,
        part("feed", b"\xff") + file(b"a") + END,
        b"".join(part(f"n{n}", b"") for n in range(21)) + file(b"a") + END,
        part("other", b"a", '; filename="a.csv"') + END,
        file(b"YQ==", header="\r\nContent-Transfer-Encoding: base64") + END,
        b"--limit\r\n" + b"".join(f"X-{n}: y\r\n".encode() for n in range(20)) + b"\r\na\r\n" + END,
        b"--limit\r\nX: " + b"y" * 5000 + b"\r\n\r\na\r\n" + END,
        b"no form at all",
        b"",
        END,
    ],
    ids=[
        *("no end", "cut", "field after the file", "two files", "no file", "field twice", "long field"),
        *("not UTF-8", "many fields", "another name", "base64", "many headers", "long header"),
        *("something else", "empty", "only an end"),
    ],
)
async def test_other_forms_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedForm):
        await read(body)


@pytest.mark.parametrize(
    "content_type", [None, "text/csv", "multipart/form-data", f"multipart/form-data; boundary={'x' * 5000}"]
)
async def test_what_is_no_form_is_refused_before_it_is_read(content_type: str | None) -> None:
    with pytest.raises(NotAForm):
        await read(file(b"a") + END, content_type=content_type)
