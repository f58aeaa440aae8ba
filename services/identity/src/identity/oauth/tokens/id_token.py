"""ID tokens (OpenID Connect Core §2), as an extension of Authlib's grants."""

from collections.abc import Sequence
from typing import Any

from authlib.oidc.core.grants import OpenIDCode as BaseOpenIDCode
from authlib.oidc.core.util import create_half_hash

from identity.clients.models import Client
from identity.keys.signing import signed
from identity.oauth.state.context import current
from identity.oauth.state.subject import Subject
from identity.oauth.tokens import claims


class OpenIDCode(BaseOpenIDCode):  # type: ignore[misc]
    """ID tokens (OpenID Connect Core §2), signed with the active key."""

    def __call__(self, grant: Any) -> None:
        """Register only the ID token: `oauth.authorization` handles `prompt` and similar parameters."""
        grant.register_hook("after_create_token_response", self.process_token)

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        """Return False: the client checks the nonce, and validation runs twice and must not store."""
        return False

    def encode_id_token(self, token: dict[str, Any], request: Any) -> str:
        """Return the ID token; of the client's registered algorithm, ES256 or RS256."""
        said = self.get_client_claims(request.client)
        # The scope asks userinfo alone, unless the client reads no userinfo (OpenID Connect Core §5.4). Never
        # the number: ID tokens travel in URLs, as hints.
        by_scope = request.client.name_in_id_token and "profile" in token["scope"].split()
        said |= self.get_authorization_code_claims(request.authorization_code, ["name"] if by_scope else [])
        said["at_hash"] = create_half_hash(token["access_token"], "ES256").decode()
        said |= self.generate_user_info(request.user, token["scope"])
        return signed(current().signing_key(request.client.id_token_signed_response_alg), said)

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        """Return issuer, audience and lifetime."""
        context = current()
        now = int(context.clock.now().timestamp())
        return {
            "iss": context.settings.issuer_url,
            "aud": client.client_id,
            "iat": now,
            "exp": now + context.settings.access_token_seconds,
        }

    def get_authorization_code_claims(
        self, authorization_code: Any, by_scope: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Return `nonce`, `auth_time`, `acr`, `amr`, `sid`, and what was asked of the person."""
        context, grant = current(), authorization_code.grant
        own: dict[str, Any] = super().get_authorization_code_claims(authorization_code)
        wanted = [*(grant.claims or {}).get("id_token", []), *by_scope]
        account = context.rows.account(grant.account_id) if wanted and grant.account_id else None
        asked = {} if account is None else claims.about(context, grant.client_id, account, wanted)
        # A device grant that outlives its session has none.
        session = {} if grant.session_id is None else {"sid": str(grant.session_id)}
        return {**asked, **own, **session}

    def generate_user_info(self, user: Subject, scope: str) -> dict[str, Any]:
        """Return only `sub`: other claims are available from userinfo, or were asked for by name."""
        return {"sub": str(user.id)}
