"""Columns of a table whose rows address units below a sender."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from contracts.vocabulary import Reach
from office.addressing.rules import Address
from servicekit.words import Word, known


def address_constraints() -> tuple[CheckConstraint, ...]:
    """Return the constraints for `__table_args__` of a model with `AddressColumns`."""
    return (
        known("reach", Reach, "reach"),
        CheckConstraint("NOT (onward AND reach = 'subtree')", name="onward"),
    )


class AddressColumns:
    """An address without the ids of picked units, which stand in a table or column of the feature.

    Empty arrays are no filter. Use `address_constraints` with it.
    """

    reach: Mapped[Reach] = mapped_column(
        Word(Reach), default=Reach.CHILDREN, server_default=Reach.CHILDREN.value
    )
    onward: Mapped[bool] = mapped_column(
        Boolean, default=True, server_default="true", doc="recipients are expected to pass it on"
    )

    @declared_attr
    def levels(cls) -> Mapped[list[str]]:  # noqa: N805 - declared_attr works on the class
        """Levels of the recipients."""
        return mapped_column(ARRAY(Text), default=list, server_default="{}")

    @declared_attr
    def kinds(cls) -> Mapped[list[str]]:  # noqa: N805
        """Kinds of the recipients."""
        return mapped_column(ARRAY(Text), default=list, server_default="{}")

    @declared_attr
    def stages(cls) -> Mapped[list[str]]:  # noqa: N805
        """Stages, one of which a recipient has."""
        return mapped_column(ARRAY(Text), default=list, server_default="{}")

    def set_address(self, address: Address) -> None:
        """Store all of `address` except the picked units."""
        self.reach = address.reach
        self.onward = address.onward
        self.levels = list(address.levels)
        self.kinds = list(address.kinds)
        self.stages = list(address.stages)

    def address(self, picked: Sequence[UUID] = (), groups: Sequence[UUID] = ()) -> Address:
        """Return the address, with the picked units and groups that the feature has stored."""
        return Address(
            reach=self.reach,
            levels=tuple(self.levels),
            kinds=tuple(self.kinds),
            stages=tuple(self.stages),
            onward=self.onward,
            picked=tuple(picked),
            groups=tuple(groups),
        )
