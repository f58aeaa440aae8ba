"""Makes the picture of a first page, in a process of its own with limits: hostile files may crash parsers.

`python -m office.files.rendering MEDIA_TYPE < file > picture.jpg`. Standard input must be a file. Exit
status: 0, or `REFUSED` for a file of which no picture can be made.
"""

import os
import resource
import sys
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from PIL import Image

SIDE = 960
"""Longest side of the picture, in pixels."""
SECONDS = 20
"""Processor time for one picture."""
REFUSED = 3
_MEMORY = 1536 * 1024 * 1024
_PIXELS = 50_000_000
"""A larger picture is a decompression bomb, or needs more memory than the process may use."""
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF"}
_PDF = "application/pdf"


def render(file: BinaryIO, media_type: str, out: BinaryIO) -> None:
    """Write the picture of the first page as JPEG. Raises any exception of the parsers."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = _PIXELS
    if media_type == _PDF:
        picture = _first_page(file)
    else:
        opened = Image.open(file, formats=[_FORMATS[media_type]])
        if opened.width * opened.height > _PIXELS:
            raise ValueError("a decompression bomb")
        opened.draft("RGB", (SIDE, SIDE))
        picture = ImageOps.exif_transpose(opened)
    picture.thumbnail((SIDE, SIDE))
    if picture.mode in {"RGBA", "LA", "PA", "P"}:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture)
        picture = paper
    picture.convert("RGB").save(out, "JPEG", quality=80, optimize=True)


def _first_page(file: BinaryIO) -> "Image.Image":
    import pypdfium2

    document = pypdfium2.PdfDocument(file)
    page = document[0]
    longest = max(page.get_size())
    if longest <= 0:
        raise ValueError("a page without size")
    picture: Image.Image = page.render(scale=SIDE / longest).to_pil()
    return picture


def main() -> int:
    """Render standard input."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        with os.fdopen(os.dup(0), "rb") as file, out:
            render(file, sys.argv[1], out)
    except Exception as error:  # whatever a parser raises, there is no picture
        sys.stderr.write(f"{type(error).__name__}: {error}"[:500])
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
