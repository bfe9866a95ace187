"""A load balancer as a hub of several nodes has one in front: requests alternate, `/readyz` says who gets any."""

import asyncio
import contextlib
import itertools
import threading
from collections import Counter

CONNECT_SECONDS = 5
LOOK_SECONDS = 0.2
LINGER_SECONDS = 2
BLOCK = 65536


class Node:
    """A process behind the balancer, and whether it wants requests."""

    def __init__(self, port: int):
        self.port = port
        self.ready = False


class Balancer:
    """Takes HTTP/1.1, one request a connection, so that the requests of one client go to all nodes in turn.

    A request goes to a second node only if the first took no connection; what is lost after that is counted.
    """

    def __init__(self):
        self.requests, self.statuses = Counter(), Counter()
        self.broken: list[str] = []
        self._nodes: list[Node] = []
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=BLOCK, backlog=512))
        self._looking = asyncio.run_coroutine_threadsafe(self._keep_looking(), self._loop)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def add(self, port: int) -> None:
        """From now on requests go to this port too, while it says that it is ready."""
        self._nodes.append(Node(port))

    def takes(self, port: int) -> bool:
        """Returns whether requests go to this port."""
        return any(node.ready for node in self._nodes if node.port == port)

    def complaint(self) -> str:
        """Returns what went wrong: requests that were lost, or a node that got far less than its share."""
        fewest = min(self.requests[node.port] for node in self._nodes)
        lost = [f"{len(self.broken)} requests were lost: {self.broken[:5]}"] if self.broken else []
        uneven = [f"requests by port: {dict(self.requests)}"] if fewest * len(self._nodes) * 2 < self.requests.total() else []
        return "; ".join(lost + uneven)

    def close(self) -> None:
        """Stops accepting, and drops what is under way."""
        self._looking.cancel()
        self._server.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.gather(*(self._look(node) for node in self._nodes))
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, node: Node) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: balancer\r\nConnection: close\r\n\r\n")
                node.ready = b" 200 " in await reader.readline()
                writer.close()
        except (OSError, TimeoutError):
            node.ready = False

    async def _serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await client_in.readuntil(b"\r\n\r\n")
            line, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
            fields = [field for field in fields if not field.lower().startswith(b"connection:")]
            fields += [b"X-Forwarded-For: 127.0.0.1", b"X-Forwarded-Proto: http", b"Connection: close"]
            await self._forward(line, b"\r\n".join([line, *fields, b"", b""]), client_in, client_out)
        client_out.close()

    async def _forward(self, line: bytes, head: bytes, client_in, client_out) -> None:
        port, node_in, node_out = await self._connect()
        if port is None:
            self.broken.append(f"{line.decode()}: no node takes a connection")
            client_out.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        self.requests[port] += 1
        node_out.write(head)
        up = asyncio.create_task(self._pump(client_in, node_out))
        try:
            answer = await node_in.read(BLOCK)
            if not answer and not up.done():
                self.broken.append(f"{line.decode()}: the node on port {port} gave no answer")
            self.statuses[answer[9:12].decode(errors="replace")] += 1
            while answer:
                client_out.write(answer)
                await client_out.drain()
                answer = await node_in.read(BLOCK)
            await self._linger(client_out, up)
        finally:
            up.cancel()
            node_out.close()

    async def _connect(self):
        """Connects to the next node that is ready, or to any; gives its port and the connection's two ends."""
        turn = next(self._turn)
        nodes = [node for node in self._nodes if node.ready] or self._nodes
        for step in range(len(nodes)):
            node = nodes[(turn + step) % len(nodes)]
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return node.port, *await asyncio.open_connection("127.0.0.1", node.port, limit=BLOCK)
            except (OSError, TimeoutError):
                node.ready = False
        return None, None, None

    async def _pump(self, client_in: asyncio.StreamReader, node_out: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while block := await client_in.read(BLOCK):
                node_out.write(block)
                await node_out.drain()
        # The client went away: the node should know.
        node_out.close()

    async def _linger(self, client_out: asyncio.StreamWriter, up: asyncio.Task) -> None:
        """Lets the client read an answer that came before its whole body was sent; closing at once would destroy it."""
        if client_out.can_write_eof():
            client_out.write_eof()
        await asyncio.wait([up], timeout=LINGER_SECONDS)
