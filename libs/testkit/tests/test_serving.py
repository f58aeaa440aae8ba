"""An application is reached over TCP, and is gone afterwards."""

from typing import Any

import httpx
import pytest

from testkit.serving import Served


async def application(scope: Any, receive: Any, send: Any) -> None:
    path = scope["path"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": path[:2]})


async def test_an_application_is_served_on_a_port_that_is_known_before() -> None:
    served = Served()
    async with httpx.AsyncClient(base_url=served.url) as http:
        async with served.running(application):
            assert (await http.get("/x")).text == "/x"
            assert (await http.get("/x")).text == "/x"
        with pytest.raises(httpx.TransportError):
            await http.get("/x")
    served.close()
