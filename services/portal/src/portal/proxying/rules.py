"""What is passed on, and how. Pure functions.

Only the operations that `routes.json` lists are passed on (RFC 10017 §6.1.3.4): those of the services'
OpenAPI documents without the ones for machines.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from contracts.vocabulary import Audience

SENT: Final = frozenset(
    {
        *("accept", "accept-language", "content-digest", "content-disposition", "content-encoding"),
        *("content-length", "content-type"),
        *("idempotency-key", "if-match", "if-none-match", "if-range", "last-event-id", "range"),
        *("upload-offset", "user-agent"),
    }
)
"""Headers of a browser that a service gets. Neither cookies nor anything that names who calls."""

RETURNED: Final = frozenset(
    {
        *("accept-ranges", "cache-control", "content-disposition", "content-encoding", "content-language"),
        *("content-length", "content-range", "content-type", "deprecation", "etag", "last-modified"),
        *("link", "location", "retry-after", "sunset", "upload-length", "upload-offset", "vary"),
        *("x-accel-buffering", "x-content-type-options", "content-security-policy"),
    }
)
"""Headers of a service that a browser gets. A service sets no cookies here and gives no challenge."""

_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')
_REFUSED: Final = re.compile(r"%(?:[01][0-9a-f]|2[5ef]|5c|7f|(?![0-9a-f]{2}))", re.IGNORECASE)
"""Codes of control characters, dots, slashes, backslashes and percent signs, which would begin others."""
_SAFE: Final = re.compile(r"[A-Za-z0-9._~:@!$&'()*+,;=%-]+")


@dataclass(frozen=True)
class Destination:
    """A service and the path of an operation there."""

    audience: Audience
    path: str


class Routes:
    """The operations that are passed on, found by service, number of segments, and method."""

    def __init__(self, listed: Mapping[str, Mapping[str, Iterable[str]]]) -> None:
        self._known: dict[tuple[str, int], list[tuple[tuple[str, ...], frozenset[str]]]] = {}
        for service, paths in listed.items():
            for path, methods in paths.items():
                segments = tuple(path.split("/"))
                self._known.setdefault((service, len(segments)), []).append((segments, frozenset(methods)))

    def find(self, service: str, path: str, method: str) -> Destination | None:
        """Return where a call goes, None if it is not listed.

        `path` is as it came, percent-encoded: it is passed on unchanged, so a segment must not be one that a
        client or server would resolve (`..`), nor contain what separates the parts of an address.
        """
        segments = tuple(path.split("/"))
        if not all(_plain(segment) for segment in segments[1:]):
            return None
        for template, methods in self._known.get((service, len(segments)), ()):
            if method in methods and all(map(_matches, template, segments)):
                return Destination(Audience.of(service), path)
        return None


def _plain(segment: str) -> bool:
    return (
        _SAFE.fullmatch(segment) is not None
        and segment not in (".", "..")
        and _REFUSED.search(segment) is None
    )


def _matches(template: str, segment: str) -> bool:
    return segment == template or template.startswith("{")


def challenge(header: str) -> dict[str, str] | None:
    """Return the requirements of a challenge for a stronger or more recent sign-in (RFC 9470 §3), or None."""
    found = dict(_PARAMETER.findall(header))
    if found.get("error") != "insufficient_user_authentication":
        return None
    return {name: found[name] for name in ("acr_values", "max_age") if name in found}


def private(cache_control: str | None) -> str:
    """Return how an answer may be kept: by this browser if its service says so, by no cache of several."""
    given = [one.strip().lower() for one in (cache_control or "no-store").split(",")]
    kept = [one for one in given if one and one != "public" and not one.startswith(("s-maxage", "private"))]
    return "no-store" if "no-store" in kept else ", ".join(["private", *kept])


def public(location: str, service: str) -> str:
    """Return a relative `Location` of a service as a page has to call it."""
    return f"/api/{service}{location.removeprefix('/api')}" if location.startswith("/api/") else location
