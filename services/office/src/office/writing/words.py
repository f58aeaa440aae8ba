"""Pairs of characters, by which texts are found: two characters suffice for an index. Pure functions."""

import unicodedata
from itertools import pairwise


def pairs_of(*texts: str) -> list[str]:
    """Return the pairs of neighbouring letters and digits of the texts, sorted, without differences of case
    and width.
    """
    return sorted({one + other for text in texts for one, other in pairwise(_characters(text))})


def _characters(text: str) -> list[str]:
    return [letter for letter in unicodedata.normalize("NFKC", text).lower() if letter.isalnum()]
