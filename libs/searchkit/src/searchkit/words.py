"""Tokens of names, and of what people type to find them. Pure.

A name is indexed by pairs: `历下区` gives the pairs of characters ^历下 and 下区, the pairs of syllables
^li.xia and xia.qu with all readings of each character, and the pairs with initials ^li.x, ^l.x and so on. `^`
marks what the name begins with. A query becomes pairs in the same way, all of which a match must have. Two
characters, or one to begin with, are therefore enough for an index, and no combination of the readings of a
long name is listed.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise, product, zip_longest

from pypinyin import Style, pinyin
from pypinyin.pinyin_dict import pinyin_dict

FIRST = "^"
UNIT = "@"
TAIL = "#"
MOST_ALTERNATIVES = 12
MOST_OF_A_WORD = 8
_MOST_READINGS = 6
_MOST_SPLITS = 5
_VOWELS = frozenset("aeiouv")
_NO_INITIALS = frozenset("iuv")


def normal(text: str) -> str:
    """Return text without differences of width and case."""
    return unicodedata.normalize("NFKC", text).lower().strip()


def tokens_of(*texts: str) -> set[str]:
    """Return the tokens of names; characters that are neither letters nor digits are skipped."""
    return {token for text in texts for token in _tokens(_characters(text))}


def _tokens(characters: list[str]) -> Iterator[str]:
    if not characters:
        return
    yield FIRST + characters[0]
    for reading in readings(characters[0]):
        yield FIRST + reading
        yield FIRST + reading[0]
    for place, (one, other) in enumerate(pairwise(characters)):
        mark = "" if place else FIRST
        yield mark + one + other
        for left, right in product(readings(one), readings(other)):
            yield f"{mark}{left}.{right}"
            yield f"{mark}{left}.{right[0]}"
            yield f"{mark}{left[0]}.{right[0]}"


def first_of(name: str) -> str:
    """Return the first letter or digit of a name, by which its tokens begin; empty if it has none."""
    return "".join(_characters(name)[:1])


def pairs_of(text: str) -> set[str]:
    """Return the pairs of characters of a text, for what is found by characters only."""
    return {one + other for one, other in pairwise(_characters(text))}


@lru_cache(maxsize=20_000)
def readings(character: str) -> tuple[str, ...]:
    """Return all readings of a character without tones (ü as v); a letter or digit is its own reading."""
    if character.isascii():
        return (character,)
    found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore", v_to_u=False)
    known = [reading.lower() for reading in (found[0] if found else []) if reading.isascii() and reading]
    return tuple(dict.fromkeys(known))[:_MOST_READINGS]


@lru_cache(maxsize=1)
def syllables() -> frozenset[str]:
    """Return every syllable of pinyin, without tones."""
    found = set()
    for listed in pinyin_dict.values():
        for marked in listed.split(","):
            plain = unicodedata.normalize("NFD", marked).replace("u\N{COMBINING DIAERESIS}", "v")
            letters = "".join(letter for letter in plain if "a" <= letter <= "z")
            # Without interjections such as ng.
            if _VOWELS & set(letters):
                found.add(letters)
    return frozenset(found)


@lru_cache(maxsize=1)
def _beginnings() -> frozenset[str]:
    return frozenset(one[:length] for one in syllables() for length in range(1, len(one)))


@lru_cache(maxsize=1)
def _characters_by_reading() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for code_point in pinyin_dict:
        character = chr(code_point)
        # Not through the cache of `readings`, from which they would push the common ones.
        for reading in readings.__wrapped__(character):
            found.setdefault(reading, set()).add(character)
            found.setdefault(reading[0], set()).add(character)
    return {reading: frozenset(characters) for reading, characters in found.items()}


def beginning(token: str) -> str:
    """Return the token of the first character that names with a marked token have: ^zhang.w has ^zhang."""
    return token.partition(".")[0] if token.isascii() else token


def firsts_of(token: str) -> frozenset[str]:
    """Return the first characters of all names with a marked token."""
    first = beginning(token).removeprefix(FIRST)
    if first.isascii():
        return _characters_by_reading().get(first, frozenset()) | {first}
    return frozenset({first[0]})


@dataclass(frozen=True)
class Wanted:
    """What a query asks for: names that have all tokens of one of `leading` and begin with `begins`, then
    those that have all tokens of one of `others`; all of them contain all `words`.
    """

    leading: tuple[frozenset[str], ...]
    others: tuple[frozenset[str], ...]
    begins: str | None = None
    words: tuple[str, ...] = ()
    code: str | None = None
    """A unit's code begins with it; then nothing else is given."""
    digits: str | None = None
    """The last four digits of a phone number."""


