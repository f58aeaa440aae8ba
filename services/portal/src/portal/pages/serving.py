"""Serves the files that `make web` builds, with the headers that pages need beside `portal.headers`.

Mounted last, for every path that nothing else has: an address of a page (`/notices/…`) is answered with
`index.html` if a browser navigates there, and is not found otherwise.
"""

import gzip
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from servicekit.problems import NotFound

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from other origins, no inline scripts, no inline styles in markup."""
_HEADERS: Final = {
    "content-security-policy": CSP,
    "cross-origin-opener-policy": "same-origin",
    "vary": "accept-encoding",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASSETS: Final = "assets/"
"""The files whose names contain a digest of their content."""
_COMPRESSED_FROM: Final = 1024
_FEW: Final = 512
"""Files of a build, with room; there are some 60."""
_NOT_BUILT: Final = (
    '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>工作门户</title>'
    "<h1>页面尚未生成</h1><p>请运维人员运行 <code>make web</code>，或使用包含页面的镜像。</p>"
)


@dataclass(frozen=True)
class File:
    """A file as it is sent."""

    content: bytes
    compressed: bytes | None
    media_type: str
    etag: str


@lru_cache(maxsize=_FEW)
def _read(path: Path, _changed: int) -> File:
    """Read and compress a file; `_changed` is its time of change, so that a new build is noticed."""
    content = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    compressed = None
    if len(content) >= _COMPRESSED_FROM and not media_type.startswith("image/png"):
        compressed = gzip.compress(content, mtime=0)
    return File(content, compressed, media_type, f'"{sha256(content).hexdigest()[:32]}"')


class PagesApp:
    """An ASGI application over the folder of a build."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. Raises `NotFound`."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            raise NotFound
        request = Request(scope, receive)
        path = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
        response = await run_in_threadpool(self._answer, request, path)
        await response(scope, receive, send)

    def _answer(self, request: Request, path: str) -> Response:
        found = self._find(path)
        if found is None and _navigates(request, path):
            path, found = "index.html", self._find("index.html")
            if found is None:
                return HTMLResponse(_NOT_BUILT, 503, {"retry-after": "5", "cache-control": "no-store"})
        if found is None:
            raise NotFound
        headers = {
            **_HEADERS,
            "cache-control": _FOR_EVER if path.startswith(_ASSETS) else "no-cache",
            "etag": found.etag,
        }
        if found.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content = found.content
        if found.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["content-encoding"] = found.compressed, "gzip"
        return Response(content, headers=headers, media_type=found.media_type)

    def _find(self, path: str) -> File | None:
        """Return a file below the folder; neither hidden ones nor anything that leads out of it."""
        parts = path.split("/")
        if not path or any(
            not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts
        ):
            return None
        file = self._folder.joinpath(*parts)
        try:
            if not file.is_file() or not file.resolve().is_relative_to(self._folder):
                return None
            return _read(file, file.stat().st_mtime_ns)
        except OSError:
            return None


def _navigates(request: Request, path: str) -> bool:
    """Return whether a browser shows the answer to somebody, who can then use a page.

    A script that asks for an address gets 404, as does a file that is gone after a new version.
    """
    if not path:
        return True
    if "text/html" not in request.headers.get("accept", "") or "." in path.rpartition("/")[2]:
        return False
    return request.headers.get("sec-fetch-mode", "navigate") == "navigate"
