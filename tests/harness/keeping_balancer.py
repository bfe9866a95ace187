"""A load balancer that keeps its connections to the nodes and trusts `/readyz` alone.

Balancers of companies do so: a request goes to a node that said it was ready when it was last asked, by a connection that is
there already, and once only, since sending a request twice could do its work twice. It forgives nothing: a node that closes
before it is out of the rotation loses requests.
"""

import http.client
import itertools
import threading
import time
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .process import status_of

LOOK_SECONDS = 0.5
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Says nothing."""

    def forward(self):
        balancer = self.server.balancer
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            status, fields, answer = balancer.ask(self.command, self.path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            balancer.broken.append(f"{self.command} {self.path}: {error!r}")
            status, fields, answer = 502, [], b""
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        """Clients that hang up are no news."""


class KeepingBalancer:
    """Takes requests for nodes at these ports; `broken` are those that were lost."""

    def __init__(self, ports: list[int]):
        self.requests, self.broken = Counter(), []
        self.reused = 0
        self._ready: dict[int, bool] = dict.fromkeys(ports, True)
        self._kept: dict[int, list[http.client.HTTPConnection]] = defaultdict(list)
        self._lock = threading.Lock()
        self._turn = itertools.count()
        self._stopping = threading.Event()
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.balancer = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        threading.Thread(target=self._keep_looking, daemon=True).start()

    def ready(self, port: int) -> bool:
        return self._ready[port]

    def close(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def ask(self, method: str, path: str, body: bytes, headers: dict[str, str]):
        """Asks the next node that is ready; gives the status, the headers and the body of its answer."""
        with self._lock:
            ready = [port for port, is_ready in self._ready.items() if is_ready] or list(self._ready)
            port = ready[next(self._turn) % len(ready)]
            kept = self._kept[port].pop() if self._kept[port] else None
            self.requests[port] += 1
            self.reused += kept is not None
        connection = kept or http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            answer = response.read()
        except BaseException:
            connection.close()
            raise
        fields = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP]
        if response.will_close:
            connection.close()
        else:
            with self._lock:
                self._kept[port].append(connection)
        return response.status, fields, answer

    def _keep_looking(self) -> None:
        while not self._stopping.is_set():
            for port in self._ready:
                is_ready = status_of(f"http://127.0.0.1:{port}/readyz") == 200
                with self._lock:
                    self._ready[port] = is_ready
                    for connection in [] if is_ready else self._kept.pop(port, []):
                        connection.close()
            time.sleep(LOOK_SECONDS)
