"""What endpoints have in common that receive a table as the body of a request, or send a file."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request

from filekit.errors import (
    EncryptedWorkbook,
    FileInfected,
    MacroWorkbook,
    OldWorkbook,
    ScanLimitExceeded,
    ScannerUnavailable,
    UnsupportedFileType,
)
from filekit.receiving import ReceivedFile, received
from filekit.scan import Scanner
from filekit.sniff import TEXT, XLSX
from servicekit.problems import BodyTooLarge

BINARY: dict[str, object] = {"schema": {"type": "string", "format": "binary"}}
"""A media type of OpenAPI whose content is a file."""
TABLES = (XLSX, TEXT)
"""The media types of tables: a workbook without macros, and CSV."""
TABLE_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {XLSX: BINARY, "text/csv": BINARY}}
}
"""The `openapi_extra` of an endpoint whose body is a table."""
UPLOAD_ERRORS = (
    UnsupportedFileType,
    OldWorkbook,
    EncryptedWorkbook,
    MacroWorkbook,
    FileInfected,
    ScanLimitExceeded,
    ScannerUnavailable,
    BodyTooLarge,
)
"""The errors of `uploaded`."""


async def _scanner(request: Request) -> Scanner:
    scanner: Scanner = request.app.state.file_scanner
    return scanner


FileScanner = Annotated[Scanner, Depends(_scanner)]
"""The scanner of the service: `file_scanner` of its state."""


def uploaded(
    request: Request, scanner: Scanner, *, limit: int, accepted: Collection[str] = TABLES
) -> AbstractAsyncContextManager[ReceivedFile]:
    """Receive the body of a request as a file of at most `limit` bytes. Raises `UPLOAD_ERRORS`."""
    return received(request.stream(), limit=limit, accepted=accepted, scanner=scanner)


def attachment(name: str, *, plain: str) -> dict[str, str]:
    """Return the headers of a file that a browser saves and no cache keeps.

    `name` may be Chinese (RFC 6266 §5, RFC 8187); `plain` is in ASCII, for clients that know no other.
    """
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def row_number(text: str) -> int:
    """Read the number of a table's row from a cursor. Raises ValueError."""
    number = int(text)
    if not 0 < number < 2**31:
        raise ValueError("not the number of a row")
    return number
