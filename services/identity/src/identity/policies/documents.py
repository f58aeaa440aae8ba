"""The packaged documents, and those of the deployment, which replace them."""

from importlib.resources import files
from pathlib import Path

from contracts.vocabulary import PolicyKind
from identity.policies.rules import Document, newest, order_of


def _read(name: str, text: str) -> Document:
    kind, _, version = name.removesuffix(".md").partition(".")
    order_of(version)
    return Document(PolicyKind(kind), version, text)


def load(directory: Path | None) -> dict[PolicyKind, Document]:
    """Return the current document of each kind. Files are named `<kind>.<version>.md`.

    A file in `directory` replaces the packaged document of its kind, whatever its version. Raises
    `ValueError` for a file with another name, and `OSError`.
    """
    packaged = files("identity.policies").joinpath("texts")
    current = newest(
        _read(one.name, one.read_text(encoding="utf-8"))
        for one in packaged.iterdir()
        if one.name.endswith(".md")
    )
    if directory is not None:
        own = [_read(path.name, path.read_text(encoding="utf-8")) for path in sorted(directory.glob("*.md"))]
        current |= newest(own)
    return current
