"""The base of all event models, and the registry from which snapshots and AsyncAPI are generated."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class EventModel(BaseModel):
    """The `data` of one CloudEvent.

    A subclass names its wire `type` (`zhuxue.<service>.<noun>.<verb>.v<N>`). Consumers ignore unknown
    fields, so adding an optional field keeps the version; removing or retyping one needs a new class.
    """

    # Errors are logged, and an invalid value can be personal data.
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    type: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        registry.add(cls)


class Registry:
    """All event models by wire type."""

    def __init__(self) -> None:
        self._by_type: dict[str, type[EventModel]] = {}

    def add(self, model: type[EventModel]) -> None:
        """Register `model`; a duplicate wire type is a programming error."""
        known = self._by_type.setdefault(model.type, model)
        if known.__qualname__ != model.__qualname__:
            raise ValueError(f"two event models claim {model.type}")

    def get(self, type_: str) -> type[EventModel] | None:
        """Return the model of a wire type, or None if this release does not define the type."""
        return self._by_type.get(type_)

    def all(self) -> list[type[EventModel]]:
        """Return all models by wire type."""
        return [self._by_type[name] for name in sorted(self._by_type)]


registry = Registry()
