"""Runs the process that lays a document out, with limits of time, memory and number."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import structlog

from office.printing.errors import DocumentTooLong, PrintersBusy, PrintingUnavailable
from office.printing.render import NO_FONT, TOO_LONG
from office.printing.rules import SECONDS

log = structlog.get_logger("printing")

PRINTERS = 2
"""Processes at one time, for each process of the service."""
WAITING = 40
"""Requests that may wait for one."""


class Printer:
    """Makes PDF in processes of its own, so that the event loop never waits and no document can harm it."""

    def __init__(self, font_folder: Path | None) -> None:
        """`font_folder`: where licensed fonts are, in addition to those of the system."""
        self._fonts = [] if font_folder is None else [str(font_folder)]
        self._free = asyncio.Semaphore(PRINTERS)
        self._waiting = 0

    async def pdf(self, document: dict[str, Any], seconds: int = SECONDS) -> bytes:
        """Return the document as PDF. Raises `DocumentTooLong`, `PrintingUnavailable`, `PrintersBusy`."""
        if self._waiting >= WAITING:
            raise PrintersBusy
        request = {"document": document, "font_paths": self._fonts, "seconds": seconds}
        self._waiting += 1
        try:
            async with self._free:
                return await self._run(json.dumps(request, ensure_ascii=False).encode(), seconds)
        finally:
            self._waiting -= 1

    async def _run(self, request: bytes, seconds: int) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "office.printing.render",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Nothing of the service's settings: the process needs none of its secrets.
            env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        try:
            async with asyncio.timeout(seconds):
                pdf, errors = await process.communicate(request)
        except TimeoutError as error:
            raise DocumentTooLong from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return pdf
        # A negative status: the system ended it, because it had used up its time or memory.
        if process.returncode == TOO_LONG or (process.returncode or 0) < 0:
            raise DocumentTooLong
        reason = (
            "no Chinese font" if process.returncode == NO_FONT else errors.decode(errors="replace")[-2000:]
        )
        log.error("printing failed", status=process.returncode, reason=reason)
        raise PrintingUnavailable
