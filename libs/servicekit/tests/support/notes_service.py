"""A service in miniature, as `create_app` assembles it."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, FastAPI, Request
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CheckConstraint, UniqueConstraint

from servicekit import logs, paging, problems
from servicekit.app import create_app
from servicekit.db import Database, Session, new_metadata
from servicekit.idempotency import Idempotency, Key, claim, make_idempotency_table
from servicekit.ids import new_id
from servicekit.lanes import InSession
from servicekit.paging import Page, Paging
from servicekit.settings import ServiceSettings


class Base(DeclarativeBase):
    metadata = new_metadata()


class Note(Base):
    __tablename__ = "notes"
    # Checked at commit only: nothing but the commit itself can fail on it.
    __table_args__ = (
        UniqueConstraint("title", name="title_once", deferrable=True, initially="DEFERRED"),
        CheckConstraint("length(title) < 100", name="title_short"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    title: Mapped[str]


idempotency_keys = make_idempotency_table(Base.metadata)


class NoteIn(BaseModel):
    title: str = Field(min_length=1)
    stars: int = 0


class NoteOut(BaseModel):
    id: UUID
    title: str


class Attempted(problems.Problem):
    """A refusal that must leave a trace."""

    status = 403
    code = "attempted"
    title = "尝试失败"
    detail = "验证码不正确。"
    keep_changes = True


class Gate:
    """Lets a test hold requests inside their transaction."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()


async def caller(request: Request) -> str:
    """Stands in for authkit: the caller is named in a header."""
    return request.headers.get("x-subject", "")


async def idempotency(
    request: Request, session: Session, subject: Annotated[str, Depends(caller)], key: Key = None
) -> Idempotency:
    """As `authkit.idempotency` does it."""
    return await claim(request, InSession(session), caller=subject or "nobody", key=key)


Idempotent = Annotated[Idempotency, Depends(idempotency)]
router = APIRouter(prefix="/api/v1")


@router.post("/notes", status_code=201)
async def add(data: NoteIn, session: Session, idempotency: Idempotent, request: Request) -> Any:
    gate: Gate = request.app.state.gate
    note = Note(id=new_id(), title=data.title)
    session.add(note)
    await session.flush()
    gate.entered.set()
    await gate.open.wait()
    if data.title == "refused":
        raise problems.Conflict
    if data.title == "attempted":
        raise Attempted
    if data.title == "defect":
        raise RuntimeError("secret of the implementation")
    headers = {"ETag": '"1"', "Location": f"/api/v1/notes/{note.id}"}
    return await idempotency.keep(NoteOut(id=note.id, title=note.title), headers=headers)


@router.get("/notes")
async def notes(session: Session, paging_: Paging) -> Page[NoteOut]:
    statement = select(Note).order_by(Note.title, Note.id).limit(paging_.limit + 1)
    key = paging_.key(str, UUID)
    if key is not None:
        title, id_ = key
        statement = statement.where((Note.title > title) | ((Note.title == title) & (Note.id > id_)))
    rows = (await session.scalars(statement)).all()
    items = [NoteOut(id=row.id, title=row.title) for row in rows]
    return paging.page(items, paging_.limit, lambda item: (item.title, item.id))


@router.get("/search")
async def search(session: Session, q: str) -> int:
    return await session.scalar(select(func.count()).select_from(Note).where(Note.title == q)) or 0


@router.get("/defect")
async def defect() -> None:
    raise RuntimeError("secret of the implementation")


@router.post("/raw")
async def raw(request: Request) -> int:
    return len(await request.body())


@router.post("/uploads")
async def uploads(body: Annotated[bytes, Body(media_type="text/csv")]) -> int:
    return len(body)


@router.get("/correlation")
async def correlation() -> str | None:
    return logs.correlation_id()


async def create_tables(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


def service(database_url: str, *, routers: Sequence[APIRouter] = (), **settings: Any) -> FastAPI:
    fields = {
        "mode": "dev",
        "database_url": database_url,
        "issuer": "https://identity.zhuxue.test",
        **settings,
    }
    made = ServiceSettings.model_validate(fields)
    app = create_app(
        name="notes",
        title="便笺",
        settings=made,
        database=Database(
            made.database_url, plans="force_custom_plan", pool_size=5, waits=made.database_waits
        ),
        routers=[router, *routers],
        idempotency_table=idempotency_keys,
        larger_bodies={"/api/v1/uploads": 10_000},
    )
    app.state.gate = Gate()
    return app
