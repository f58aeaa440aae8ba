"""Names of clients as people see them (RFC 7591 §5, UTS 39 §4 and §5). Pure.

A person decides by the name on the consent page. Two names that look the same are the same here, whatever
characters they are made of.
"""

import unicodedata
from collections.abc import Iterable

from identity.clients.rules import BadMetadata

_OWN = ("全国学生资助统一用户认证", "统一用户认证")
"""What the issuer's own pages are called."""
_FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Me"})
"""Controls, zero-width and bidirectional characters, separators of lines, enclosing marks."""
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")
"""Letters and marks without a shape."""
_EAST_ASIAN = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
_MOST_MARKS = 2
# From UTS 39's confusables: what a Latin letter or a common character of names is mistaken for.
_SAME = str.maketrans(
    {
        **dict(zip("авгеіјкмнорѕтухԁһӏьԛԝ", "abreijkmhopstyxdhlbqw", strict=True)),
        **dict(zip("αβγεηικνορτυχωϲ", "abyenikvoptuxwc", strict=True)),
        **dict(zip("ıɑɡɩʋᴄᴏᴜᴠᴡᴢ", "iagivcouvwz", strict=True)),
        **dict(zip("01|!", "olll", strict=True)),
        **dict(
            zip(
                "己已曰土未囗入卞末戊戍锺鐘黨學國貸資統戶認證",
                "巳巳日士末口人下末戌戌钟钟党学国贷资统户认证",
                strict=True,
            )
        ),
        **dict(zip("ーㄧ丨", "一一l", strict=True)),
    }
)


def check_name(name: str, reserved: Iterable[str]) -> None:
    """Raise `BadMetadata` for a name that does not show what it is, or that looks like a reserved one."""
    if any(unicodedata.category(one) in _FORBIDDEN or one in _BLANK for one in name):
        raise BadMetadata("client_name: must not have invisible, bidirectional or unassigned characters.")
    if name != name.strip() or any(one.isspace() and one not in " \u3000" for one in name) or "  " in name:
        raise BadMetadata("client_name: must not begin or end with a space, nor have two in a row.")
    _check_marks(name)
    _check_scripts(name)
    seen = skeleton(name)
    if not seen:
        raise BadMetadata("client_name: must have a letter.")
    if any(seen == skeleton(one) for one in (*_OWN, *reserved)):
        raise BadMetadata("client_name: this is the name of a system of the platform, or looks like it.")


def skeleton(name: str) -> str:
    """Return what is left of a name when characters that look the same are the same, without punctuation."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold()).translate(_SAME)
    letters = "".join(one for one in plain if unicodedata.category(one)[0] in "LN")
    # A capital I is a small l; rn and vv are m and w.
    return letters.replace("i", "l").replace("rn", "m").replace("vv", "w")


def _check_marks(name: str) -> None:
    marks = 0
    for one in unicodedata.normalize("NFD", name):
        marks = marks + 1 if unicodedata.category(one) == "Mn" else 0
        if marks > _MOST_MARKS:
            raise BadMetadata("client_name: too many marks on one letter.")


def _check_scripts(name: str) -> None:
    """Allow one script, or Chinese, Japanese or Korean with Latin (UTS 39 §5.2, highly restrictive)."""
    plain = unicodedata.normalize("NFKC", name)
    scripts = {unicodedata.name(one, "").partition(" ")[0] for one in plain if one.isalpha()}
    # Letters such as IDEOGRAPHIC ITERATION MARK belong to Chinese.
    scripts = {"CJK" if one in ("IDEOGRAPHIC", "KANGXI") else one for one in scripts}
    if len(scripts) > 1 and not scripts <= _EAST_ASIAN:
        raise BadMetadata("client_name: letters of several scripts are mixed.")
