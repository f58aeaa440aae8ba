"""A file is what its content says, and an Office document only if it is one in every respect."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filekit import sniff
from filekit.errors import UnsupportedFileType

MAIN = {
    sniff.DOCX: "word/document.xml",
    sniff.XLSX: "xl/workbook.xml",
    sniff.PPTX: "ppt/presentation.xml",
}


def archive(entries: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return out.getvalue()


def content_types(*types: str) -> str:
    overrides = "".join(f'<Override PartName="/x" ContentType="{type_}"/>' for type_ in types)
    return f'<?xml version="1.0"?><Types>{overrides}</Types>'


def office(kind: str, **more: str) -> bytes:
    return archive({"[Content_Types].xml": content_types(f"{kind}.main+xml"), MAIN[kind]: "<x/>", **more})


def of(content: bytes) -> str:
    return sniff.media_type(io.BytesIO(content))


@pytest.mark.parametrize(
    ("content", "type_"),
    [
        (b"", sniff.TEXT),
        (b"a,b\n1,2\n", sniff.TEXT),
        ("﻿年度,金额\n".encode(), sniff.TEXT),
        ("年度,金额\n".encode("gb18030"), sniff.TEXT),
        (("资" * 40_000).encode(), sniff.TEXT),
        (b"BM, a text that begins like a bitmap", sniff.TEXT),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", sniff.PDF),
        (b"%PDF-1.4\nall of it text", sniff.PDF),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(100), sniff.PNG),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(100), sniff.JPEG),
        (b"GIF89a" + bytes(100), sniff.GIF),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), sniff.OLE),
        (archive({"a.txt": "a"}), sniff.ZIP),
        (archive({"OFD.xml": "<x/>", "Doc_0/Document.xml": "<x/>"}), sniff.OFD),
        (b"\x00\x01\x02", sniff.UNKNOWN),
        (b"\x00" * 100 + b"%PDF-1.7", sniff.UNKNOWN),
    ],
)
def test_the_content_tells_the_type(content: bytes, type_: str) -> None:
    assert of(content) == type_


@pytest.mark.parametrize("kind", MAIN)
def test_office_documents_are_told_apart_by_main_part_and_declared_type(kind: str) -> None:
    assert of(office(kind)) == kind


@pytest.mark.parametrize(
    "content",
    [
        archive({"[Content_Types].xml": content_types(), "word/document.xml": "<x/>"}),
        archive({"[Content_Types].xml": content_types(f"{sniff.DOCX}.main+xml")}),
        archive({"[Content_Types].xml": content_types(f"{sniff.XLSX}.main+xml"), "word/document.xml": "x"}),
        office(sniff.DOCX, **{"word/vbaProject.bin": "macros"}),
        archive(
            {
                "[Content_Types].xml": content_types(
                    "application/vnd.ms-word.document.macroEnabled.main+xml"
                ),
                "word/document.xml": "<x/>",
            }
        ),
        archive({"[Content_Types].xml": " " * 2_000_000, "word/document.xml": "<x/>"}),
        office(sniff.DOCX, **{"../outside": "x"}),
        office(sniff.DOCX, **{"a\\b": "x"}),
        office(sniff.DOCX) + b"behind",
        office(sniff.DOCX)[:-10],
        office(sniff.DOCX)[:200],
        b"PK\x03\x04" + bytes(100),
        archive({f"{n}": "" for n in range(sniff.MAX_ENTRIES + 1)}),
    ],
)
def test_whatever_only_looks_like_an_office_document_is_unknown(content: bytes) -> None:
    assert of(content) == sniff.UNKNOWN


def test_a_document_in_front_of_an_archive_is_not_taken_for_the_archive() -> None:
    assert of(b"<script>" + office(sniff.DOCX)) not in MAIN
    assert of(b"PK\x03\x04" + office(sniff.DOCX)) == sniff.UNKNOWN


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_double_name_and_an_encrypted_entry_are_unknown() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a", "1")
        file.writestr("a", "2")
    assert of(out.getvalue()) == sniff.UNKNOWN
    plain = archive({"a": "1"})
    at = plain.index(b"PK\x01\x02")
    encrypted = plain[: at + 8] + bytes([plain[at + 8] | 1]) + plain[at + 9 :]
    assert of(encrypted) == sniff.UNKNOWN


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"%PDF-", b"\x89PNG"]))
def test_no_content_makes_it_fail(content: bytes, head: bytes) -> None:
    of(head + content)


@given(st.data())
def test_no_damage_to_a_document_makes_it_fail(data: st.DataObject) -> None:
    content = bytearray(office(sniff.XLSX))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    of(bytes(content))


def test_what_is_not_accepted_is_refused() -> None:
    assert sniff.require(io.BytesIO(b"%PDF-1.7"), sniff.DOCUMENTS) == sniff.PDF
    for content in (b"MZ\x90\0" + bytes(200), b"<html><script>1</script>", archive({"a": ""})):
        with pytest.raises(UnsupportedFileType):
            sniff.require(io.BytesIO(content), sniff.DOCUMENTS)
