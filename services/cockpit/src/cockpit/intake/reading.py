"""Reading of files: their rows are judged, and their facts written to the store in large inserts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.feeds.declarations import Feed
from cockpit.intake import files
from cockpit.intake.facts import FactFile, FactWriter
from cockpit.intake.loading import Chunk, Earlier, Loader, Origin
from cockpit.intake.models import Batch
from cockpit.intake.steps import Reader
from filekit.spool import SpooledFile, temporary_file
from filekit.threads import ParsingThreads
from servicekit.db import Database

INSERT_ROWS = 100_000
"""Facts of one insert: each insert makes a part per year in ClickHouse, and many small parts slow it down."""

Progress = Callable[[int], Awaitable[None]]
Confirm = Callable[[AsyncSession, Batch], Awaitable[None]]


@dataclass(frozen=True)
class Source:
    """A complete file, which can be read more than once, and who takes part in its progress and commit."""

    upload: SpooledFile
    kind: files.FileKind
    feed: Feed
    unit: Unit
    progress: Progress | None = None
    confirm: Confirm | None = None


class SourceFiles:
    """Read files; one serves the whole process."""

    def __init__(self, database: Database, units: Callable[[AsyncSession], Units], facts: FactWriter) -> None:
        self._database = database
        self._units = units
        self._facts = facts
        self._threads = ParsingThreads()

    @asynccontextmanager
    async def opened(self, source: Source) -> AsyncIterator[Reader]:
        """Open a file up to its first row. Raises the errors of files."""
        reader = await self._threads.run(files.reader_of, source.upload, source.kind, source.feed)
        try:
            while not reader.opened:
                await self._threads.run(reader.open)
            yield reader
        finally:
            await self._threads.run(reader.close)

    def loader(self, source: Source, reader: Reader, origin: Origin, earlier: Earlier | None) -> Loader:
        """Return a loader of the rows of a file."""
        return Loader(self._database, self._units, source.feed, reader.names, origin, self._threads, earlier)

    async def judged(
        self, source: Source, reader: Reader, loader: Loader, *, write: bool = True
    ) -> AsyncIterator[Chunk]:
        """Judge the rows of a file, write their facts, and yield what became of them."""
        with temporary_file() as file:
            facts, waiting = FactFile(file), 0
            while not reader.ended:
                chunk = await loader.judge(await self._threads.run(reader.take))
                if chunk.facts is not None and write:
                    await self._threads.run(facts.write, chunk.facts)
                    waiting += chunk.accepted
                if waiting >= INSERT_ROWS:
                    await self._insert(source.feed, facts)
                    waiting = 0
                yield chunk
            if waiting:
                await self._insert(source.feed, facts)

    async def _insert(self, feed: Feed, facts: FactFile) -> None:
        await self._threads.run(facts.end)
        await self._facts.insert(feed.name, facts.columns, facts.file)
        facts.clear()
