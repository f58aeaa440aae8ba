"""Documents in the small part of Markdown that they use, as blocks for a template. Pure."""

import re
from dataclasses import dataclass, field

_HEADING = re.compile(r"(#{1,3}) +(.+)")


@dataclass
class Block:
    """A heading of level 1 to 3, a paragraph, or a list."""

    kind: str
    """`h1`, `h2`, `h3`, `p` or `ul`."""
    lines: list[str] = field(default_factory=list)


def blocks_of(text: str) -> list[Block]:
    """Return the blocks of a document. Text is not interpreted further: the template escapes it."""
    found: list[Block] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        for number, line in enumerate(part.splitlines()):
            if heading := _HEADING.fullmatch(line.strip()):
                found.append(Block(f"h{len(heading[1])}", [heading[2]]))
            elif line.lstrip().startswith("- "):
                if not found or found[-1].kind != "ul":
                    found.append(Block("ul"))
                found[-1].lines.append(line.lstrip()[2:])
            elif number and found[-1].kind in {"p", "ul"}:
                found[-1].lines[-1] += line.strip()
            else:
                found.append(Block("p", [line.strip()]))
    return found
