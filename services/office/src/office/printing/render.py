"""The process that renders one document: JSON on standard input, PDF on standard output.

A process of its own, because nothing else can limit the time and memory of a document or stop it.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any, Final

import typst

MEMORY: Final = 2 * 1024**3
"""Address space of the process in bytes: fonts are mapped into it."""
NO_FONT, TOO_LONG = 3, 4
"""Exit statuses: no Chinese font; too many pages."""

TEMPLATE = Path(__file__).parent / "document.typ"


def main() -> int:
    """Render the document on standard input. Return the exit status."""
    request = json.loads(sys.stdin.buffer.read())
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (request["seconds"], request["seconds"]))
    fonts = typst.Fonts(font_paths=request["font_paths"])
    document = request["document"]
    chosen = chosen_faces(set(fonts.families()))
    if chosen is None:
        return NO_FONT
    document["fonts"] = chosen
    try:
        pdf = typst.compile(
            TEMPLATE,
            root=TEMPLATE.parent,
            format="pdf",
            font_paths=fonts,
            sys_inputs={"document": json.dumps(document, ensure_ascii=False)},
        )
    except typst.TypstError as error:
        if "too many pages" in str(error):
            return TOO_LONG
        raise
    sys.stdout.buffer.write(pdf)
    return 0


# The faces that the standard names, then those that look most like them; the first installed ones
# are used.
_SERIF = ("Noto Serif CJK SC", "Noto Serif SC", "Source Han Serif SC", "Source Han Serif CN")
_SANS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei")
_FACES: Final = {
    "fang": ("FangSong_GB2312", "仿宋_GB2312", "FangSong", "仿宋", "STFangsong", "cwTeXFangSong", *_SERIF),
    "biaosong": ("FZXiaoBiaoSong-B05S", "方正小标宋简体", "FZXiaoBiaoSong-B05", "STZhongsong", *_SERIF),
    "hei": ("SimHei", "黑体", "STHeiti", *_SANS),
    "kai": ("KaiTi_GB2312", "楷体_GB2312", "KaiTi", "楷体", "STKaiti", "cwTeXKai", *_SERIF),
    "song": ("SimSun", "宋体", "STSong", *_SERIF),
}


def chosen_faces(installed: set[str]) -> dict[str, Any] | None:
    """Return the faces to use, each with fallbacks; None without any Chinese font."""
    found = {
        name: [face for face in faces if face in installed][:2] or _any(installed)
        for name, faces in _FACES.items()
    }
    if not all(found.values()):
        return None
    heavy = found["biaosong"][0] in _SERIF
    return {**found, "weight": "bold" if heavy else "regular"}


def _any(installed: set[str]) -> list[str]:
    return [face for face in (*_SERIF, *_SANS) if face in installed][:1]


if __name__ == "__main__":
    sys.exit(main())
