"""Queries over forms."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.forms.models import Form


class FormRepository:
    """Read and write forms."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, notice_id: UUID, *, lock: bool = False) -> Form | None:
        """Return the form of a notice as it is now."""
        return await self._session.get(Form, notice_id, with_for_update=lock or None, populate_existing=True)

    async def save(self, form: Form) -> None:
        """Write a new or changed form."""
        self._session.add(form)
        await self._session.flush()

    async def delete(self, form: Form) -> None:
        """Delete a form."""
        await self._session.delete(form)
        await self._session.flush()
