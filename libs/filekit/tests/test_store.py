"""Files are stored by content: equal files once, changed files never unnoticed."""

import hashlib
import io
import os
import time
import tracemalloc
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from pathlib import Path

import pytest
from obstore.store import LocalStore, MemoryStore

from filekit.errors import FileCorrupt
from filekit.spool import SpooledFile, spooled
from filekit.store import FileStore, store_of

MIB = 1024 * 1024


def spooled_of(content: bytes) -> SpooledFile:
    return SpooledFile(io.BytesIO(content), len(content), hashlib.sha256(content).digest())


async def read(store: FileStore, digest: bytes) -> bytes:
    file = await store.get(digest)
    content = b"".join([chunk async for chunk in file.chunks])
    assert len(content) == file.size
    return content


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def make_old(folder: Path, *, all_but: bytes = b"") -> None:
    old = time.time() - 3 * 3600
    for path in files_in(folder):
        if path.name != all_but.hex():
            os.utime(path, (old, old))


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    return FileStore(LocalStore(tmp_path) if request.param == "local" else MemoryStore())


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 12 * MIB + 1])
async def test_what_is_put_is_read_back(store: FileStore, size: int) -> None:
    content = os.urandom(size)
    digest = await store.put(spooled_of(content))
    assert digest == hashlib.sha256(content).digest()
    assert await store.exists(digest)
    assert await read(store, digest) == content


@pytest.mark.parametrize(("first", "end"), [(0, 1), (5, 9), (MIB, 6 * MIB), (6 * MIB - 1, 6 * MIB)])
async def test_a_part_has_the_bytes_from_the_first_to_before_the_end(
    store: FileStore, first: int, end: int
) -> None:
    content = os.urandom(6 * MIB)
    part = await store.part(await store.put(spooled_of(content)), first, end)
    assert part.size == end - first
    assert b"".join([chunk async for chunk in part.chunks]) == content[first:end]


async def test_a_part_of_a_missing_file_is_an_error(store: FileStore) -> None:
    with pytest.raises(FileNotFoundError):
        await store.part(b"x" * 32, 0, 1)


async def test_putting_and_deleting_again_change_nothing(store: FileStore) -> None:
    digests = {await store.put(spooled_of(b"letter")) for _ in range(3)}
    (digest,) = digests
    assert await read(store, digest) == b"letter"
    for _ in range(2):
        await store.delete(digest)
        assert not await store.exists(digest)
    with pytest.raises(FileNotFoundError):
        await store.get(digest)
    assert await store.put(spooled_of(b"letter")) == digest
    assert await read(store, digest) == b"letter"


async def test_a_changed_file_is_noticed_when_it_is_read(tmp_path: Path) -> None:
    store = store_of(tmp_path.as_uri())
    digest = await store.put(spooled_of(b"letter"))
    (path,) = files_in(tmp_path)
    assert path.name == digest.hex()
    path.write_bytes(b"lettre")
    with pytest.raises(FileCorrupt):
        await read(store, digest)


async def test_an_upload_that_breaks_leaves_nothing_in_the_store(tmp_path: Path) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 8 * MIB:
                raise OSError("disk")
            return super().read(size)

    store = store_of(tmp_path.as_uri())
    content = bytes(12 * MIB)
    digest = hashlib.sha256(content).digest()
    with pytest.raises(Exception, match="disk"):
        await store.put(SpooledFile(Breaking(content), len(content), digest))
    assert not await store.exists(digest)


async def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    async def large() -> AsyncIterator[bytes]:
        for n in range(1024):
            yield n.to_bytes(2, "big") * (32 * 1024)

    store = store_of(tmp_path.as_uri())
    tracemalloc.start()
    async with spooled(large(), limit=64 * MIB) as upload:
        digest = await store.put(upload)
    size = 0
    async for chunk in (await store.get(digest)).chunks:
        size += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 64 * MIB
    assert peak < 24 * MIB


async def test_the_sweep_deletes_old_files_that_nothing_refers_to(tmp_path: Path) -> None:
    store = store_of(tmp_path.as_uri())
    used, orphan, young = [await store.put(spooled_of(name)) for name in (b"used", b"orphan", b"young")]
    (tmp_path / "sha256/not-ours").write_text("x")
    asked: list[bytes] = []

    async def still_used(digests: Collection[bytes]) -> Collection[bytes]:
        asked.extend(digests)
        return {used}

    make_old(tmp_path, all_but=young)
    assert await store.sweep(still_used) == 1
    assert sorted(asked) == sorted([used, orphan])
    assert [await store.exists(digest) for digest in (used, orphan, young)] == [True, False, True]
    assert await store.sweep(still_used, timedelta(0)) == 1
    assert not await store.exists(young)


async def test_putting_an_old_file_again_makes_it_young(tmp_path: Path) -> None:
    store = store_of(tmp_path.as_uri())
    digest = await store.put(spooled_of(b"letter"))
    make_old(tmp_path)
    await store.put(spooled_of(b"letter"))

    async def nothing(_: Collection[bytes]) -> Collection[bytes]:
        return ()

    assert await store.sweep(nothing) == 0
    assert await store.exists(digest)


def test_a_setting_names_the_store(tmp_path: Path) -> None:
    store_of((tmp_path / "made/when/missing").as_uri())
    assert (tmp_path / "made/when/missing").is_dir()
    store_of("s3://bucket/prefix", region="cn-north-1", access_key_id="a", secret_access_key="b")
    for url in ("", "/folder", "http://bucket"):
        with pytest.raises(ValueError, match="store"):
            store_of(url)
