"""A verifier for one issuer, with its keys served from memory."""

from typing import Any

import pytest

from authkit.errors import InvalidToken
from authkit.jwks import KeySet
from authkit.tokens import TokenVerifier
from servicekit import logs
from testkit.tokens import TokenFactory


class Jwks:
    """The issuer's key set; counts how often it is fetched."""

    def __init__(self, *factories: TokenFactory) -> None:
        self.document: Any = {"keys": [factory.public_jwk() for factory in factories]}
        self.fetches = 0
        self.error: Exception | None = None

    async def fetch(self) -> dict[str, Any]:
        self.fetches += 1
        if self.error is not None:
            raise self.error
        return self.document  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    logs.configure(json=True, level="ERROR")


@pytest.fixture
def issuer() -> TokenFactory:
    return TokenFactory()


@pytest.fixture
def jwks(issuer: TokenFactory) -> Jwks:
    return Jwks(issuer)


@pytest.fixture
def keys(jwks: Jwks) -> KeySet:
    return KeySet(jwks.fetch)


@pytest.fixture
def verifier(issuer: TokenFactory, keys: KeySet) -> TokenVerifier:
    return TokenVerifier(issuer=issuer.issuer, audience=issuer.audience, keys=keys)


async def refused(verifier: TokenVerifier, token: str, error: type[Exception] = InvalidToken) -> None:
    with pytest.raises(InvalidToken if error is InvalidToken else error) as caught:
        await verifier.verify(token)
    assert type(caught.value) is error


def serving(document: Any) -> Any:
    async def fetch() -> Any:
        return document

    return fetch


def verifier_of(issuer: TokenFactory, document: Any) -> TokenVerifier:
    """A verifier that finds `document` where the issuer publishes its keys."""
    return TokenVerifier(issuer=issuer.issuer, audience=issuer.audience, keys=KeySet(serving(document)))
