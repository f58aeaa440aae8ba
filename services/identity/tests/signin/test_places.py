"""The place of a sign-in, by the operator's tables."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from identity.sessions.places import Places, UnusableTable, place_of
from services.identity.tests.support.place_tables import write_table
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.postgres import Migration

PHONE = "19900001323"
JINAN = "中国|山东省|济南市|电信|CN"
BEIJING = "中国|北京|北京市|联通|CN"
PARIS = "France|Ile-de-France|Paris|0|FR"


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
def tables(tmp_path: Path) -> list[Path]:
    fourth = [("223.5.0.0", "223.5.0.255", JINAN), ("223.5.1.0", "223.5.255.255", BEIJING)]
    sixth = [("240e:380::", "240e:380:ffff:ffff:ffff:ffff:ffff:ffff", JINAN)]
    return [write_table(tmp_path / "v4.xdb", fourth), write_table(tmp_path / "v6.xdb", sixth)]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("223.5.0.7", "山东省济南市"),
        ("223.5.1.0", "北京市"),
        ("::ffff:223.5.0.7", "山东省济南市"),
        ("240e:380::1", "山东省济南市"),
        ("223.6.0.1", ""),
        ("240e:381::1", ""),
        ("10.1.2.3", "内网"),
        ("127.0.0.1", "内网"),
        ("::1", "内网"),
        ("fe80::1%eth0", "内网"),
        ("fd00::1", "内网"),
        ("-", ""),
    ],
)
def test_an_address_has_the_place_of_its_range(tables: list[Path], address: str, place: str) -> None:
    assert Places(tables).place(address) == place


def test_without_tables_only_internal_networks_have_a_name() -> None:
    assert [Places().place(one) for one in ("192.168.1.1", "223.5.0.7")] == ["内网", ""]


@pytest.mark.parametrize(
    ("region", "place"),
    [
        (JINAN, "山东省济南市"),
        (BEIJING, "北京市"),
        ("中国|0|山东省|济南市|电信", "山东省济南市"),
        ("中国|新疆维吾尔自治区|0|0|CN", "新疆维吾尔自治区"),
        ("中国|0|0|0|CN", "中国"),
        (PARIS, "France"),
        ("0|0|0|内网IP|内网IP", ""),
        ("", ""),
    ],
)
def test_a_row_of_either_release_is_read(region: str, place: str) -> None:
    assert place_of(region) == place


def test_a_file_that_is_no_table_is_refused(tables: list[Path], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.xdb"
    for content, reason in ((b"", "too short"), (b"\xff" * 600_000, "no table")):
        wrong.write_bytes(content)
        with pytest.raises(UnusableTable, match=reason):
            Places([wrong])
    with pytest.raises(UnusableTable, match="second table"):
        Places([tables[0], tables[0]])


class Everywhere:
    def place(self, _: str) -> str:
        return "山东省济南市"


async def signed_in(browser: Browser) -> dict[str, str]:
    return await browser.bearer(PHONE)


async def test_the_place_is_shown_to_the_person_and_in_the_lists_of_sessions(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    app.state.places = Everywhere()
    browser = new_browser()
    headers = await signed_in(browser)
    (listed,) = (await browser.http.get("/api/v1/me/sign-ins", headers=headers)).json()["items"]
    assert listed["place"] == "山东省济南市"
    for path in ("/account/history", "/account/sessions"):
        assert "山东省济南市" in (await browser.http.get(path)).text, path
    city = new_browser()
    above = await city.bearer("19900001039")
    sub = (await browser.http.get("/api/v1/me", headers=headers)).json()["sub"]
    (session,) = (await city.http.get(f"/api/v1/accounts/{sub}/sessions", headers=above)).json()
    assert (session["place"], session["address_masked"]) == ("山东省济南市", "127.0.0.*")


async def test_the_machine_itself_is_an_internal_network(new_browser: NewBrowser) -> None:
    browser = new_browser()
    headers = await signed_in(browser)
    (listed,) = (await browser.http.get("/api/v1/me/sign-ins", headers=headers)).json()["items"]
    assert listed["place"] == "内网"