def parse(text: str) -> Wanted | None:
    """Return what a query asks for, or None if it has no letter or digit."""
    terms = [term for term in normal(text).split() if _characters(term)][:4]
    if not terms:
        return None
    if len(terms) == 1 and terms[0].isascii() and any(letter.isdigit() for letter in terms[0]):
        code = terms[0].upper()
        digits = terms[0] if terms[0].isdigit() and len(terms[0]) == 4 else None
        return Wanted((), (), code=code, digits=digits)
    first, *rest = [_latin(term) if term.isascii() else _han(term) for term in terms]
    # A further word may be anywhere.
    anywhere = [_interleaved(one.leading, one.others) for one in rest]
    return Wanted(
        _combined([first.leading, *anywhere]),
        _combined([first.others, *anywhere]),
        begins=first.begins,
        words=tuple(word for one in (first, *rest) for word in one.words),
    )


def _han(term: str) -> Wanted:
    characters = _characters(term)
    if len(characters) == 1:
        return Wanted((frozenset({FIRST + characters[0]}),), (), begins=term)
    leading, others = _marked([one + other for one, other in pairwise(characters)])
    return Wanted((leading,), (others,), begins=term, words=(term,))


def _latin(term: str) -> Wanted:
    letters = "".join(_characters(term))
    # Complete syllables first, few before many.
    splits = sorted(islice(_segmentations(letters), _MOST_SPLITS), key=len)
    listed = [_pairs(parts) for parts in splits if parts[-1] in syllables()]
    listed += [_open_ended(parts) for parts in splits if parts[-1] in _beginnings()]
    if 1 < len(letters) <= 12 and not _NO_INITIALS & set(letters):
        listed.append(_pairs([*letters]))
    marked = [_marked(tokens) for tokens in listed if tokens]
    leading = [one for one, _ in marked]
    if letters in syllables():
        leading.append(frozenset({FIRST + letters}))
    elif len(letters) == 1 or letters in _beginnings():
        leading.append(frozenset({FIRST + letters[0]}))
    return Wanted(tuple(dict.fromkeys(leading)), tuple(dict.fromkeys(other for _, other in marked)))


def _marked(pairs: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the tokens of names that begin with the pairs, and of those that have them further on."""
    return frozenset({FIRST + pairs[0], *pairs[1:]}), frozenset(pairs)


def _pairs(parts: list[str]) -> list[str]:
    return [f"{one}.{other}" for one, other in pairwise(parts)]


def _open_ended(parts: list[str]) -> list[str]:
    """Return the pairs with the last syllable as the beginning of a longer one."""
    return _pairs([*parts[:-1], parts[-1][0]])


def _segmentations(letters: str) -> Iterator[list[str]]:
    """Yield the ways to split letters into syllables, long ones first.

    The last one may be incomplete, or initials may follow.
    """
    if not letters:
        yield []
        return
    for length in range(min(6, len(letters)), 0, -1):
        head, rest = letters[:length], letters[length:]
        if head in syllables() or (not rest and head in _beginnings()):
            for tail in _segmentations(rest):
                yield [head, *tail]
            if 1 < len(rest) <= 6 and not _NO_INITIALS & set(rest):
                yield [head, *rest]


def _combined(listed: Iterable[tuple[frozenset[str], ...]]) -> tuple[frozenset[str], ...]:
    """Return the combinations of the alternatives of each word, likely ones first."""
    numbered = product(*(list(enumerate(one[:MOST_OF_A_WORD])) for one in listed))
    likely = sorted(numbered, key=lambda parts: sum(place for place, _ in parts))
    return tuple(frozenset().union(*(one for _, one in parts)) for parts in likely[:MOST_ALTERNATIVES])


def _interleaved(
    one: tuple[frozenset[str], ...], other: tuple[frozenset[str], ...]
) -> tuple[frozenset[str], ...]:
    return tuple(part for pair in zip_longest(one, other) for part in pair if part is not None)


def _characters(text: str) -> list[str]:
    return [character for character in normal(text) if character.isalnum()]
