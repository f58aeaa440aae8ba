"""A client may name a phone number in `login_hint`; no address of the issuer shows it."""

import re
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from identity.oauth.authorization import hints
from services.identity.tests.support.running_identity import NewBrowser
from testkit.pages import hidden_fields

PHONE = "19900001323"
VERIFIER = "v" * 64
WRITTEN = [PHONE, "+86 199 0000 1323", "199-0000-1323", "tel:+8619900001323"]


def clear(text: str) -> bool:
    # The last four digits alone also occur in signatures.
    return re.search(r"0000(%20|[ +-])?1323", text) is not None


async def visited(http: httpx.AsyncClient, url: str) -> tuple[list[str], httpx.Response]:
    """The addresses that a browser is sent to from `url`, until a page; and the page."""
    seen: list[str] = []
    answer = await http.get(url)
    while answer.status_code == 303 and answer.headers["location"].startswith("/"):
        seen.append(answer.headers["location"])
        answer = await http.get(seen[-1])
    return seen, answer


@pytest.mark.parametrize("hint", WRITTEN)
async def test_the_number_of_a_hint_is_filled_in_and_in_no_address(
    new_browser: NewBrowser, hint: str
) -> None:
    browser = new_browser()
    asked = browser.authorize_url(verifier=VERIFIER, login_hint=hint)
    seen, page = await visited(browser.http, asked)
    assert seen[0].startswith("/authorize?"), "the number leaves the address at once"
    assert seen[1].startswith("/login?")
    assert not any(clear(address) for address in seen)
    assert (hint == WRITTEN[3]) or f'value="{PHONE}"' in page.text
    return_to = parse_qs(urlsplit(seen[1]).query)["return_to"][0]
    signed_in = await browser.sign_in(PHONE, return_to)
    assert not clear(signed_in.headers["location"])
    back = await browser.http.get(signed_in.headers["location"])
    assert "code" in dict(parse_qsl(urlsplit(back.headers["location"]).query))
    # A page that the authorization endpoint itself shows has no number in its address, either.
    seen, page = await visited(browser.http, f"{asked}&prompt=select_account")
    assert len(seen) == 1
    assert not clear(seen[0])
    assert not clear(hidden_fields(page.text)["return_to"])


async def test_a_pushed_hint_and_one_in_a_form_are_in_no_address(new_browser: NewBrowser) -> None:
    browser = new_browser()
    pairs = parse_qsl(urlsplit(browser.authorize_url(verifier=VERIFIER, login_hint=PHONE)).query)
    pushed = await browser.http.post("/par", data=dict(pairs))
    reference = {"client_id": "portal", "request_uri": pushed.json()["request_uri"]}
    seen, page = await visited(browser.http, "/authorize?" + urlencode(reference))
    assert f'value="{PHONE}"' in page.text
    posted = await browser.http.post("/authorize", data=dict(pairs))
    seen.append(posted.headers["location"])
    more, page = await visited(browser.http, seen[-1])
    assert f'value="{PHONE}"' in page.text
    assert not any(clear(address) for address in seen + more)


async def test_the_page_of_signing_in_moves_a_number_out_of_its_own_address(new_browser: NewBrowser) -> None:
    asked = urlencode({"return_to": "/account", "login_hint": PHONE})
    seen, page = await visited(new_browser().http, f"/login?{asked}")
    assert len(seen) == 1
    assert not clear(seen[0])
    assert f'value="{PHONE}"' in page.text


@pytest.mark.parametrize("hint", ["somebody@example.com", "", "sealed.", "sealed.AAAA", f"sealed.{PHONE}"])
async def test_a_hint_without_a_number_of_ours_fills_nothing_in(new_browser: NewBrowser, hint: str) -> None:
    browser = new_browser()
    seen, page = await visited(browser.http, browser.authorize_url(verifier=VERIFIER, login_hint=hint))
    assert page.status_code == 200
    assert 'name="phone" type="tel"' in page.text
    assert PHONE not in page.text
    assert not any(clear(address) for address in seen)


async def test_a_hint_is_sealed_once_and_fits_the_page_of_signing_in(new_browser: NewBrowser) -> None:
    vault = new_browser().app.state.vault
    long = "一" * 100 + PHONE
    once = hints.sealed(vault, long)
    assert len(once) <= hints.MAX_LENGTH
    assert hints.sealed(vault, once) == once
    assert hints.opened(vault, hints.sealed(vault, PHONE)) == PHONE
