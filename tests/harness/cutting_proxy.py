"""A TCP proxy that loses the line in the middle of long answers, the way a bad network does."""

import socket
import threading
from urllib.parse import urlsplit


class CuttingProxy:
    """Forwards to `url`; the first `cuts` answers longer than `after` bytes break off there."""

    def __init__(self, url: str, after: int, cuts: int):
        self._target = (urlsplit(url).hostname, urlsplit(url).port)
        self._after = after
        self._cuts = cuts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.made = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, may_cut: bool) -> None:
        passed = 0
        try:
            while block := source.recv(65536):
                sink.sendall(block)
                passed += len(block)
                if may_cut and passed > self._after and self.made < self._cuts:
                    self.made += 1
                    break
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        """Stops accepting."""
        self._listener.close()
