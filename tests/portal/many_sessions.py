"""Sessions of many people at once, as signing in leaves them.

A thousand people cannot type codes in a test: eight requests each would take minutes. The sessions are those
that signing in makes, with tokens that Identity's own key has signed; the portal and Office verify them as
they do others.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import insert, select

from contracts.permissions import built_in_permissions
from contracts.vocabulary import Audience
from office.directory.models import Person, Unit
from portal.issuer.client import SCOPE
from portal.sessions import cookies
from portal.sessions.models import AccessToken, BrowserSession
from servicekit.ids import new_id

from .conftest import NewVisitor, Site, Visitor

LASTING = timedelta(hours=1)
"""Longer than real tokens last, because there is nothing to renew them with."""


async def signed_in(site: Site, new_visitor: NewVisitor, role: str) -> dict[str, Visitor]:
    """Return the person with `role` of each unit, by the unit's code, with a session that may call Office."""
    async with site.office.state.database.transaction() as session:
        found = await session.execute(
            select(Person, Unit).join(Unit, Unit.id == Person.unit_id).where(Person.roles.contains([role]))
        )
        people = [(person, unit) for person, unit in found]
    async with site.identity.state.database.transaction() as session:
        signing = await session.run_sync(site.identity.state.key_ring.active)
    key = ECKey.generate_key("P-256")
    visitors: dict[str, Visitor] = {}
    sessions, tokens = [], []
    sealing, now = site.portal.state.sealing, datetime.now(UTC)
    # A proof of possession is made for each call; whether others have the same key matters to nobody.
    sealed, refresh = sealing.key(key), sealing.refresh_token("none")
    for person, unit in people:
        secret, id_, sid = cookies.new_secret(), new_id(), str(new_id())
        claims = {
            "iss": site.identity_url,
            "aud": Audience.OFFICE,
            "sub": str(person.sub),
            "client_id": "workbench",
            "iat": int(now.timestamp()),
            "exp": int((now + LASTING).timestamp()),
            "jti": str(new_id()),
            "scope": SCOPE,
            "sid": sid,
            "acr": "urn:zhuxue:acr:sms",
            "auth_time": int(now.timestamp()),
            "cnf": {"jkt": key.thumbprint()},
            "unit": str(unit.id),
            "unit_path": unit.path,
            "level": unit.level,
            "kind": unit.kind,
            "roles": person.roles,
            "permissions": sorted(built_in_permissions(person.roles)),
        }
        header = {"alg": "ES256", "typ": "at+jwt", "kid": signing.kid}
        token = jwt.encode(header, claims, signing, ["ES256"])
        sessions.append(
            {
                "id": id_,
                "secret_hash": cookies.digest(secret),
                "sub": person.sub,
                "sid": sid,
                "created_at": now,
                "seen_at": now,
                "expires_at": now + LASTING,
                "ends_at": now + LASTING,
                "browser": "",
                "key": sealed,
                "refresh_token": refresh,
            }
        )
        tokens.append(
            {
                "session_id": id_,
                "audience": Audience.OFFICE,
                "token": sealing.access_token(token),
                "expires_at": now + LASTING,
            }
        )
        visitors[unit.code] = new_visitor()
        visitors[unit.code].cookies[urlsplit(site.url).netloc] = {cookies.NAME: secret}
    async with site.portal.state.database.transaction() as session:
        await session.execute(insert(BrowserSession), sessions)
        await session.execute(insert(AccessToken), tokens)
    return visitors
