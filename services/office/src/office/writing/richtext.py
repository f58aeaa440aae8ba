"""Rich text: HTML that editors and mail programs produce, reduced to what a document needs. Pure functions.

Stored text has passed `clean`, so front ends and the printer may use it as it is.
"""

import re
from html.parser import HTMLParser
from typing import Final

import nh3

MAX_LENGTH: Final = 200_000
"""Characters of HTML, as sent."""
MAX_DEPTH: Final = 200
"""Open elements at one place, as sent: the parser's time grows with the square of it."""
MAX_KEPT_DEPTH: Final = 24
"""Open elements at one place, as stored: the printer descends into each."""

_BLOCKS: Final = frozenset(
    {"p", "h2", "h3", "h4", "blockquote", "ul", "ol", "li", "table", "caption", "thead", "tbody", "tfoot"}
    | {"tr", "th", "td", "hr", "div"}
)
_INLINE: Final = frozenset({"br", "strong", "b", "em", "i", "u", "s", "sub", "sup", "a"})
_VOID: Final = frozenset({"br", "hr", "img", "input", "meta", "link", "wbr", "col", "area", "base", "embed"})
_GONE: Final = frozenset(
    {"script", "style", "svg", "math", "template", "iframe", "object", "noscript", "noembed", "noframes"}
    | {"title", "xml", "textarea", "select", "audio", "video", "canvas", "applet", "frameset"}
)
_ATTRIBUTES: Final = {
    "a": {"href"},
    "ol": {"start"},
    "p": {"style"},
    "h2": {"style"},
    "h3": {"style"},
    "h4": {"style"},
    "td": {"colspan", "rowspan", "style"},
    "th": {"colspan", "rowspan", "style"},
}
_STYLES: Final = {"text-align"}
_ROUNDS: Final = 6
_NUMBER = re.compile(r"[1-9]\d{0,2}")
_ALIGN = re.compile(r"text-align\s*:\s*(left|center|right|justify)", re.IGNORECASE)
# Without the end of the tag: looking for it takes quadratic time in text without one.
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/<>]*)")
# A parser closes these by itself when the next one begins.
_CLOSED_BY_NEXT: Final = frozenset(
    {"p", "li", "tr", "td", "th", "dt", "dd", "option", "thead", "tbody", "tfoot"}
)
_DIV = re.compile(r"<(/?)div>")
_EMPTY = re.compile(
    r"<(p|h2|h3|h4|blockquote|a|strong|b|em|i|u|s|sub|sup)(?: [^>]*)?>(?:\s|&nbsp;|<br>)*</\1>"
)


class TooDeepError(ValueError):
    """Elements are nested too deeply."""


def clean(html: str) -> str:
    """Return the HTML with only paragraphs, headings, lists, tables, links and plain emphasis.

    Scripts, styles, pictures, data URLs, comments, classes, fonts and what Word and mail programs add are
    removed; text is kept. The result does not change when it is cleaned again. Raises `TooDeepError`.
    """
    _check_depth(html, MAX_DEPTH, _VOID | _CLOSED_BY_NEXT)
    # Editors and mail programs write paragraphs as `div`.
    text = _cleaned(_DIV.sub(r"<\1p>", _cleaned(html)))
    # Removing what is empty can change how the rest nests, which is settled after very few rounds.
    for _ in range(_ROUNDS):
        settled = _cleaned(_without_empty(text))
        if settled == text:
            break
        text = settled
    _check_depth(text, MAX_KEPT_DEPTH, _VOID)
    return text


def plain(html: str) -> str:
    """Return the text of cleaned HTML, one line for each block."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


def _without_empty(html: str) -> str:
    while (less := _EMPTY.sub("", html)) != html:
        html = less
    return html.strip()


def _cleaned(html: str) -> str:
    return nh3.clean(
        html,
        tags=set(_BLOCKS | _INLINE),
        clean_content_tags=set(_GONE),
        attributes={name: set(allowed) for name, allowed in _ATTRIBUTES.items()},
        attribute_filter=_attribute,
        filter_style_properties=set(_STYLES),
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
        strip_comments=True,
    )


def _attribute(_: str, name: str, value: str) -> str | None:
    if name in {"colspan", "rowspan", "start"}:
        return value if _NUMBER.fullmatch(value) else None
    if name == "style":
        found = _ALIGN.search(value)
        return None if found is None else f"text-align:{found[1].lower()}"
    if name == "href" and not re.match(r"(https?://|mailto:)", value, re.IGNORECASE):
        # A relative address means something else wherever the text is shown.
        return None
    return value


def _check_depth(html: str, most: int, uncounted: frozenset[str]) -> None:
    depth = 0
    for closing, name in _TAG.findall(html):
        if name.lower() not in uncounted:
            depth = max(0, depth - 1) if closing else depth + 1
            if depth > most:
                raise TooDeepError


class _Reader(HTMLParser):
    """Collects the text of cleaned HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br" or tag in _BLOCKS:
            self._parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._parts.append("\n")

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def text(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self._parts).split("\n"))
        return "\n".join(line for line in lines if line)
