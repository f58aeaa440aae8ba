"""Settings keep the validators that they inherit."""

import importlib

import pytest
from pydantic import BaseModel

from scaffold.members import Members


def validators(model: type[BaseModel]) -> set[str]:
    found = model.__pydantic_decorators__
    return {*found.field_validators, *found.model_validators}


@pytest.mark.parametrize("service", sorted(Members.load().services))
def test_a_service_replaces_no_inherited_validator(service: str) -> None:
    settings: type[BaseModel] = importlib.import_module(f"{service}.settings").Settings
    bases = [base for base in settings.__mro__[1:] if base is not BaseModel and issubclass(base, BaseModel)]
    inherited = set().union(*(validators(base) for base in bases))
    assert not inherited & set(vars(settings))
