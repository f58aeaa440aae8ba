"""docs/operators.md names every setting of every service with its default, and none that is gone."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from identity.settings import BootstrapSettings
from onebox.settings import Settings as OneboxSettings
from replica.settings import SnapshotSettings
from scaffold.members import Members
from servicekit.settings import ServiceSettings

OPERATORS = Path(__file__).parents[2] / "docs" / "operators.md"
ROW = re.compile(r"^\| `(ZHUXUE_[A-Z_<>]+)` \| (required|none|`([^`]*)`) \| \S.* \|$", re.MULTILINE)
ALL: list[type[BaseSettings]] = [
    *(importlib.import_module(f"{name}.settings").Settings for name in Members.load().services),
    BootstrapSettings,
    OneboxSettings,
]
SHARED = (ServiceSettings, SnapshotSettings)
# Every service sets its own.
OWN_DEFAULT = {"port"}


def variable(settings: type[BaseSettings], name: str) -> str:
    inherited = any(name in base.model_fields for base in SHARED if issubclass(settings, base))
    own = name in OWN_DEFAULT or not inherited
    prefix = settings.model_config["env_prefix"] if own else "ZHUXUE_<SERVICE>_"
    return f"{prefix}{name.upper()}"


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None:
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def expected() -> dict[str, str]:
    return {
        variable(settings, name): default(field)
        for settings in ALL
        for name, field in settings.model_fields.items()
    }


def documented() -> list[tuple[str, Any]]:
    return [(match[1], match[2]) for match in ROW.finditer(OPERATORS.read_text())]


@pytest.mark.parametrize("name", sorted(expected()))
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    assert dict(documented()).get(name) == expected()[name], (
        f"{name} belongs into a table of {OPERATORS.name}"
    )


def test_no_setting_is_documented_twice_or_after_it_is_gone() -> None:
    names = [name for name, _ in documented()]
    assert sorted(names) == sorted(expected())
