"""ZIP archives with files from outside: refused unless every reader would find the same files in them, and
their content fits. Blocks: call it in a thread.
"""

import re
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from filekit import sniff
from filekit.errors import (
    ArchiveTooLarge,
    EmptyFile,
    EncryptedArchive,
    MalformedArchive,
    NestedArchive,
    UnsafeArchive,
    UnsupportedMember,
)

DAMAGED = sniff.DAMAGED
_UTF8 = 0x800
_ENCRYPTED = 0x1 | 0x40 | 0x2000
"""Encryption, strong encryption, and an encrypted directory (APPNOTE.TXT §4.4.4)."""
_RATIO_FREE = 1024 * 1024
_MAX_RATIO = 200
"""Bytes of content for one byte of the archive: tables have 3 to 30, deflate reaches 1,032."""
_MAX_NAME = 255
_ARCHIVES = re.compile(r"\.(zip|7z|rar|tar|tgz|gz|bz2|xz|zst|jar)$", re.IGNORECASE)
_ODD = re.compile(r"[\x00-\x1f\x7f\\]|^/|^[A-Za-z]:|(?:^|/)\.\.?(?:/|$)|//")
# What Windows and macOS add to the files of the user.
_ADDED = re.compile(r"^__MACOSX/|(?:^|/)(?:\.DS_Store|Thumbs\.db|desktop\.ini)$")


@dataclass(frozen=True)
class Member:
    """A file of an archive."""

    name: str
    info: zipfile.ZipInfo


class Archive:
    """The files of an archive, in the order of the directory; each can be opened as a stream."""

    def __init__(self, file: BinaryIO, *, wanted: Callable[[str], bool], most: int, unpacked: int) -> None:
        """Read the directory: at most `most` files, whose names are `wanted`, of `unpacked` bytes together.

        Raises `MalformedArchive`, `EncryptedArchive`, `UnsafeArchive`, `NestedArchive`, `UnsupportedMember`,
        `ArchiveTooLarge`, `EmptyFile`.
        """
        file.seek(0)
        if file.read(4) not in {b"PK\x03\x04", b"PK\x05\x06"}:
            raise MalformedArchive
        if not sniff.directory_is_small(file):
            raise MalformedArchive(
                "压缩包的目录有误或过大，或压缩包前后有其他内容；也不支持 ZIP64（单个文件 4 GB 以上）。"
            )
        try:
            self._zip = zipfile.ZipFile(file)
        except DAMAGED as error:
            raise MalformedArchive from error
        size = file.seek(0, 2)
        members = [Member(_name(info), info) for info in self._zip.infolist() if not info.is_dir()]
        self._check_safe(members)
        self.members = [member for member in members if not _ADDED.search(member.name)]
        for member in self.members:
            if _ARCHIVES.search(member.name):
                raise NestedArchive(f"压缩包内的“{member.name}”也是压缩包，请直接放入各文件。")
            if not wanted(member.name):
                raise UnsupportedMember(f"压缩包内的“{member.name}”不是 CSV 文件。")
        if not self.members:
            raise EmptyFile("压缩包中没有文件。")
        total = sum(member.info.file_size for member in self.members)
        if len(self.members) > most:
            raise ArchiveTooLarge(f"压缩包内的文件过多（最多 {most} 个）。")
        if total > unpacked or (total > _RATIO_FREE and total > size * _MAX_RATIO):
            raise ArchiveTooLarge

    def open(self, member: Member) -> BinaryIO:
        """Open a file. Raises `MalformedArchive`, `NestedArchive`; reading it may raise one of `DAMAGED`.

        zipfile ends the content at the size that the directory states, and checks its sum there.
        """
        try:
            with self._zip.open(member.info) as head:
                first = head.read(4)
            if first == b"PK\x03\x04":
                raise NestedArchive(f"压缩包内的“{member.name}”也是压缩包，请直接放入各文件。")
            return self._zip.open(member.info)  # type: ignore[return-value] # an IO[bytes]
        except DAMAGED as error:
            raise MalformedArchive(f"压缩包内的“{member.name}”已损坏。") from error

    def close(self) -> None:
        """Release the archive; the file belongs to the caller."""
        self._zip.close()

    def _check_safe(self, members: list[Member]) -> None:
        end = 0
        for member in sorted(members, key=lambda one: one.info.header_offset):
            info = member.info
            if info.flag_bits & _ENCRYPTED:
                raise EncryptedArchive
            if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise MalformedArchive("压缩包应使用 Deflate 方法压缩（一般 ZIP 工具的默认方法）。")
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in {0, stat.S_IFREG} or _ODD.search(member.name) or len(member.name) > _MAX_NAME:
                raise UnsafeArchive
            # Several entries with the same content would unpack to more than the archive has.
            if info.header_offset < end:
                raise UnsafeArchive
            end = info.header_offset + info.compress_size
        names = [member.name.casefold() for member in members]
        if len(set(names)) != len(names):
            raise UnsafeArchive("压缩包内有同名的文件。")


def _name(info: zipfile.ZipInfo) -> str:
    """Return the name: in UTF-8 if it says so, else in the code page of Chinese Windows."""
    # `orig_filename` is the name before zipfile cuts it at a NUL.
    name = info.orig_filename
    if info.flag_bits & _UTF8:
        return name
    try:
        return name.encode("cp437").decode("gb18030")
    except UnicodeError:
        return name
