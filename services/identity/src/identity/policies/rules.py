"""The documents that people agree to, and which of them an account lacks. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from contracts.vocabulary import PolicyKind

REQUIRED = (PolicyKind.PRIVACY_POLICY, PolicyKind.TERMS)
"""Everybody agrees to these; the notice about identity numbers only for a real-name check (PIPL article
29).
"""


@dataclass(frozen=True)
class Document:
    """One version of a document, as Markdown with headings, paragraphs and lists."""

    kind: PolicyKind
    version: str
    text: str

    @property
    def title(self) -> str:
        """Return the first heading."""
        return self.text.lstrip().split("\n", 1)[0].removeprefix("# ").strip()


def order_of(version: str) -> tuple[int, ...]:
    """Return the sort key of a version such as `1.10`. Raises `ValueError`."""
    return tuple(int(part) for part in version.split("."))


def newest(documents: Iterable[Document]) -> dict[PolicyKind, Document]:
    """Return the newest version of each kind."""
    return {one.kind: one for one in sorted(documents, key=lambda one: order_of(one.version))}


def outdated(current: Mapping[PolicyKind, Document], agreed: Mapping[PolicyKind, str]) -> list[PolicyKind]:
    """Return the documents that everybody agrees to and of which `agreed` lacks the current version."""
    return [kind for kind in REQUIRED if agreed.get(kind) != current[kind].version]


def missing(current: Mapping[PolicyKind, Document], agreed: Collection[tuple[str, str]]) -> list[Document]:
    """Return the documents that everybody agrees to and whose current version an account has not agreed
    to.
    """
    return [current[kind] for kind in REQUIRED if (kind.value, current[kind].version) not in agreed]
