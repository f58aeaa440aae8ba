"""Chromium for tests of pages: the installed one, or Debian's, with a font that has Chinese characters.

The backend's `url` is the path of the program; `testkit.browsers` drives it.
"""

import shutil
import subprocess
from pathlib import Path

from testkit.backends import debian
from testkit.backends.base import Backend, UnavailableError, Way, first_available

PACKAGES = ("chromium", "chromium-l10n", "fonts-noto-cjk")
ARGUMENTS = (
    # Root may not use the sandbox; containers often have no user namespaces for it. The pages are our own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The same letter shapes on every machine, for the screenshots in the documentation.
    "--font-render-hinting=none",
)
"""Arguments for the program: nothing but the tested pages uses the network."""
LANGUAGE = {"LANGUAGE": "zh_CN"}
"""What Chromium itself writes, such as the parts of a date to type, is in Chinese, with `chromium-l10n`. On
Linux it takes its language from here, not from an argument or from the profile.
"""
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find() -> Path:
    """The program; UnavailableError without it, or without a font for Chinese."""
    found = next((path for name in _PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        raise UnavailableError("no chromium or google-chrome on this machine")
    listing = shutil.which("fc-list")
    if listing is not None:
        fonts = subprocess.run(  # noqa: S603 - fontconfig's own program
            [listing, ":lang=zh-cn", "family"], capture_output=True, text=True, timeout=60, check=False
        )
        if not fonts.stdout.strip():
            raise UnavailableError("no font with Chinese characters on this machine")
    return Path(found)


def _installed() -> Backend:
    return Backend("chromium", str(find()))


def _from_debian() -> Backend:
    debian.install(*PACKAGES)
    return _installed()


WAYS = (
    Way("installed chromium", _installed),
    Way(f"apt-get install {' '.join(PACKAGES)}", _from_debian),
)


def start() -> Backend:
    """Find the program or install it; NoBackendError lists the tried ways. Does not start it."""
    return first_available("chromium", WAYS)
