"""The gateway's configuration in a real nginx: what it answers when a service does not."""

import datetime
import http.server
import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from testkit.backends import nginx
from testkit.backends.process import free_ports

from .conftest import ROOT

GATEWAY = ROOT / "deploy" / "gateway"
HOSTS = {name: f"{name}.example.org" for name in ("identity", "office", "cockpit", "portal")}
LIMITS = [
    "${ZHUXUE_IDENTITY_IMPORT_LIMIT_BYTES}",
    "${ZHUXUE_OFFICE_FILE_LIMIT_BYTES}",
    "${ZHUXUE_COCKPIT_UPLOAD_LIMIT_BYTES}",
    "${ZHUXUE_PORTAL_PROXIED_BODY_BYTES}",
]


def certificate(folder: Path) -> None:
    """Write a certificate and its key, which nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.org")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "privkey.pem").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where somebody listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the address that the gateway passes on, and with the trace."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers["X-Forwarded-For"].encode())
        for name in ("traceparent", "tracestate"):
            self.wfile.write(self.headers.get(name, "").encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a service that tells who calls."""
    with http.server.HTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def trusted() -> str:
    return ""


def sourced(name: str, variable: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a script that the gateway's container sources makes of its environment."""
    script = f'. {GATEWAY}/{name}.envsh; printf %s "${variable}"'
    return subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False, env=environment
    )


def directives(trusted: str) -> subprocess.CompletedProcess[str]:
    return sourced("15-trusted-proxies", "ZHUXUE_REAL_IP_FROM", ZHUXUE_TRUSTED_PROXIES=trusted)


def http2(variable: str, programs: Path) -> str:
    """What is written for HTTP/2 to the nginx of a folder."""
    return sourced("15-http2", variable, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}").stdout


@pytest.fixture
def gateway(tmp_path: Path, silent: int, echo: int, trusted: str) -> Iterator[httpx.Client]:
    """Cockpit is stopped, Office hangs, the portal tells who calls."""
    certificate(tmp_path)
    program = Path(nginx.start().url)
    plain, tls, health, nobody = free_ports(4)
    replaced = {
        "/etc/nginx/problems.conf": f"{GATEWAY}/problems.conf",
        "/etc/nginx/tls": str(tmp_path),
        "/etc/nginx/mime.types": str(tmp_path / "mime.types"),
        "/tmp/": f"{tmp_path}/",
        "${ZHUXUE_HTTP2}": http2("ZHUXUE_HTTP2", program.parent),
        "${ZHUXUE_LISTEN_HTTP2}": http2("ZHUXUE_LISTEN_HTTP2", program.parent),
        "listen 8080": f"listen 127.0.0.1:{plain}",
        "listen 8443": f"listen 127.0.0.1:{tls}",
        "127.0.0.1:8081": f"127.0.0.1:{health}",
        "worker_connections 32768": "worker_connections 64",
        "location / {\n        set $upstream http://office:8002;": (
            f"location / {{ proxy_read_timeout 100ms; set $upstream http://127.0.0.1:{silent};"
        ),
        "http://office:8002": f"http://127.0.0.1:{silent}",
        "http://cockpit:8003": f"http://127.0.0.1:{nobody}",
        "http://portal:8000": f"http://127.0.0.1:{echo}",
        "${ZHUXUE_REAL_IP_FROM}": directives(trusted).stdout,
        "${ZHUXUE_GATEWAY_RATE}": "100r/s",
        "${ZHUXUE_GATEWAY_SIGN_IN_RATE}": "10r/s",
        **dict.fromkeys(LIMITS, "1000000"),
        **{f"${{ZHUXUE_{name.upper()}_HOSTNAME}}": host for name, host in HOSTS.items()},
    }
    pattern = re.compile("|".join(map(re.escape, replaced)))
    for source, name in (
        (GATEWAY / "nginx.conf", "nginx.conf"),
        (GATEWAY / "templates" / "zhuxue.conf.template", "zhuxue.conf"),
    ):
        text = pattern.sub(lambda found: replaced[found[0]], source.read_text())
        (tmp_path / name).write_text(text)
    (tmp_path / "mime.types").write_text("types {}\n")
    process = nginx.serve(str(program), tmp_path / "nginx.conf", health)
    try:
        with httpx.Client(verify=False, base_url=f"https://127.0.0.1:{tls}", timeout=30) as client:
            yield client
    finally:
        process.stop()


@pytest.mark.parametrize("name", ["cockpit", "office"])
def test_a_service_that_does_not_answer_is_503_in_status_header_and_body(
    gateway: httpx.Client, name: str
) -> None:
    host, sni = {"host": HOSTS[name]}, {"sni_hostname": HOSTS[name]}
    answer = gateway.get("/api/v1/units", headers=host, extensions=sni)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["status"], answer.json()["code"]) == (503, "unavailable")

    browser = {**host, "accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
    page = gateway.get("/", headers=browser, extensions=sni)
    assert (page.status_code, page.headers["retry-after"]) == (503, "5")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="zh-CN">' in page.text
    assert "服务暂不可用" in page.text


def test_browsers_are_offered_http_2(gateway: httpx.Client) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", gateway.base_url.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname=HOSTS["portal"]) as encrypted,
    ):
        assert encrypted.selected_alpn_protocol() == "h2"


@pytest.mark.parametrize(
    ("version", "directive", "parameter"),
    [("1.22.1", "", " http2"), ("1.25.1", "http2 on;", ""), ("1.28.0", "http2 on;", "")],
)
def test_http_2_is_written_as_the_version_of_nginx_has_it(
    version: str, directive: str, parameter: str, tmp_path: Path
) -> None:
    program = tmp_path / "nginx"
    program.write_text(f"#!/bin/sh\necho 'nginx version: nginx/{version}' >&2\n")
    program.chmod(0o755)
    assert http2("ZHUXUE_HTTP2", tmp_path) == directive
    assert http2("ZHUXUE_LISTEN_HTTP2", tmp_path) == parameter


def caller(gateway: httpx.Client, forwarded: str) -> str:
    # Traces begin behind the gateway.
    trace = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "vendor=1"}
    headers = {"host": HOSTS["portal"], "x-forwarded-for": forwarded, **trace}
    return gateway.get("/", headers=headers, extensions={"sni_hostname": HOSTS["portal"]}).text


@pytest.mark.parametrize("trusted", ["127.0.0.1 10.0.0.0/8 2001:db8:1::/64"])
def test_the_address_behind_trusted_proxies_is_read_from_the_right(gateway: httpx.Client) -> None:
    assert caller(gateway, "6.6.6.6, 203.0.113.9, 10.0.0.7") == "203.0.113.9"
    assert caller(gateway, "6.6.6.6, 2001:db8:2::9, 2001:db8:1::7") == "2001:db8:2::9"


@pytest.mark.parametrize("trusted", ["", "10.0.0.0/8"])
def test_nobody_else_says_where_a_request_comes_from(gateway: httpx.Client) -> None:
    assert caller(gateway, "203.0.113.9") == "127.0.0.1"


def test_trusted_proxies_are_addresses_and_networks_only() -> None:
    refused = directives("10.0.0.0/8 proxy.example.org")
    assert refused.returncode == 1
    assert "'proxy.example.org' is neither" in refused.stderr
