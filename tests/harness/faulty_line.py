"""A line to a server that is refused, held, slowed down or cut while it is in use, the way networks and services fail."""

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

BLOCK = 65536


class FaultyLine:
    """Forwards all that comes to `self.url` to another address, without a fault until one of its methods makes one."""

    def __init__(self, url: str):
        self._target = (urlsplit(url).hostname, urlsplit(url).port)
        self._open: set[socket.socket] = set()
        self._flowing = threading.Event()
        # Blocks that came while nothing was let through.
        self.held = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.mend()
        threading.Thread(target=self._accept, daemon=True).start()

    def mend(self) -> None:
        """From now on everything passes, also what was held."""
        self._refusing, self._bytes_per_second, self._cut = False, None, None
        self.cuts = 0
        self._flowing.set()

    def refuse(self) -> None:
        """Breaks all connections, and every new one at once."""
        self._refusing = True
        for end in list(self._open):
            _shut(end)

    def hold(self) -> None:
        """Takes connections and lets nothing through."""
        self._flowing.clear()

    def slow_down(self, bytes_per_second: float) -> None:
        """Lets so much through on each connection and in each direction."""
        self._bytes_per_second = bytes_per_second

    def cut(self, direction: str, after: int) -> None:
        """Breaks each connection that has carried more than so many bytes `up` (to the server) or `down`, and counts."""
        self._cut = (direction, after)

    def close(self) -> None:
        """Stops accepting, and drops what is under way."""
        self._listener.close()
        self.mend()
        self.refuse()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                if self._refusing:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
            except OSError:
                return
            self._open |= {client, server}
            threading.Thread(target=self._pump, args=(client, server, "up"), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, "down"), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while block := source.recv(BLOCK):
                self.held += not self._flowing.is_set()
                self._flowing.wait()
                if rate := self._bytes_per_second:
                    time.sleep(len(block) / rate)
                sink.sendall(block)
                passed += len(block)
                if self._cut and self._cut[0] == direction and passed > self._cut[1]:
                    self.cuts += 1
                    break
        for end in (source, sink):
            _shut(end)
        self._open -= {source, sink}


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
