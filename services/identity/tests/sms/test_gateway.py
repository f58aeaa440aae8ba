"""The operator's SMS gateway, as it sees us."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from identity.sms.errors import SmsRefused, SmsUnavailable
from identity.sms.gateway import HttpSmsGateway, _proxy_of
from servicekit import tracing


@dataclass
class Operator:
    """A server that keeps what it is sent."""

    url: str = ""
    status: str = "200 OK"
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    messages: list[dict[str, str]] = field(default_factory=list)
    body: bytes = b""
    """Written apart from the head."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := (await reader.read(4096)).decode():
            self.heads.append(head.split("\r\n\r\n")[0])
            self.messages.append(json.loads(head.split("\r\n\r\n")[1] or await reader.read(4096)))
            writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\n\r\n".encode())
            await writer.drain()
            await asyncio.sleep(0.01 if self.body else 0)
            writer.write(self.body)
        writer.close()


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    made = Operator()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/send"
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
async def gateway(operator: Operator) -> AsyncIterator[HttpSmsGateway]:
    made = HttpSmsGateway(operator.url, "shared-secret")
    yield made
    await made.close()


async def test_messages_come_with_the_secret_over_one_connection(
    gateway: HttpSmsGateway, operator: Operator
) -> None:
    for number in ("13800000001", "13800000002"):
        await gateway.send(number, "验证码")
    assert operator.messages == [
        {"phone": "13800000001", "text": "验证码"},
        {"phone": "13800000002", "text": "验证码"},
    ]
    assert all("Authorization: Bearer shared-secret" in head for head in operator.heads)
    assert operator.connections == 1


async def test_messages_belong_to_the_trace_of_what_queued_them(
    gateway: HttpSmsGateway, operator: Operator
) -> None:
    with tracing.continued(None) as span:
        await gateway.send("13800000001", "验证码")
    await gateway.send("13800000001", "验证码")
    inside, outside = operator.heads
    assert f"traceparent: {span.traceparent}" in inside
    assert "traceparent" not in outside


async def test_a_connection_is_kept_when_the_answer_comes_in_parts(
    gateway: HttpSmsGateway, operator: Operator
) -> None:
    operator.body = b'{"code": 0}'
    for number in ("13800000001", "13800000002"):
        await gateway.send(number, "验证码")
    assert operator.connections == 1


@pytest.mark.parametrize(
    ("name", "value", "proxy"),
    [
        ("http_proxy", "http://10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("all_proxy", "10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("https_proxy", "http://10.0.0.1:3128", None),
    ],
)
def test_the_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, proxy: str | None
) -> None:
    for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    monkeypatch.setenv(name, value)
    assert _proxy_of("http://sms.example.cn/send") == proxy
    monkeypatch.setenv("no_proxy", "sms.example.cn")
    assert _proxy_of("http://sms.example.cn/send") is None


async def test_a_redirect_is_not_followed(gateway: HttpSmsGateway, operator: Operator) -> None:
    operator.status = f"307 Elsewhere\r\nLocation: {operator.url}"
    with pytest.raises(SmsUnavailable):
        await gateway.send("13800000001", "验证码")
    assert len(operator.messages) == 1


async def test_a_gateway_that_refuses_is_told_to_the_caller(
    gateway: HttpSmsGateway, operator: Operator
) -> None:
    operator.status = "503 Service Unavailable"
    with pytest.raises(SmsUnavailable):
        await gateway.send("13800000001", "验证码")


async def test_a_message_has_a_key_so_that_it_can_be_dropped_when_it_comes_twice(
    gateway: HttpSmsGateway, operator: Operator
) -> None:
    await gateway.send("13800000001", "验证码", key="0190")
    assert "Idempotency-Key: 0190" in operator.heads[0]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("400 Bad Request", SmsRefused),
        ("422 Unprocessable", SmsRefused),
        ("401 Unauthorized", SmsUnavailable),
        ("429 Too Many Requests", SmsUnavailable),
        ("500 Internal Server Error", SmsUnavailable),
    ],
)
async def test_a_refused_message_is_told_from_a_gateway_that_cannot(
    gateway: HttpSmsGateway, operator: Operator, status: str, error: type[Exception]
) -> None:
    operator.status = status
    with pytest.raises(error):
        await gateway.send("13800000001", "验证码")
