"""Signing in, for endpoints."""

from typing import Annotated

from fastapi import Depends, Request

from portal.signing_in.service import SigningIn


async def _signing_in(request: Request) -> SigningIn:
    found: SigningIn = request.app.state.signing_in
    return found


SigningInService = Annotated[SigningIn, Depends(_signing_in)]
