"""The server as `.streamlit/config.toml` sets it up: reachable from this machine and nothing else."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests.browser.conftest import StartServer

pytestmark = pytest.mark.slow

APP = Path(__file__).parent / "apps" / "visibility_app.py"


def handshake(url: str, host: str, origin: str) -> int:
    """HTTP status of opening the app's WebSocket under the name `host` from a page of `origin`."""
    address = urlsplit(url)
    request = (
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}:{address.port}",
        f"Origin: {origin}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall("\r\n".join((*request, "", "")).encode())
        status = connection.recv(64).split()
    return int(status[1])


def test_only_our_own_names_and_pages_open_the_app(streamlit_server: StartServer) -> None:
    url = streamlit_server(APP)
    assert handshake(url, "127.0.0.1", url) == 101
    assert handshake(url, "localhost", url.replace("127.0.0.1", "localhost")) == 101
    assert handshake(url, "rebound.example", "http://rebound.example") == 403
    assert handshake(url, "127.0.0.1", "http://elsewhere.example") == 403


def test_the_server_listens_on_the_loopback_address_only(streamlit_server: StartServer) -> None:
    port = urlsplit(streamlit_server(APP)).port
    addresses = {
        connection.laddr.ip
        for process in psutil.Process().children(recursive=True)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }
    assert addresses == {"127.0.0.1"}


def test_no_frame_may_steer_the_app(streamlit_server: StartServer) -> None:
    with urllib.request.urlopen(f"{streamlit_server(APP)}/_stcore/host-config", timeout=10) as answer:
        assert b'"allowedOrigins":[]' in answer.read().replace(b" ", b"")
