"""The only way to call an address that a client has registered.

The name is resolved once, all its addresses are judged (`addresses.may_call`), and the connection goes to the
address that was judged, so that a second answer of the name server cannot lead elsewhere (DNS rebinding). TLS
still verifies the name. Redirects are not followed, and proxies of the environment are not used.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from functools import cache
from urllib.parse import urlsplit, urlunsplit

import httpx

from identity.addresses import Network, may_call
from servicekit.tracing import HOOKS

_PORTS = {"https": 443, "http": 80}


class NotAllowed(ValueError):
    """The address must not be called; the message says why."""


@cache
def _tls() -> ssl.SSLContext:
    """Return the TLS context, one per process, because creating it reads all certificate authorities."""
    return httpx.create_ssl_context()


@asynccontextmanager
async def calling(
    method: str,
    uri: str,
    *,
    dev: bool,
    seconds: float,
    networks: Collection[Network] = (),
    data: Mapping[str, str] | None = None,
    accept: str = "*/*",
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[httpx.Response]:
    """Send a request; the body of the response is not read yet. Each step may take `seconds`.

    `dev` allows http and this machine (a client beside `make run`); `networks` are those that the operator
    allows. `transport` replaces the network in tests. Raises `NotAllowed`, and the errors of httpx and of the
    resolver.
    """
    parts = urlsplit(uri)
    host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    if host is None or port is None or (parts.scheme == "http" and not dev):
        raise NotAllowed("not an https URI")
    target, extensions = uri, {}
    if transport is None or not dev:
        address = await _address(host, port, networks, dev=dev)
        literal = f"[{address}]" if ":" in address else address
        target = urlunsplit(parts._replace(netloc=f"{literal}:{port}"))
        extensions = {"sni_hostname": host}
    headers = {"Accept": accept, "Host": parts.netloc.rpartition("@")[2]}
    async with (
        httpx.AsyncClient(
            timeout=seconds,
            follow_redirects=False,
            trust_env=False,
            verify=_tls(),
            transport=transport,
            event_hooks=HOOKS,
        ) as client,
        client.stream(method, target, data=data, headers=headers, extensions=extensions) as response,
    ):
        yield response


async def _address(host: str, port: int, networks: Collection[Network], *, dev: bool) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise NotAllowed("not a host name") from error
    addresses = [str(entry[4][0]) for entry in found]
    # Refused if any is, because which one the resolver names first is not under our control.
    if not addresses or not all(may_call(address, networks, loopback=dev) for address in addresses):
        raise NotAllowed("not a public address")
    return addresses[0]
