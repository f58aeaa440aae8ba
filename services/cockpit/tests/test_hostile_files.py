"""Whatever a file holds, it is parsed in bounded steps beside the event loop."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest

from cockpit.feeds.declarations import AWARD
from cockpit.feeds.rules import RowError
from cockpit.intake import lines
from cockpit.intake.csv_reader import CsvReader
from cockpit.intake.lines import Lines
from cockpit.intake.repository import BatchRepository
from services.cockpit.tests.support.running_cockpit import AWARD_COLUMNS, Cockpit, award, csv_of

MIB = 1024 * 1024
HEADING = (",".join(AWARD_COLUMNS) + "\n").encode()
ROW = csv_of([award()]).splitlines()[1].encode() + b"\n"

HOSTILE = {
    "blank lines": HEADING + b"\n" * (MIB // 4) + ROW,
    "blank lines before the heading": b"\r\n" * (MIB // 4) + HEADING + ROW,
    "rows of separators": HEADING + b",,,,,,,,\n" * (MIB // 8) + ROW,
    "one line": HEADING + b"x" * (8 * MIB),
    "one wide row": HEADING + b"," * (8 * MIB),
    "wide rows": HEADING + (b"a," * 60_000 + b"\n") * 64 + ROW,
    "a quote never closed": HEADING + b'"' + b"x\n" * (MIB // 128),
    "quotes in every field": HEADING + b'"",' * (2 * MIB) + b"\n" + ROW,
    "long fields": HEADING + (b"1" * 130_000 + b"\n") * 64 + ROW,
}


MANY_LINES = {"blank lines", "blank lines before the heading", "rows of separators"}


class Counted(io.BytesIO):
    """Counts what is read."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        read = super().read(size)
        self.count += len(read)
        return read


@pytest.mark.parametrize("name", HOSTILE)
def test_no_step_of_parsing_reads_more_than_its_bound(name: str) -> None:
    file = Counted(HOSTILE[name])
    reader = CsvReader(file, "utf-8-sig", AWARD)
    while not reader.ended:
        before = file.count
        if reader.opened:
            reader.take()
        else:
            reader.open()
        assert file.count - before <= lines.BLOCK_BYTES
    assert reader.rows >= 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_every_line_is_read_once_wherever_blocks_end(
    end: str, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", 7)
    texts = ["\ufeff标题,b", "甲,1", "", ",,", "乙" * 20, "丙"]
    reader = Lines(io.BytesIO(end.join(texts).encode(codec)), codec)
    found: list[lines.NumberedLine] = []
    while not reader.ended:
        found += reader.step()
    assert found == [(1, "标题,b"), (2, "甲,1"), (5, "乙" * 20), (6, "丙")]
    assert (reader.read, reader.found) == (6, 4)


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
@pytest.mark.parametrize("characters", ["x", "中", "x中"])
def test_a_line_without_end_is_one_line_that_is_too_long(characters: str, codec: str) -> None:
    text = "a\n" + characters * (3 * MIB) + "\nb\n"
    reader = Lines(io.BytesIO(text.encode(codec)), codec)
    found: list[lines.NumberedLine] = []
    while not reader.ended:
        found += reader.step()
    assert [line.number for line in found] == [1, 2, 3]
    assert found[2].text == "b"
    with pytest.raises(RowError, match="line_too_long"):
        lines.fields_of(found[1].text)


class TestThroughTheApi:
    @pytest.fixture
    def upload_limit(self) -> int:
        return 64 * MIB

    @pytest.mark.parametrize("name", HOSTILE)
    async def test_livez_answers_while_a_hostile_file_is_parsed(
        self, cockpit: Cockpit, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Many steps, each of which lets the loop go round: more for what has more lines than bytes.
        monkeypatch.setattr(lines, "BLOCK_BYTES", (8 if name in MANY_LINES else 64) * 1024)
        content = HOSTILE[name]
        received = asyncio.Event()

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(content), 64 * 1024):
                yield content[at : at + 64 * 1024]
            received.set()

        answered = answered_before_first_row = 0
        claim = BatchRepository.claim

        async def noted_claim(self: BatchRepository, values: dict[str, object]) -> bool:
            nonlocal answered_before_first_row
            answered_before_first_row = answered
            return await claim(self, values)

        monkeypatch.setattr(BatchRepository, "claim", noted_claim)
        upload = asyncio.create_task(cockpit.upload("award", "county", pieces()))
        await received.wait()
        while not upload.done():
            assert (await cockpit.http.get("/livez")).status_code == 200
            answered += 1
            await asyncio.sleep(0)
        answer = upload.result()
        assert answer.status_code == 201
        assert answered > 0
        if name in MANY_LINES:
            assert answered_before_first_row >= 30
