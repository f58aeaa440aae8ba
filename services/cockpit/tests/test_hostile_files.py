"""Whatever a file holds, it is parsed in bounded steps beside the event loop."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest

from cockpit.intake import files
from cockpit.intake.feeds import AWARD
from cockpit.intake.repository import BatchRepository
from filekit import csv_rows
from filekit.errors import EmptyFile, MalformedCsv
from filekit.spool import SpooledFile
from servicekit.problems import Problem
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
    "a quote never closed": HEADING + b'"' + b"x\n" * (4 * MIB),
    "quotes in every field": HEADING + b'"",' * (2 * MIB) + b"\n" + ROW,
    "long fields": HEADING + (b"1" * 130_000 + b"\n") * 64 + ROW,
}


MANY_LINES = {"blank lines", "blank lines before the heading", "rows of separators"}


class Counted(io.BytesIO):
    """Counts what is read."""

    count = 0

    def read1(self, size: int | None = -1, /) -> bytes:
        read = super().read1(size)
        self.count += len(read)
        return read


@pytest.mark.parametrize("name", HOSTILE)
def test_no_step_of_parsing_reads_more_than_its_bound(name: str) -> None:
    file = Counted(HOSTILE[name])
    reader = files.RowReader(SpooledFile(file, 0, b""), "utf-8-sig", AWARD)
    bound = csv_rows.STEP_CHARACTERS + csv_rows.MAX_RECORD + 2 * io.DEFAULT_BUFFER_SIZE
    ended: type[Problem] | None = None
    while not reader.ended and ended is None:
        before, lines = file.count, reader._rows.lines
        try:
            rows: list[csv_rows.Line] = []
            if reader.opened:
                rows = reader.take()
            else:
                reader.open()
        except (EmptyFile, MalformedCsv) as error:
            ended = type(error)
        else:
            assert len(rows) <= csv_rows.STEP_ROWS
        assert file.count - before <= bound
        assert reader._rows.lines - lines <= csv_rows.STEP_LINES + csv_rows.MAX_RECORD
    assert ended is (
        MalformedCsv
        if name in {"one line", "one wide row", "a quote never closed", "quotes in every field"}
        else None
    )


class TestThroughTheApi:
    @pytest.fixture
    def upload_limit(self) -> int:
        return 64 * MIB

    @pytest.mark.parametrize("name", HOSTILE)
    async def test_livez_answers_while_a_hostile_file_is_parsed(
        self, cockpit: Cockpit, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Many steps, each of which lets the loop go round.
        monkeypatch.setattr(csv_rows, "STEP_LINES", 1_000)
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
        assert (answer.status_code, answer.json().get("code")) in {(201, None), (400, "malformed_csv")}
        assert answered > 0
        if name in MANY_LINES:
            assert answered_before_first_row >= 30
