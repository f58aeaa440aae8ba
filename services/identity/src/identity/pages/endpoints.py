"""What browsers ask every site for."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

router = APIRouter(include_in_schema=False)


@router.get("/favicon.ico")
async def favicon() -> Response:
    """Lead to the icon: pages name it, other responses of this origin cannot."""
    return RedirectResponse("/static/favicon.svg", 301, {"Cache-Control": "public, max-age=86400"})
