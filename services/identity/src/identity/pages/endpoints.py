"""What browsers ask every site for."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from identity.pages.rendering import page
from servicekit import design

router = APIRouter(include_in_schema=False)


@router.get("/favicon.ico")
async def favicon() -> Response:
    """Lead to the icon: pages name it, other responses of this origin cannot."""
    return RedirectResponse(f"{design.PATH}/mark.svg", 301, {"Cache-Control": "public, max-age=86400"})


@router.get("/help")
async def help_page() -> Response:
    """Answer what people ask most."""
    return page("help.html")
