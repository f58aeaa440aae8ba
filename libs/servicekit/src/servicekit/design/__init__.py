"""The look of all pages for people: a style sheet, its tokens and the mark, served by the service itself.

`tokens.css` has colours, sizes and distances as custom properties and nothing else, so that a front end with
components of its own takes them over; `pages.css` is the look of server-rendered pages.
"""

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

HERE = Path(__file__).parent
PATH = "/design"
"""Where the files are served."""


def install(app: FastAPI) -> None:
    """Serve the files below `PATH`."""
    app.mount(PATH, StaticFiles(directory=HERE), name="design")
