"""API schemas of forms."""

from datetime import datetime
from typing import Self

from pydantic import Field

from office.forms.fields import FormFields
from office.forms.models import Form


class FormIn(FormFields):
    """答复表单, as the publisher defines it."""


class FormOut(FormFields):
    """答复表单."""

    locked: bool = Field(description="发文单位是否已停止收集答复", examples=[False])
    locked_at: datetime | None = Field(description="停止收集的时间")
    updated_at: datetime = Field(description="表单最后修改时间")
    version: int = Field(description="版本，即 ETag 引号内的数字", examples=[1])

    @classmethod
    def of(cls, form: Form) -> Self:
        """Convert a stored form."""
        return cls(
            fields=form.parsed,
            locked=form.locked_at is not None,
            locked_at=form.locked_at,
            updated_at=form.updated_at,
            version=form.version,
        )
