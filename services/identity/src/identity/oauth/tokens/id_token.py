"""ID tokens (OpenID Connect Core §2), as an extension of Authlib's grants."""

from typing import Any

from authlib.oidc.core.grants import OpenIDCode as BaseOpenIDCode

from identity.clients.models import Client
from identity.oauth.state.context import current
from identity.oauth.state.models import AuthorizationCode
from identity.oauth.state.subject import Subject
from identity.oauth.tokens import claims


class OpenIDCode(BaseOpenIDCode):  # type: ignore[misc]
    """ID tokens (OpenID Connect Core §2), signed with the active key."""

    def __call__(self, grant: Any) -> None:
        """Only the ID token: `prompt` and its like are decided in `oauth.authorization`."""
        grant.register_hook("after_create_token_response", self.process_token)

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        """False: a nonce is the client's to check; validation runs twice and must not store."""
        return False

    def get_client_algorithm(self, client: Client) -> str:
        """What the client is registered for: ES256 or RS256. `at_hash` follows it."""
        return client.id_token_signed_response_alg

    def get_encode_header(self, client: Client) -> dict[str, Any]:
        """With the `kid` of the active key."""
        context = current()
        alg = client.id_token_signed_response_alg
        return {"alg": alg, "kid": context.keys.active(context.session, alg).kid}

    def resolve_client_private_key(self, client: Client) -> Any:
        """The active key, one key: given a set, a random key would be picked."""
        context = current()
        return context.keys.active(context.session, client.id_token_signed_response_alg)

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        """Issuer, audience and lifetime."""
        context = current()
        now = int(context.clock.now().timestamp())
        return {
            "iss": context.settings.issuer_url,
            "aud": client.client_id,
            "iat": now,
            "exp": now + context.settings.access_token_seconds,
        }

    def get_authorization_code_claims(self, authorization_code: AuthorizationCode) -> dict[str, Any]:
        """`nonce`, `auth_time`, `acr`, `amr`, and the session's `sid`."""
        context, grant = current(), authorization_code.grant
        own: dict[str, Any] = super().get_authorization_code_claims(authorization_code)
        wanted = (grant.claims or {}).get("id_token", [])
        account = context.rows.account(grant.account_id) if wanted and grant.account_id else None
        asked = {} if account is None else claims.about(context, account, wanted)
        # A device that outlives the session it was let in from has none.
        session = {} if grant.session_id is None else {"sid": str(grant.session_id)}
        return {**asked, **own, **session}

    def generate_user_info(self, user: Subject, scope: str) -> dict[str, Any]:
        """Only `sub`: everything else is fetched from userinfo (OpenID Connect Core §5.4)."""
        return {"sub": str(user.id)}
