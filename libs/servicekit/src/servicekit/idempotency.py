"""`Idempotency-Key`: a retried write returns the response of the first one and writes nothing.

An endpoint that creates a resource takes `idempotency: Idempotent` of `authkit.idempotency`, which identifies
the authenticated caller, and returns `idempotency.keep(result)`. The key is stored in the same transaction as
the effect: both are stored or neither. The second of two concurrent requests with one key waits. The periodic
task of `messaging.pruning` deletes rows after a day.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Self, TypeVar

from fastapi import Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import (
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    bindparam,
    cast,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from servicekit.lanes import Runner, Statement
from servicekit.problems import Problem

B = TypeVar("B", bound=BaseModel)


class IdempotencyKeyReused(Problem):
    """The key was used before for a different request."""

    status = 409
    code = "idempotency_key_reused"
    title = "幂等键已被使用"
    detail = "该 Idempotency-Key 已用于另一个不同的请求。"


class Replayed(Exception):
    """Carries the stored response of the first request to the exception handler."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None) -> None:
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def make_idempotency_table(metadata: MetaData) -> Table:
    """Declare the table of used keys in the metadata of a service."""
    return Table(
        "idempotency_keys",
        metadata,
        Column("scope", LargeBinary, primary_key=True, comment="hash of caller, method, path and key"),
        Column("request_hash", LargeBinary, nullable=False),
        Column("status", SmallInteger),
        Column("body", JSONB),
        Column("headers", JSONB),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    )


@dataclass(frozen=True)
class _Statements:
    """What is asked of one table, on a lane or in a session; JSON is text here."""

    claim: Statement
    find: Statement
    claim_again: Statement
    keep: Statement

    @classmethod
    def of(cls, table: Table) -> Self:
        scope, columns = bindparam("key_scope", type_=LargeBinary), table.c
        texts = [cast(columns[name], Text).label(name) for name in ("body", "headers")]
        return cls(
            claim=Statement(
                insert(table)
                .values(scope=scope, request_hash=bindparam("fingerprint", type_=LargeBinary))
                .on_conflict_do_nothing()
                .returning(columns.scope)
            ),
            find=Statement(
                select(columns.request_hash, columns.status, *texts)
                .where(columns.scope == scope)
                .with_for_update()
            ),
            claim_again=Statement(
                update(table)
                .where(columns.scope == scope)
                .values(request_hash=bindparam("fingerprint", type_=LargeBinary))
            ),
            keep=Statement(
                update(table)
                .where(columns.scope == scope)
                .values(
                    status=bindparam("answer_status", type_=SmallInteger),
                    body=cast(bindparam("answer_body", type_=Text), JSONB),
                    headers=cast(bindparam("answer_headers", type_=Text), JSONB),
                )
            ),
        )


_statements = cache(_Statements.of)


class Idempotency:
    """The idempotency of one request; does nothing if the caller sent no key."""

    def __init__(self, runner: Runner, table: Table | None, scope: bytes) -> None:
        self._runner = runner
        self._table = table
        self._scope = scope

    async def keep(
        self, result: B, status: int = 201, headers: Mapping[str, str] | None = None
    ) -> JSONResponse:
        """Store the response in the same transaction and return it. `headers`: e.g. ETag, Location."""
        body = result.model_dump(mode="json")
        if self._table is not None:
            answer = {"answer_status": status, "answer_body": json.dumps(body)}
            answer |= {"key_scope": self._scope, "answer_headers": json.dumps(dict(headers or {}))}
            await self._runner.first(_statements(self._table).keep, answer)
        return JSONResponse(body, status, headers)


Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=8, max_length=128, description="同一键的重复请求只生效一次"),
]


async def claim(request: Request, runner: Runner, *, caller: str, key: str | None) -> Idempotency:
    """Claim the key for `caller`, or replay the stored response. Raises `IdempotencyKeyReused`.

    `caller` is the authenticated subject: a key belongs to a person or client, not to an access token.
    """
    if not caller:
        raise ValueError("an idempotency key needs an authenticated caller")
    if key is None:
        return Idempotency(runner, None, b"")
    table: Table = request.app.state.idempotency_table
    statements = _statements(table)
    scope = _digest(caller, request.method, request.url.path, key)
    values = {"key_scope": scope, "fingerprint": hashlib.sha256(await request.body()).digest()}
    if await runner.first(statements.claim, values) is None:
        row = await runner.first(statements.find, values)
        if row.status is None:
            # A problem with `keep_changes` has stored the key without a response. The row is locked, so one
            # of several retries continues and the others wait for its response.
            await runner.first(statements.claim_again, values)
            return Idempotency(runner, table, scope)
        if row.request_hash != values["fingerprint"]:
            raise IdempotencyKeyReused
        raise Replayed(row.status, json.loads(row.body), json.loads(row.headers or "{}"))
    return Idempotency(runner, table, scope)


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()


async def on_replayed(_: Request, error: Exception) -> JSONResponse:
    """Return the stored response, marked as a replay (exception handler)."""
    assert isinstance(error, Replayed)
    return JSONResponse(error.body, error.status, {**error.headers, "Idempotency-Replayed": "true"})
