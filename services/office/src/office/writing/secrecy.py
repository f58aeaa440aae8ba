"""Finds the marks of state secrets (密级标志), in every spelling. Pure functions.

State secrets must not be put on the internet unprotected (保守国家秘密法 2024), so Office refuses documents
that bear a mark. In ordinary sentences the words are allowed: 遵守保守国家秘密法.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

UNCLASSIFIED: Final = "无"
"""The only 密级 of a document that may be here."""

_VARIANTS = str.maketrans("機絕祕宻", "机绝秘密")
# Zero-width and other format characters, which a reader does not see, and the blanks of Hangul and Braille.
_INVISIBLE = re.compile("[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")
_BETWEEN = r"[\s·・•.．。\-_—–~|/\\★☆*]*"
_SPELLED = re.compile(rf"([绝机秘]){_BETWEEN}密")
_CLASS = r"(?:绝密|机密|秘密)"
_STAR = r"[★☆⋆✩✪✫✬✭✮✯✰⭐🌟✡✦✧*＊∗✱✲※]"
_TERM = r"(?:[\d一二三四五六七八九十百两]+(?:年|个月|月|天|日)|长期|永久)"
_LABEL = r"(?:密级|保密等级|保密级别|密级和保密期限|涉密等级|秘密等级)"
# GB/T 9704-2012 §7.2.2 writes 机密★1年.
_MARK = re.compile(
    rf"{_CLASS}级?\s*{_STAR}"
    rf"|(?:^|[^\w]){_CLASS}级?\s*{_TERM}"
    rf"|[【\[(〔「『<《{{]\s*{_CLASS}级?(?:文件|件)?\s*[】\])〕」』>》}}]"
    rf"|{_LABEL}\s*(?:为|是|[:=])\s*{_CLASS}"
    rf"|^\s*{_CLASS}级?(?:文件|件)?\s*[:|]",
    re.MULTILINE,
)
_LINE = re.compile(rf"{_LABEL}?{_CLASS}级?(?:文件|件|资料)?{_TERM}?(?:启封|以内|内)?")


def is_secrecy(text: str) -> bool:
    """Return whether `text` may be in the field 密级: 无, or a class with or without its term."""
    return text == UNCLASSIFIED or names_class(text)


def names_class(text: str) -> bool:
    """Return whether the field 密级 names a class: 秘密, 机密 or 绝密 in any spelling."""
    return re.search(_CLASS, _letters(normal(text))) is not None


def is_marked(texts: Iterable[str]) -> bool:
    """Return whether one of `texts` bears the mark of a state secret."""
    return any(_marked(normal(text)) for text in texts)


def normal(text: str) -> str:
    """Return the text with one spelling of each character and of the classes: 機 密☆ becomes 机密☆."""
    plain = unicodedata.normalize("NFKC", text).translate(_VARIANTS)
    visible = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")
    return _SPELLED.sub(r"\1密", _INVISIBLE.sub("", visible))


def _marked(text: str) -> bool:
    if _MARK.search(text) is not None:
        return True
    return any(_LINE.fullmatch(_letters(line)) is not None for line in text.splitlines())


def _letters(line: str) -> str:
    return "".join(letter for letter in line if letter.isalnum())
