"""A forward proxy that counts what clients send and fetch, and can hold requests back."""

import socket
import threading
import time
from collections import Counter
from urllib.parse import urlsplit


class CountingProxy:
    """Takes plain HTTP as `HTTP_PROXY` does, one request a connection, so that each is seen by itself.

    With `hold_from=(text, n)`, of the requests whose path has `text` only the first `n` are passed on; the others hang.
    With `bytes_per_second`, what all connections carry together takes so long.
    """

    def __init__(self, hold_from: tuple[str, int] | None = None, bytes_per_second: float | None = None):
        self._hold_from = hold_from
        self._bytes_per_second = bytes_per_second
        self._free_at = 0.0
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._requests, self._sent, self._answered = Counter(), Counter(), Counter()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        names = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
        self.env = {name: url for name in names} | {"NO_PROXY": "", "no_proxy": ""}
        threading.Thread(target=self._accept, daemon=True).start()

    def requests(self, text: str) -> int:
        """Returns how many requests came whose path has `text`."""
        return self._sum(self._requests, text)

    def sent(self, text: str) -> int:
        """Returns how many bytes of body clients sent to such paths."""
        return self._sum(self._sent, text)

    def answered(self, text: str) -> int:
        """Returns how many requests to such paths were answered to the end."""
        return self._sum(self._answered, text)

    def close(self) -> None:
        """Stops accepting, and drops what is held back."""
        self._closed.set()
        self._listener.close()

    def _sum(self, counter: Counter, text: str) -> int:
        with self._lock:
            return sum(count for path, count in counter.items() if text in path)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                self._forward(client)
            except OSError:
                pass

    def _forward(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            block = client.recv(65536)
            if not block:
                return
            head += block
        head, rest = head.split(b"\r\n\r\n", 1)
        method, address, *_ = head.split(b"\r\n", 1)[0].decode().split(" ")
        target = urlsplit(address)
        path = f"{target.path}?{target.query}" if target.query else target.path
        fields = [field for field in head.split(b"\r\n")[1:] if not field.lower().startswith((b"connection:", b"proxy-"))]
        lines = [f"{method} {path} HTTP/1.1".encode(), *fields, b"Connection: close", b"", b""]
        with self._lock:
            self._requests[path] += 1
        self._count(path, len(rest))
        if self._hold_from and self._hold_from[0] in path and self.requests(self._hold_from[0]) > self._hold_from[1]:
            self._closed.wait()
            return
        with socket.create_connection((target.hostname, target.port or 80)) as server:
            server.sendall(b"\r\n".join(lines) + rest)
            up = threading.Thread(target=self._send_body, args=(client, server, path), daemon=True)
            up.start()
            while block := server.recv(65536):
                self._wait_for_room(len(block))
                client.sendall(block)
            with self._lock:
                self._answered[path] += 1
            client.shutdown(socket.SHUT_RDWR)
            up.join()

    def _send_body(self, client: socket.socket, server: socket.socket, path: str) -> None:
        try:
            while block := client.recv(65536):
                self._count(path, len(block))
                self._wait_for_room(len(block))
                server.sendall(block)
            # The client went away: the server should know.
            server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _wait_for_room(self, size: int) -> None:
        if self._bytes_per_second is None:
            return
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + size / self._bytes_per_second
            wait = self._free_at - time.monotonic()
        time.sleep(max(0, wait))

    def _count(self, path: str, size: int) -> None:
        with self._lock:
            self._sent[path] += size
