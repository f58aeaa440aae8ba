"""`/livez` reports that the process runs; `/readyz` reports that all declared checks pass."""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from servicekit.db import Check
from servicekit.problems import Problem

router = APIRouter()
_TIMEOUT_SECONDS = 2.0


@router.get("/livez", include_in_schema=False)
async def livez() -> Response:
    """200 while the process serves at all."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request) -> Response:
    """200 when every check passes, else 503 naming those that do not."""
    checks: dict[str, Check] = request.app.state.checks
    outcome: dict[str, str] = {}
    for name, check in checks.items():
        try:
            await asyncio.wait_for(check(), _TIMEOUT_SECONDS)
            outcome[name] = "ok"
        except Exception as error:
            outcome[name] = type(error).__name__
    failed = any(result != "ok" for result in outcome.values())
    return JSONResponse(
        {"status": "unavailable" if failed else "ok", "checks": outcome},
        503 if failed else 200,
        {"Retry-After": str(Problem.retry_after)} if failed else None,
    )
