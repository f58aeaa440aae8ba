"""An archive is taken only if every reader finds the same files in it, and their content fits."""

import io
import struct
import zipfile

import pytest

from filekit.archives import Archive
from filekit.errors import (
    ArchiveTooLarge,
    EmptyFile,
    EncryptedArchive,
    MalformedArchive,
    NestedArchive,
    UnsafeArchive,
    UnsupportedMember,
)
from servicekit.problems import Problem


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content, compress_type=method)
    return out.getvalue()


def opened(content: bytes, most: int = 3, unpacked: int = 4 * 1024**2) -> Archive:
    return Archive(
        io.BytesIO(content), wanted=lambda name: name.endswith(".csv"), most=most, unpacked=unpacked
    )


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("a.csv")
    info.external_attr = 0o120777 << 16
    return info


def with_flag(content: bytes, flag: int) -> bytes:
    at = content.rfind(b"PK\x01\x02") + 8
    (flags,) = struct.unpack_from("<H", content, at)
    return content[:at] + struct.pack("<H", flags | flag) + content[at + 2 :]


def overlapping() -> bytes:
    """Two entries of the directory for one content."""
    content = zipped(("a.csv", b"x" * 100), ("b.csv", b"y" * 100))
    second = content.rfind(b"PK\x01\x02")
    offset = second + 42
    return content[:offset] + struct.pack("<L", 0) + content[offset + 4 :]


def test_files_come_in_order_with_chinese_names_and_without_what_systems_add() -> None:
    content = zipped(
        ("历下/2024春.csv", b"1"),
        ("__MACOSX/._a.csv", b"x"),
        ("历下/", b""),
        ("历下/Thumbs.db", b"x"),
        ("b.csv", b"2"),
    )
    archive = opened(content)
    assert [member.name for member in archive.members] == ["历下/2024春.csv", "b.csv"]
    assert [archive.open(member).read() for member in archive.members] == [b"1", b"2"]
    # As Chinese Windows writes it: without the flag for UTF-8.
    old = zipped(("abcdefgh.csv", b"1")).replace(b"abcdefgh", "一二三四".encode("gb18030"))
    assert [member.name for member in opened(old).members] == ["一二三四.csv"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", MalformedArchive),
        (b"a,b\n1,2\n", MalformedArchive),
        (zipped(("a.csv", b"1"))[:-5], MalformedArchive),
        (zipped(("a.csv", b"1")) + b"more", MalformedArchive),
        (b"before" + zipped(("a.csv", b"1")), MalformedArchive),
        (zipped(("a.csv", b"1"), method=zipfile.ZIP_LZMA), MalformedArchive),
        (zipped(), EmptyFile),
        (zipped(("a/", b"")), EmptyFile),
        (with_flag(zipped(("a.csv", b"1")), 0x1), EncryptedArchive),
        (with_flag(zipped(("a.csv", b"1")), 0x2000), EncryptedArchive),
        (zipped(("a.zip", b"1")), NestedArchive),
        (zipped(("a.tar.gz", b"1")), NestedArchive),
        (zipped(("a.xlsx", b"1")), UnsupportedMember),
        (zipped(("../a.csv", b"1")), UnsafeArchive),
        (zipped(("/a.csv", b"1")), UnsafeArchive),
        (zipped(("x/../../a.csv", b"1")), UnsafeArchive),
        (zipped(("c:a.csv", b"1")), UnsafeArchive),
        (zipped(("aXb.csv", b"1")).replace(b"aXb", b"a\\b"), UnsafeArchive),
        (zipped(("aXb.csv", b"1")).replace(b"aXb", b"a\x00b"), UnsafeArchive),
        (zipped(("n" * 300 + ".csv", b"1")), UnsafeArchive),
        (zipped((link(), b"/etc/passwd")), UnsafeArchive),
        (zipped(("a.csv", b"1"), ("A.csv", b"2")), UnsafeArchive),
        (overlapping(), UnsafeArchive),
        (zipped(*((f"{n}.csv", b"1") for n in range(4))), ArchiveTooLarge),
        (zipped(("a.csv", bytes(5 * 1024**2))), ArchiveTooLarge),
        (zipped(("a.csv", bytes(2 * 1024**2))), ArchiveTooLarge),
    ],
    ids=[
        *(
            "empty",
            "a text",
            "cut",
            "data after it",
            "data before it",
            "another method",
            "no files",
            "a folder",
        ),
        *("encrypted", "encrypted directory", "nested by name", "compressed", "another type"),
        *("parent", "absolute", "parent in the middle", "drive", "backslash", "NUL", "long name", "link"),
        *("same name", "overlapping", "many files", "large", "bomb"),
    ],
)
def test_other_archives_are_refused(content: bytes, error: type[Problem]) -> None:
    with pytest.raises(error):
        opened(content)


def test_an_archive_in_an_archive_is_found_by_its_content() -> None:
    archive = opened(zipped(("a.csv", zipped(("b.csv", b"1")))))
    with pytest.raises(NestedArchive):
        archive.open(archive.members[0])


def test_content_is_no_longer_than_the_directory_states() -> None:
    """A bomb whose directory states a small size."""
    content = zipped(("a.csv", bytes(1000)))
    size = content.rfind(b"PK\x01\x02") + 24
    archive = opened(content[:size] + struct.pack("<L", 10) + content[size + 4 :])
    with pytest.raises(MalformedArchive):
        archive.open(archive.members[0])
