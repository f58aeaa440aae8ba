"""Names of new services and features, and their substitution into the template."""

import keyword
import re
from dataclasses import dataclass

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Names in Python and in this workspace that a package must not shadow.
_TAKEN = {"platform", "secrets", "test", "tests", "bench", "scaffold"}
MAX_LENGTH = 30


class BadName(ValueError):
    """The name is not valid for a package, a table and a path; the message gives the reason."""


def checked(name: str) -> str:
    """Return `name` if it is a valid package name. Raises `BadName`."""
    if not _NAME.fullmatch(name) or len(name) > MAX_LENGTH:
        raise BadName(f"{name!r}: lower-case words of letters and digits, joined by _, {MAX_LENGTH} at most")
    if keyword.iskeyword(name) or name in _TAKEN:
        raise BadName(f"{name!r} is taken")
    return name


def singular(plural: str) -> str:
    """Return the English singular of a regular plural. Raises `BadName` for other words."""
    for ending, one in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("s", "")):
        if plural.endswith(ending) and len(plural) > len(ending) + 1:
            return plural.removesuffix(ending) + one
    raise BadName(f"{plural!r} is no regular plural: name its singular with ONE=…")


def camel(name: str) -> str:
    """Convert `work_orders` to `WorkOrders`."""
    return "".join(part.capitalize() for part in name.split("_"))


@dataclass(frozen=True)
class Names:
    """Names of the service and the feature that replace `sample` and `widgets` (样例)."""

    service: str
    plural: str = "widgets"
    one: str = "widget"
    label: str = "样例"

    def apply(self, text: str) -> str:
        """Replace the template's names in `text`."""
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
        # Longest first and in one pass, so that inserted names are not replaced again.
        pattern = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
        return re.sub(pattern, lambda match: words[match[0]], text)
