"""Every action that the code records has a Chinese name."""

import re
from pathlib import Path

import identity
from identity.audit.actions import AuditAction

SOURCES = Path(identity.__file__).parent
WORD = re.compile(r'"([a-z_]+\.[a-z_]+)"')
AREAS = {one.value.split(".")[0] for one in AuditAction}
NOT_ACTIONS = {"phones.complete", "units.tree", "units.id", "invites.id", "audit.py"}
"""Names of jobs, columns and routes in the same areas."""


def test_every_action_has_a_chinese_name() -> None:
    sources = [path.read_text("utf-8") for path in SOURCES.rglob("*.py") if path.name != "actions.py"]
    words = {word for source in sources for word in WORD.findall(source)}
    recorded = {word for word in words if word.split(".")[0] in AREAS} - NOT_ACTIONS
    named = {one.value for one in AuditAction}
    assert recorded - named == set()
    written = {one for source in sources for one in re.findall(r'\baction="([a-z_.]+)"', source)}
    assert written - {"store_true"} <= named
    # The others have one word, or are put together from parts: `unit.{kind}`.
    assert named - recorded == {"sign_in", "unit.amended", "unit.renamed"}
    assert not [one for one in AuditAction if one.label.isascii()]
