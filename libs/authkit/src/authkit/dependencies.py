"""FastAPI dependencies: a feature's `auth.py` builds its named types from these."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from authkit.errors import (
    EntitlementRequired,
    InsufficientScope,
    InvalidToken,
    KeysUnavailable,
    MembershipRequired,
    PersonRequired,
    RoleRequired,
    TokenExpired,
    TokenRevoked,
    Unauthenticated,
)
from authkit.principal import Principal
from authkit.tokens import TokenVerifier

# Declares the scheme in OpenAPI; the check itself is ours.
_scheme = HTTPBearer(auto_error=False, bearerFormat="JWT", description="由统一身份认证服务签发的访问令牌")

REFUSALS = (Unauthenticated, InvalidToken, TokenExpired, TokenRevoked, KeysUnavailable)


async def authenticated(request: Request, _: Annotated[object, Depends(_scheme)]) -> Principal:
    """The bearer of the request's access token (RFC 6750 §2.1: Authorization header only).

    Raises 401 `Unauthenticated` without a token, and what `TokenVerifier.verify` raises.
    """
    values = request.headers.getlist("authorization")
    if not values:
        raise Unauthenticated
    scheme, _space, token = values[0].partition(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or not token:
        raise InvalidToken
    verifier: TokenVerifier = request.app.state.verifier
    principal = await verifier.verify(token.strip())
    request.state.subject = principal.sub
    return principal


Authenticated = Annotated[Principal, Depends(authenticated)]


def requires(
    *,
    scope: str | None = None,
    roles: tuple[str, ...] = (),
    entitlement: str | None = None,
    membership: bool = True,
    clients: bool = False,
) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency that lets in only whom these words describe; 403 with its own code otherwise.

    `roles`: at least one of them, held in the acting unit. `membership=False` lets in people without a
    unit. `clients=True` lets in clients acting for themselves, who have no unit either.
    """

    async def check(principal: Authenticated) -> Principal:
        if scope is not None and scope not in principal.scope:
            raise InsufficientScope
        if principal.is_client and not clients:
            raise PersonRequired
        if membership and principal.acting is None:
            raise MembershipRequired
        if entitlement is not None and entitlement not in principal.entitlements:
            raise EntitlementRequired
        if roles and not principal.has_role(*roles):
            raise RoleRequired
        return principal

    return check
