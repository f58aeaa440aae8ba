"""FastAPI dependencies from which a feature's `auth.py` builds its named types."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from authkit import acr as levels
from authkit.errors import (
    AmbiguousToken,
    BoundToken,
    EntitlementRequired,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidProof,
    InvalidToken,
    KeysUnavailable,
    MembershipRequired,
    PermissionRequired,
    PersonRequired,
    TokenExpired,
    TokenRevoked,
    Unauthenticated,
)
from authkit.principal import Principal
from authkit.tokens import LEEWAY_SECONDS, TokenVerifier
from servicekit.logs import note_actor
from servicekit.permissions import requiring, stepping_up

# Only declares the scheme in OpenAPI; `presented` verifies the token.
_scheme = HTTPBearer(auto_error=False, bearerFormat="JWT", description="由统一用户认证服务签发的访问令牌")

REFUSALS = (Unauthenticated, InvalidToken, InvalidProof, TokenExpired, TokenRevoked, KeysUnavailable)


async def authenticated(request: Request, _: Annotated[object, Depends(_scheme)]) -> Principal:
    """Verify the request's access token for this service and return its principal; see `presented`."""
    principal = await presented(request, request.app.state.verifier)
    if principal.actor is not None:
        note_actor(principal.actor)
    return principal


async def presented(request: Request, verifier: TokenVerifier, *, body: Sequence[str] = ()) -> Principal:
    """Verify the request's access token (Authorization header: RFC 6750 §2.1, RFC 9449 §7.1).

    A token bound to a key is rejected as a bearer token and accepted with `Authorization: DPoP` and a proof.
    `app.state.public_origin`, if set, is the external origin of the service, which the proof's `htu` names.

    `body` contains the bearer tokens of a form body (RFC 6750 §2.2), for endpoints that accept one.

    Raises 401 `Unauthenticated` without a token, 400 `AmbiguousToken` for more than one, and the errors of
    `TokenVerifier`.
    """
    values = [*request.headers.getlist("authorization"), *(f"Bearer {token}" for token in body)]
    if not values:
        raise Unauthenticated
    if len(values) > 1:
        raise AmbiguousToken
    scheme, _space, token = values[0].partition(" ")
    token = token.strip()
    if not token:
        raise InvalidToken
    if scheme.lower() == "dpop":
        proofs = request.headers.getlist("dpop")
        if len(proofs) != 1:
            raise InvalidProof
        origin: str | None = getattr(request.app.state, "public_origin", None)
        path: bytes = request.scope.get("raw_path") or request.url.path.encode()
        # As it came: decoded, the path of `request.url` is not that of the proof.
        own = f"{request.url.scheme}://{request.url.netloc}"
        url = (origin or own) + path.partition(b"?")[0].decode("utf-8", "replace")
        return await verifier.verify_bound(token, proofs[0], method=request.method, url=url)
    if scheme.lower() != "bearer":
        raise InvalidToken
    principal = await verifier.verify(token)
    if principal.jkt is not None:
        raise BoundToken
    return principal


Authenticated = Annotated[Principal, Depends(authenticated)]


def requires(
    *,
    scope: str | None = None,
    permission: str | tuple[str, ...] = (),
    entitlement: str | None = None,
    membership: bool = True,
    clients: bool = False,
    acr: str | None = None,
    max_age: int | None = None,
) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency that verifies these requirements; each has its own 403 code.

    `permission`: the person must have it, or one of several (`contracts.vocabulary.Permission`), through the
    roles in the acting unit or, with `membership=False`, through a platform role. Roles are data, so no
    endpoint asks for one. `membership=False` allows people without a unit. `clients=True` allows clients
    acting for themselves, which have no unit.

    `acr`: the lowest level (`authkit.acr`) of the sign-in; `max_age`: its maximum age in seconds. Otherwise
    401 with a challenge (RFC 9470 §3). These are verified last, so that a person without the other
    permissions does not have to sign in again. They do not apply to clients acting for themselves.
    """
    if acr is not None and not levels.known(acr):
        raise ValueError(f"unknown acr: {acr}")
    permissions = (permission,) if isinstance(permission, str) else permission

    @stepping_up(acr, max_age, InsufficientUserAuthentication)
    @requiring(*permissions)
    async def check(principal: Authenticated) -> Principal:
        if scope is not None and scope not in principal.scope:
            raise InsufficientScope
        if principal.is_client and not clients:
            raise PersonRequired
        if membership and principal.acting is None:
            raise MembershipRequired
        if entitlement is not None and entitlement not in principal.entitlements:
            raise EntitlementRequired
        if permissions and not principal.may(*permissions):
            raise PermissionRequired
        if not principal.is_client:
            check_sign_in(principal, acr, max_age)
        return principal

    return check


def requires_either(
    *, platform: str, unit: str, scope: str | None = None, acr: str | None = None, max_age: int | None = None
) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency for what an administrator of the platform does everywhere, and a member of a unit
    in its subtree: the person has the permission `platform`, or acts for a unit and has the permission
    `unit`.

    `acr` and `max_age` apply to whoever has `platform`. The errors are those of `requires`.
    """
    everywhere = requires(scope=scope, permission=platform, membership=False, acr=acr, max_age=max_age)
    below = requires(scope=scope, permission=unit)

    @stepping_up(acr, max_age, InsufficientUserAuthentication, platform)
    @requiring(platform, unit)
    async def check(principal: Authenticated) -> Principal:
        return await (everywhere if principal.may(platform) else below)(principal)

    return check


def check_sign_in(principal: Principal, acr: str | None, max_age: int | None) -> None:
    """Verify the level of a person's sign-in and its age in seconds.

    For a dependency that checks more than `requires` does; it declares itself with `stepping_up`. Raises
    `InsufficientUserAuthentication`.
    """
    if not (_strong(principal, acr) and _recent(principal, max_age)):
        scheme = "Bearer" if principal.jkt is None else "DPoP"
        raise InsufficientUserAuthentication(acr, max_age, scheme=scheme)


def _strong(principal: Principal, acr: str | None) -> bool:
    return acr is None or levels.satisfies(principal.acr, acr)


def _recent(principal: Principal, max_age: int | None) -> bool:
    if max_age is None:
        return True
    oldest = datetime.now(UTC) - timedelta(seconds=max_age + LEEWAY_SECONDS)
    return principal.auth_time is not None and principal.auth_time >= oldest
