"""What the applications of one process share, because each test makes one and throws it away.

Three things are the same for all of them and cost more than most tests themselves: the routes, which FastAPI
prepares at an application's first request; the compiled statements, which SQLAlchemy keeps per engine; the
authorities' certificates, which each client of httpx reads. A process of production has one application and
does without this module. It changes private parts of these libraries; `test_reuse.py` fails when a new
version does these things otherwise.
"""

import dataclasses
import os
import ssl
from contextvars import ContextVar
from typing import Any, Final

import httpx
from fastapi import FastAPI, routing
from httpx._transports import default as transports
from sqlalchemy import util
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from servicekit import engine as engines

STATEMENTS: Final = 3000
"""How many compiled statements a process keeps: more than one service has."""

# Options of `create_async_engine` that make no difference to a compiled statement.
_OF_CONNECTIONS: Final = {"pool_size", "max_overflow", "poolclass", "connect_args", "hide_parameters"}

# What is changed is private or belongs to another module, which types do not allow.
_Included: Any = routing._IncludedRouter
_engines: Any = engines
_transports: Any = transports


def install() -> None:
    """Share routes, statements and certificates from now on. Further calls do nothing."""
    _Included._build_effective_context = _route
    _engines.create_async_engine = _new_engine
    _transports.create_ssl_context = _ssl_context


# --- routes ---

_prepare = _Included._build_effective_context
_answering: ContextVar[FastAPI] = ContextVar("answering")


class _Overrides:
    """The overridden dependencies of the application that answers the current request."""

    @property
    def dependency_overrides(self) -> dict[Any, Any]:
        return _answering.get().dependency_overrides


_OVERRIDES = _Overrides()


def _route(included: Any, route: Any) -> Any:
    """Prepare `route` for the first application that includes its router, for the others take what is there.

    They must include it alike: with the same prefix, dependencies, responses and so on.
    """
    app = included.include_context.dependency_overrides_provider
    if not isinstance(route, routing.APIRoute) or not isinstance(app, FastAPI):
        return _prepare(included, route)
    how = _inclusion(included)
    # With the route, so that both are forgotten together.
    prepared = vars(route).setdefault("_prepared", {})
    if id(how) not in prepared:
        own, included.include_context = included.include_context, how
        try:
            prepared[id(how)] = _prepare(included, route)
        finally:
            included.include_context = own
        prepared[id(how)].app = _answered_by_its_application(prepared[id(how)].app)
    return prepared[id(how)]


def _inclusion(included: Any) -> Any:
    """Return how a router is included: the same object for applications that include it alike."""
    if "_inclusion" not in vars(included):
        how = dataclasses.replace(included.include_context, dependency_overrides_provider=_OVERRIDES)
        known = vars(included.original_router).setdefault("_inclusions", [])
        if how not in known:
            known.append(how)
        included._inclusion = known[known.index(how)]
    return included._inclusion


def _answered_by_its_application(call: Any) -> Any:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        token = _answering.set(scope["app"])
        try:
            await call(scope, receive, send)
        finally:
            _answering.reset(token)

    return answer


# --- statements ---

_create = _engines.create_async_engine
_first: dict[tuple[Any, ...], Engine] = {}


def _new_engine(url: Any, **options: Any) -> AsyncEngine:
    made: AsyncEngine = _create(url, **options)
    if options.keys() <= _OF_CONNECTIONS:
        _share(made.sync_engine)
    return made


def _share(engine: Engine) -> None:
    """Give `engine` the dialect and the compiled statements of the first one that connected to its server.

    Statements are kept by dialect. What a dialect asks its server at the first connection is known then.
    """
    server = (engine.url.drivername, engine.url.host, engine.url.port)
    first = _first.get(server)
    if first is None or first.dialect.server_version_info is None:
        engine._compiled_cache = util.LRUCache(STATEMENTS)
        _first[server] = engine
        return
    own: Any = engine.dialect
    own.initialize = _known
    engine.dialect = engine.pool._dialect = first.dialect
    engine._compiled_cache = first._compiled_cache


def _known(_: Any) -> None:
    """Stands for `Dialect.initialize`."""


# --- certificates ---

_read = httpx.create_ssl_context


_contexts: dict[Any, ssl.SSLContext] = {}


def _ssl_context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
    if verify is not True or cert is not None:
        return _read(verify=verify, cert=cert, trust_env=trust_env)
    key = (trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    if key not in _contexts:
        _contexts[key] = _read(trust_env=trust_env)
    return _contexts[key]
