"""Requests that nginx and the hub could read differently: nobody gets an answer to a request that somebody else hid.

nginx keeps connections to the hub here, as fast settings do: what is left over on one would be the head of the next person's
request.
"""

import socket
import threading
import urllib.request

import pytest
from harness.hub import Hub
from harness.nginx import Nginx
from harness.people import TOKENS

HIDDEN = b"GET /hidden-by-eve HTTP/1.1\r\nHost: hub\r\n\r\n"


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    hub = Hub("local", settings={"HUB_TRUSTED_PROXIES": "127.0.0.1", "HUB_RATE_LIMITS_ENABLED": "false"})
    nginx = Nginx(tmp_path_factory.mktemp("front") / "nginx", hub.url, keeps=8)
    yield hub, nginx
    nginx.stop()
    hub.stop()


def post(fields: bytes, body: bytes) -> bytes:
    return b"POST /api/validate-yaml HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n" + fields + b"\r\n" + body + HIDDEN


CHUNKS = b"0\r\n\r\n"
ODD = {
    "a length and chunks": post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", CHUNKS),
    "a length of more and chunks": post(b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % (len(CHUNKS) + len(HIDDEN)), CHUNKS),
    "two lengths": post(b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(HIDDEN), b""),
    "two lengths, turned": post(b"Content-Length: %d\r\nContent-Length: 0\r\n" % len(HIDDEN), b""),
    "a list of lengths": post(b"Content-Length: 0, %d\r\n" % len(HIDDEN), b""),
    "a sum": post(b"Content-Length: +0\r\n", b""),
    "chunks under another name": post(b"Transfer-Encoding: xchunked\r\n", CHUNKS),
    "chunks behind something": post(b"Transfer-Encoding: identity, chunked\r\n", CHUNKS),
    "chunks before something": post(b"Transfer-Encoding: chunked, identity\r\n", CHUNKS),
    "chunks twice": post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", CHUNKS),
    "chunks behind a tab": post(b"Transfer-Encoding:\tchunked\r\n", CHUNKS),
    "chunks behind a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", CHUNKS),
    "a space before the colon": post(b"Transfer-Encoding : chunked\r\n", CHUNKS),
    "a folded encoding": post(b"Transfer-Encoding:\r\n chunked\r\n", CHUNKS),
    "a folded length": post(b"X-A: b\r\n Content-Length: %d\r\n" % len(HIDDEN), b""),
    "bare line feeds": post(b"Content-Length: %d\nX-A: b\n" % len(HIDDEN), b""),
    "a bare line feed before the encoding": post(b"X-A: b\nTransfer-Encoding: chunked\r\n", CHUNKS),
    "a bare return": post(b"X-A: b\rTransfer-Encoding: chunked\r\n", CHUNKS),
    "a nul": post(b"Transfer-Encoding: chunked\0\r\n", CHUNKS),
    "a chunk with a long sign": post(b"Transfer-Encoding: chunked\r\n", b"0;" + b"a" * 200 + b"\r\n\r\n"),
    "a chunk whose size is more than a number": post(b"Transfer-Encoding: chunked\r\n", b"10000000000000000\r\n\r\n"),
    "a chunk with a bare line feed": post(b"Transfer-Encoding: chunked\r\n", b"0\n\n"),
    "an old version with chunks": post(b"Transfer-Encoding: chunked\r\n", CHUNKS).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "a body of a GET": b"GET /healthz HTTP/1.1\r\nHost: hub\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "an underscore for a dash": post(b"Content_Length: %d\r\nContent-Length: 0\r\n" % len(HIDDEN), b""),
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: hub\r\nHost: evil.example\r\n\r\n" + HIDDEN,
    "an upgrade": b"GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + HIDDEN,
    "an expectation": post(b"Expect: 100-continue\r\nContent-Length: 2\r\n", b"{}"),
}


def exchange(url: str, message: bytes) -> bytes:
    """Sends bytes and reads what comes until nothing does for a while."""
    host, port = url.removeprefix("http://").split(":")
    said = b""
    with socket.create_connection((host, int(port)), timeout=10) as line:
        try:
            line.sendall(message)
            line.settimeout(1.5)
            while block := line.recv(65536):
                said += block
        except OSError:
            pass
    return said


def whoami(url: str, person: str) -> bytes:
    request = urllib.request.Request(f"{url}/api/whoami-v2", headers={"Authorization": f"Bearer {TOKENS[person]}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


@pytest.mark.parametrize("what", ODD)
def test_nobody_is_answered_what_somebody_else_asked(front, what):
    hub, nginx = front
    said = exchange(nginx.url, ODD[what])
    # The hidden request is one of its sender's own at most; then it has an answer of its own on the sender's line.
    assert said.count(b"HTTP/1.1 ") <= 3, said
    # 501 is what nginx says to encodings that it does not know.
    assert b"HTTP/1.1 5" not in said.replace(b"HTTP/1.1 501 ", b""), said
    # Whatever was left over on a kept connection would now be the head of one of these.
    wrong = []

    def ask(person):
        for _ in range(6):
            answer = whoami(nginx.url, person)
            if f'"{person}"'.encode() not in answer:
                wrong.append(answer)

    people = [threading.Thread(target=ask, args=(person,)) for person in ("bob", "carol") * 3]
    for thread in people:
        thread.start()
    for thread in people:
        thread.join()
    assert wrong == []


def test_the_connections_to_the_hub_are_kept(front):
    """Otherwise the tests above would show nothing."""
    hub, nginx = front
    for _ in range(20):
        whoami(nginx.url, "bob")
    assert 0 < nginx.connections_to(hub.url) <= 8


def test_long_heads_and_slow_ones_get_no_further_than_the_proxy_lets_them(front):
    hub, nginx = front
    for message in (
        b"GET /healthz HTTP/1.1\r\nHost: hub\r\nX-A: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: hub\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: hub\r\n" + b"".join(b"X-%d: a\r\n" % number for number in range(5000)) + b"\r\n",
    ):
        for url in (nginx.url, hub.url):
            said = exchange(url, message)
            assert said[9:10] == b"4" or said == b"", said[:200]
    assert b'"bob"' in whoami(nginx.url, "bob")
