"""Names of what is made, and how they take the place of the template's."""

import keyword
import re
from dataclasses import dataclass

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Python's own, and ours, that a package must not hide.
_TAKEN = {"platform", "secrets", "test", "tests", "bench", "scaffold"}
MAX_LENGTH = 30


class BadName(ValueError):
    """Not fit for a package, a table and a path; the message says why."""


def checked(name: str) -> str:
    """`name`, if it is fit for a package. Raises `BadName`."""
    if not _NAME.fullmatch(name) or len(name) > MAX_LENGTH:
        raise BadName(f"{name!r}: lower-case words of letters and digits, joined by _, {MAX_LENGTH} at most")
    if keyword.iskeyword(name) or name in _TAKEN:
        raise BadName(f"{name!r} is taken")
    return name


def singular(plural: str) -> str:
    """The English singular of a regular plural. Raises `BadName` for anything else."""
    for ending, one in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("s", "")):
        if plural.endswith(ending) and len(plural) > len(ending) + 1:
            return plural.removesuffix(ending) + one
    raise BadName(f"{plural!r} is no regular plural: name its singular with ONE=…")


def camel(name: str) -> str:
    """`work_orders` as `WorkOrders`."""
    return "".join(part.capitalize() for part in name.split("_"))


@dataclass(frozen=True)
class Names:
    """The service and the feature, in place of `sample` and its `widgets` (样例)."""

    service: str
    plural: str = "widgets"
    one: str = "widget"
    label: str = "样例"

    def apply(self, text: str) -> str:
        """`text` of a template, with our names."""
        words = {
            "/api/v1/widgets": f"/api/v1/{self.plural.replace('_', '-')}",
            "WIDGETS": self.plural.upper(),
            "Widgets": camel(self.plural),
            "Widget": camel(self.one),
            "widgets": self.plural,
            "widget": self.one,
            "样例": self.label,
            "SAMPLE": self.service.upper(),
            "Sample": camel(self.service),
            "sample": self.service,
        }
        # The longest first, all in one go: what has been put in is not replaced again.
        pattern = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
        return re.sub(pattern, lambda match: words[match[0]], text)
