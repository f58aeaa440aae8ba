"""Rows of a Parquet file, as texts: what its types say is judged by the same rules as any text."""

from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cockpit.feeds.declarations import Feed
from cockpit.intake.errors import MalformedParquet
from cockpit.intake.members import MemberFile
from cockpit.intake.steps import Step, names_of, shown
from filekit.errors import EmptyFile

STEP_ROWS = 20_000
MAX_GROUP_BYTES = 1024**3
"""Bytes of a row group when unpacked; a larger one does not fit beside other work."""


class ParquetReader:
    """Read a file whose columns are texts, whole numbers, decimals, dates or binary fractions."""

    encoding: str | None = None
    files: Sequence[MemberFile] = ()

    def __init__(self, file: BinaryIO, feed: Feed) -> None:
        self._source = file
        self._feed = feed
        self._opened = self._done = False
        self._read = 0
        self.rows = 0
        self.headings: list[str] = []
        self.names: list[str] = []

    @property
    def opened(self) -> bool:
        """Return whether the schema has been read."""
        return self._opened

    @property
    def ended(self) -> bool:
        """Return whether all rows have been read."""
        return self._done

    def open(self) -> None:
        """Read the schema. Raises `EmptyFile`, `WrongColumns`, `MalformedParquet`."""
        self._source.seek(0)
        try:
            self._file = pq.ParquetFile(self._source)
            metadata = self._file.metadata
            groups = [metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups)]
            schema = self._file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise MalformedParquet from error
        if any(size > MAX_GROUP_BYTES for size in groups):
            raise MalformedParquet("行组过大，请以较小的行组（如 10 万行）重新生成文件。")
        self.headings = list(schema.names)
        self.names = names_of(self._feed, self.headings)
        for heading, type_ in zip(self.headings, schema.types, strict=True):
            if not _readable(type_):
                raise MalformedParquet(f"列“{shown(heading)}”的类型应为文本、整数、小数或日期。")
        self.rows = metadata.num_rows
        if not self.rows:
            raise EmptyFile
        self._batches = self._file.iter_batches(STEP_ROWS, use_threads=False)
        self._opened = True

    def take(self) -> Step:
        """Return the rows of one step. Raises `MalformedParquet`."""
        try:
            batch = next(self._batches, None)
            if batch is None:
                self._done = True
                return Step(texts={name: pa.array([], pa.string()) for name in self.names})
            texts = {name: _texts(column) for name, column in zip(self.names, batch.columns, strict=True)}
        except (pa.ArrowException, OSError) as error:
            raise MalformedParquet from error
        numbers = range(self._read + 1, self._read + batch.num_rows + 1)
        self._read += batch.num_rows
        return Step(list(numbers), texts)

    def close(self) -> None:
        """Release the reader; the file belongs to the caller."""


def _readable(type_: pa.DataType) -> bool:
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    kinds = (
        *(pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_decimal),
        *(pa.types.is_date, pa.types.is_floating, pa.types.is_null),
    )
    return any(is_kind(type_) for is_kind in kinds)


def _texts(column: pa.Array) -> pa.Array:
    if pa.types.is_date(column.type):
        column = pc.strftime(column, "%Y-%m-%d")
    texts = pc.cast(column, pa.string())
    # The file may say that any bytes are a text.
    texts.validate(full=True)
    return pc.fill_null(texts, "")
