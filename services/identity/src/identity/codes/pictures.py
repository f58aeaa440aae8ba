"""Pictures of characters that a person types. Drawing one takes some milliseconds of processor time."""

import asyncio
import base64
import secrets
import unicodedata

from captcha.image import ImageCaptcha

CHARACTERS = "34678ACDEFHJKMNPRTUWXY"
"""Without those that look alike when they are bent, such as 0 and O, 1 and I, 2 and Z, 5 and S, 8 and B."""
LENGTH = 5
_INK, _PAPER = (24, 42, 84), (255, 255, 255)
_OPACITY = [min(255, 7 * brightness) for brightness in range(256)]
"""The library shows a colour as strongly as it is bright; by this table, dark ink shows in full."""


def choose() -> str:
    """Return new characters."""
    return "".join(secrets.choice(CHARACTERS) for _ in range(LENGTH))


async def draw(characters: str) -> str:
    """Return a picture of the characters as a `data:` address."""
    return await asyncio.to_thread(_draw, characters)


def read(text: str) -> str:
    """Return what a person typed as it is compared, whatever its case, width and blanks."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def _draw(characters: str) -> str:
    # A new one each time: it keeps its fonts, which are not made for several threads.
    captcha = ImageCaptcha(width=240, height=80)
    captcha.lookup_table = _OPACITY
    image = captcha.generate(characters, bg_color=_PAPER, fg_color=_INK)
    return f"data:image/png;base64,{base64.b64encode(image.getvalue()).decode()}"
