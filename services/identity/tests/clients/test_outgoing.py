"""Calls to addresses that clients have registered: judged, and sent to the address that was judged."""

import asyncio
import socket
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from identity import outgoing
from identity.addresses import may_call
from identity.clients import rules

GOOD = rules.Metadata(client_name="x", redirect_uris=["https://rp.example.cn/cb"])
REFUSED = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.88.99.1", "224.0.0.1", "255.255.255.255", "::1", "::", "::7f00:1", "::ffff:127.0.0.1",
    "::ffff:10.1.2.3", "64:ff9b::a01:203", "64:ff9b:1::1", "2002:a01:203::1", "2001:0:1::1", "fec0::1",
    "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "ff0e::1", "not an address",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_public_is_not_called(address: str) -> None:
    assert not may_call(address)


@pytest.mark.parametrize("address", [one for one in REFUSED if " " not in one and "%" not in one])
async def test_what_is_not_public_is_refused_at_registration_and_at_the_call(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"https://[{address}]/x" if ":" in address else f"https://{address}/x"
    limits = {"scopes": rules.SCOPES, "audiences": (), "grants": rules.GRANT_TYPES}
    for member in ("jwks_uri", "backchannel_logout_uri"):
        client = replace(GOOD, **{member: uri})  # type: ignore[arg-type]
        with pytest.raises(rules.BadMetadata, match=member):
            rules.check(client, **limits)  # type: ignore[arg-type]
    resolving(monkeypatch, [address])
    with pytest.raises(outgoing.NotAllowed, match="public"):
        await called("https://rp.example.cn/x")


@pytest.mark.parametrize("address", ["8.8.8.8", "202.96.128.86", "::ffff:8.8.8.8", "2400:3200::1"])
def test_what_is_public_is_called(address: str) -> None:
    assert may_call(address)


def test_the_operator_names_networks_and_development_this_machine() -> None:
    networks = [ip_network("10.1.0.0/16")]
    assert [may_call(one, networks) for one in ("10.1.2.3", "10.2.2.3", "127.0.0.1")] == [True, False, False]
    # A network that is named by mistake opens neither this machine nor the metadata of a cloud.
    assert not any(may_call(one, [ip_network("0.0.0.0/0")]) for one in ("127.0.0.1", "169.254.169.254"))
    assert [may_call(one, loopback=True) for one in ("127.0.0.1", "::1", "10.1.2.3")] == [True, True, False]


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """The name server answers differently each time."""
    left = list(answers)

    async def getaddrinfo(_: Any, host: str, port: int, **__: Any) -> list[Any]:
        return [(None, socket.SOCK_STREAM, 6, "", (one, port)) for one in left.pop(0)]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


async def called(uri: str, *, dev: bool = False) -> list[httpx.Request]:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    async with outgoing.calling(
        "POST", uri, dev=dev, seconds=1, data={"a": "b"}, transport=httpx.MockTransport(answer)
    ):
        return seen


async def test_the_connection_goes_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    (request,) = await called("https://rp.example.cn:8443/out?x=1")
    assert str(request.url) == "https://8.8.8.8:8443/out?x=1"
    assert request.headers["host"] == "rp.example.cn:8443"
    assert request.extensions["sni_hostname"] == "rp.example.cn"
    with pytest.raises(outgoing.NotAllowed):
        await called("https://rp.example.cn/out")


async def test_one_address_within_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(outgoing.NotAllowed, match="public"):
        await called("https://rp.example.cn/out")


async def test_what_cannot_be_a_name_is_refused_like_an_address_within() -> None:
    with pytest.raises(outgoing.NotAllowed, match="name"):
        await called(f"https://{'a' * 64}.example.cn/out")


async def test_only_development_calls_without_tls() -> None:
    with pytest.raises(outgoing.NotAllowed, match="https"):
        await called("http://rp.example.cn/out")
    assert len(await called("http://127.0.0.1:8000/out", dev=True)) == 1
