"""npm's openid-client and oauth4webapi, and the guide's example, as relying parties of the real issuer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from .conftest import PATIENCE, Issuer, Program, Refused, blocks, changed, param

CALLBACK = "http://127.0.0.1:3000/callback"
OUT = "http://127.0.0.1:3000/signed-out"
WEB: dict[str, Any] = {
    "redirect_uris": [CALLBACK],
    "post_logout_redirect_uris": [OUT],
    "grant_types": ["authorization_code", "refresh_token"],
    "scopes": ["openid", "profile", "offline_access"],
}
Node = Callable[..., Program]


# --- the guide's example, as it stands there ---


@pytest.fixture
def example(issuer: Issuer, node: Node, tmp_path: Path) -> Program:
    (code,) = blocks("js")
    # Where the packages are found; the file itself is what the guide says, nothing else.
    file = tmp_path / "example.mjs"
    file.write_text(code, encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(Path(__file__).parent / "node" / "node_modules")
    client = issuer.register(redirect_uris=[CALLBACK])
    return node(
        "guide.mjs",
        str(file),
        ISSUER=issuer.url,
        CLIENT_ID=client["client_id"],
        CLIENT_SECRET=client["client_secret"],
        REDIRECT_URI=CALLBACK,
    )


def test_the_guide_s_example_signs_a_person_in(example: Program, issuer: Issuer) -> None:
    begun = example("begin")
    claims = example("finish", callback=issuer.browser().callback(begun["url"]), kept=begun["kept"])
    assert claims["iss"] == issuer.url
    assert claims["name"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("state", "OAUTH_INVALID_RESPONSE"),
        ("nonce", "OAUTH_JWT_CLAIM_COMPARISON_FAILED"),
        ("verifier", "OAUTH_RESPONSE_BODY_ERROR"),
    ],
)
def test_the_guide_s_example_trusts_no_other_browser_s_answer(
    example: Program, issuer: Issuer, name: str, code: str
) -> None:
    begun = example("begin")
    callback = issuer.browser().callback(begun["url"])
    with pytest.raises(Refused) as refused:
        example("finish", callback=callback, kept=begun["kept"] | {name: "x" * 48})
    assert refused.value.code == code


# --- openid-client ---


@pytest.fixture
def openid_client(issuer: Issuer, node: Node) -> Callable[..., Program]:
    def make(**metadata: Any) -> Program:
        client = issuer.register(**WEB | metadata)
        return node(
            "openid_client.mjs",
            ISSUER=issuer.url,
            CLIENT_ID=client["client_id"],
            CLIENT_SECRET=client["client_secret"] or "",
            REDIRECT_URI=CALLBACK,
            ALG=client["id_token_signed_response_alg"],
        )

    return make


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_openid_client_signs_in_renews_and_signs_out(
    issuer: Issuer, openid_client: Callable[..., Program], alg: str
) -> None:
    rp, browser = openid_client(id_token_signed_response_alg=alg), issuer.browser()
    url = rp("begin", scope="openid profile offline_access")
    tokens = rp("finish", callback=browser.callback(url))
    claims = tokens["claims"]
    assert browser.pages == ["/login/code", "/login", "/authorize/decision"]
    assert rp("userinfo", token=tokens["access_token"], sub=claims["sub"])["name"]

    renewed = rp("refresh", token=tokens["refresh_token"])
    # A client that proves who it is keeps its refresh token.
    assert "refresh_token" not in renewed
    assert {name: renewed["claims"][name] for name in ("sub", "sid", "auth_time")} == {
        name: claims[name] for name in ("sub", "sid", "auth_time")
    }
    told = rp("introspect", token=renewed["access_token"])
    assert (told["active"], told["sub"]) == (True, claims["sub"])
    rp("revoke", token=tokens["refresh_token"])
    assert rp("introspect", token=tokens["refresh_token"]) == {"active": False}
    with pytest.raises(Refused) as refused:
        rp("refresh", token=tokens["refresh_token"])
    assert refused.value.args[0]["error"] == "invalid_grant"

    url = rp("logout", id_token_hint=renewed["id_token"], post_logout_redirect_uri=OUT, state="bye")
    assert browser.callback(url) == f"{OUT}?state=bye"
    # Nobody was asked: the ID token says whose session it is. And it has ended.
    assert browser.pages[-1] == "/authorize/decision"
    assert browser.http.get(rp("begin", scope="openid")).headers["location"].startswith("/login")


def test_a_token_for_the_api_comes_from_a_sign_in_that_asked_for_it(
    issuer: Issuer, openid_client: Callable[..., Program]
) -> None:
    scope, api = "openid profile offline_access identity", "urn:zhuxue:identity"
    rp, browser = openid_client(scopes=scope.split(), audiences=[api]), issuer.browser()

    def me(token: str) -> int:
        bearer = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{issuer.url}/api/v1/me", headers=bearer, timeout=PATIENCE).status_code

    tokens = rp("finish", callback=browser.callback(rp("begin", scope=scope, resource=api)))
    for token in (tokens["access_token"], rp("refresh", token=tokens["refresh_token"])["access_token"]):
        assert me(token) == 200
        # Libraries read userinfo with the same token.
        assert rp("userinfo", token=token, sub=tokens["claims"]["sub"])["name"]
    without = rp("finish", callback=browser.callback(rp("begin", scope=scope)))
    assert me(without["access_token"]) == 401
    with pytest.raises(Refused) as refused:
        rp("refresh", token=without["refresh_token"], parameters={"resource": api})
    assert refused.value.args[0]["error"] == "invalid_target"


def test_openid_client_as_an_app_has_its_refresh_token_rotated(
    issuer: Issuer, openid_client: Callable[..., Program]
) -> None:
    rp = openid_client(token_endpoint_auth_method="none", application_type="native")
    url = rp("begin", scope="openid offline_access", redirect_uri="http://127.0.0.1:49152/callback")
    tokens = rp("finish", callback=issuer.browser().callback(url))
    second = rp("refresh", token=tokens["refresh_token"])
    assert second["refresh_token"] != tokens["refresh_token"]
    third = rp("refresh", token=second["refresh_token"])
    # The first one was used twice, and not as the retry of a lost answer: somebody else has it.
    for token in (tokens["refresh_token"], third["refresh_token"]):
        with pytest.raises(Refused) as refused:
            rp("refresh", token=token)
        assert refused.value.args[0]["error"] == "invalid_grant"


def test_openid_client_renews_silently_only_while_the_session_lasts(
    issuer: Issuer, openid_client: Callable[..., Program]
) -> None:
    rp, browser = openid_client(), issuer.browser()
    first = rp("finish", callback=browser.callback(rp("begin", scope="openid")))
    again = rp("finish", callback=browser.callback(rp("begin", scope="openid", prompt="none")))
    assert again["claims"]["sid"] == first["claims"]["sid"]
    with pytest.raises(Refused) as refused:
        rp("finish", callback=issuer.browser().callback(rp("begin", scope="openid", prompt="none")))
    assert refused.value.args[0]["error"] == "login_required"


def test_openid_client_accepts_no_answer_that_is_not_for_it(
    issuer: Issuer, openid_client: Callable[..., Program]
) -> None:
    rp, browser = openid_client(), issuer.browser()
    for change, values in (
        ({"state": "another"}, {}),
        ({"iss": "https://id.example.com"}, {}),
        ({}, {"nonce": "another"}),
    ):
        callback = browser.callback(rp("begin", scope="openid"))
        with pytest.raises(Refused) as refused:
            rp("finish", callback=changed(callback, **change), **values)
        assert refused.value.code in {"OAUTH_INVALID_RESPONSE", "OAUTH_JWT_CLAIM_COMPARISON_FAILED"}
    # It misses RFC 9207's parameter, because discovery has announced it.
    callback = browser.callback(rp("begin", scope="openid"))
    with pytest.raises(Refused) as refused:
        rp("finish", callback=str(httpx.URL(callback).copy_remove_param("iss")))
    assert refused.value.code == "OAUTH_INVALID_RESPONSE"


# --- oauth4webapi: PAR, private_key_jwt, DPoP ---


@pytest.fixture
def fapi(issuer: Issuer, node: Node) -> Program:
    rp = node("oauth4webapi.mjs", ISSUER=issuer.url, REDIRECT_URI=CALLBACK)
    about = rp("about")
    client = issuer.register(
        **WEB
        | {
            "scopes": ["openid", "profile", "identity", "offline_access"],
            "audiences": ["urn:zhuxue:identity"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": about["jwks"],
            "require_pushed_authorization_requests": True,
            "dpop_bound_access_tokens": True,
            "backchannel_logout_uri": about["logout_uri"],
        }
    )
    rp("become", client_id=client["client_id"])
    return rp


def test_a_fapi_client_signs_in_with_pushed_requests_keys_and_proofs(issuer: Issuer, fapi: Program) -> None:
    browser = issuer.browser()
    url = fapi("begin", scope="openid profile offline_access")
    assert sorted(httpx.URL(url).params) == ["client_id", "request_uri"]
    tokens = fapi("finish", callback=browser.callback(url))
    assert tokens["token_type"] == "dpop"
    sub = tokens["claims"]["sub"]
    assert fapi("userinfo", token=tokens["access_token"], sub=sub)["name"]
    renewed = fapi("refresh", token=tokens["refresh_token"])
    assert renewed["claims"]["sub"] == sub
    told = fapi("introspect", token=renewed["access_token"])
    assert (told["active"], told["token_type"]) == (True, "DPoP")
    fapi("revoke", token=tokens["refresh_token"])
    assert fapi("introspect", token=renewed["access_token"]) == {"active": False}


def test_a_fapi_client_s_token_is_of_no_use_without_its_key(issuer: Issuer, fapi: Program) -> None:
    url = fapi("begin", scope="openid identity", resource="urn:zhuxue:identity")
    tokens = fapi("finish", callback=issuer.browser().callback(url))
    me = f"{issuer.url}/api/v1/me"
    answer = fapi("resource", token=tokens["access_token"], url=me)
    assert (answer["status"], answer["body"]["sub"]) == (200, tokens["claims"]["sub"])
    assert fapi("resource", token=tokens["access_token"], url=me, bearer=True)["status"] == 401


def test_a_fapi_client_accepts_no_answer_that_is_not_for_it(issuer: Issuer, fapi: Program) -> None:
    browser = issuer.browser()
    for change, values in (
        ({"state": "another"}, {}),
        ({"iss": "https://id.example.com"}, {}),
        ({}, {"nonce": "another"}),
    ):
        callback = browser.callback(fapi("begin", scope="openid"))
        with pytest.raises(Refused) as refused:
            fapi("finish", callback=changed(callback, **change), **values)
        assert refused.value.code in {"OAUTH_INVALID_RESPONSE", "OAUTH_JWT_CLAIM_COMPARISON_FAILED"}


def test_a_fapi_client_is_told_when_the_session_has_ended(issuer: Issuer, fapi: Program) -> None:
    browser = issuer.browser()
    tokens = fapi("finish", callback=browser.callback(fapi("begin", scope="openid")))
    page = browser.visit(f"{issuer.url}/end_session")
    assert browser.pages[-1] == "/end_session/confirm"
    assert urlsplit(str(page.url)).netloc == urlsplit(issuer.url).netloc
    notice = fapi("logout")
    assert "refused" not in notice, notice
    assert (notice["sid"], notice["sub"]) == (tokens["claims"]["sid"], tokens["claims"]["sub"])


def test_a_request_that_was_not_pushed_is_refused(issuer: Issuer, fapi: Program) -> None:
    client_id = param(fapi("begin", scope="openid"), "client_id")
    query = {"client_id": client_id, "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid"}
    callback = httpx.get(f"{issuer.url}/authorize", params=query, timeout=PATIENCE).headers["location"]
    assert param(callback, "error") == "invalid_request"
