"""Restarting the processes of a hub in turn loses no request.

What a stop must do is shown from both sides: with the settings that docs/operating.md names nothing is lost, and without them
the same test loses requests. Otherwise it would not see a stop that forgot to drain.
"""

import http.client
import itertools
import json
import random
import socket
import threading
import time
import traceback
import urllib.request

import pytest
from harness.keeping_balancer import KeepingBalancer
from harness.nodes import api_at, hub_of, remote_of, run_git
from harness.people import TOKENS
from harness.process import within


class Load:
    """People who commit, upload, push and look without ever trying again, and what failed for them."""

    def __init__(self, hub, folder):
        self.hub, self.folder = hub, folder
        self.failures, self.rounds = [], {}
        self._stopping = threading.Event()
        jobs = [self.commit, self.commit, self.upload, self.push, self.look]
        for number, job in enumerate(jobs):
            self.rounds[number] = 0
        self._threads = [threading.Thread(target=self._loop, args=item) for item in enumerate(jobs)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for_rounds(self, count):
        """Waits until each of the people has done so much more, or something failed."""
        wanted = {number: done + count for number, done in self.rounds.items()}
        within(240, lambda: self.failures or all(self.rounds[number] >= goal for number, goal in wanted.items()))

    def _loop(self, number, job):
        while not self._stopping.is_set():
            try:
                job(f"t{number}-{self.rounds[number]}")
            except Exception as error:  # noqa: BLE001 - whatever it is, somebody saw it
                said = getattr(error, "stderr", None) or ""
                self.failures.append(f"{traceback.format_exc()}{said}")
            self.rounds[number] += 1

    def _request(self, path, body=None, content_type="application/x-ndjson"):
        headers = {"Authorization": f"Bearer {TOKENS['bob']}", "Content-Type": content_type}
        with urllib.request.urlopen(urllib.request.Request(self.hub.url + path, body, headers), timeout=60) as answer:
            return answer.read()

    def commit(self, name):
        lines = [
            {"key": "header", "value": {"summary": name}},
            {"key": "file", "value": {"path": f"{name}.txt", "content": name, "encoding": "utf-8"}},
        ]
        self._request("/api/models/bob/load/commit/main", "\n".join(map(json.dumps, lines)).encode())
        assert self._request(f"/bob/load/resolve/main/{name}.txt") == name.encode()

    def look(self, name):
        for path in ("/", "/bob/load", "/models?search=load", "/api/models?search=load", "/api/whoami-v2", "/bob/load/tree/main"):
            self._request(path)

    def upload(self, name):
        api, content = api_at(self.hub.url), random.Random(name).randbytes(3_000_000)
        api.upload_file(path_or_fileobj=content, path_in_repo=f"{name}.bin", repo_id="bob/large")
        got = api.hf_hub_download("bob/large", f"{name}.bin", cache_dir=self.folder / name)
        assert open(got, "rb").read() == content

    def push(self, name):
        work, git = self.folder / name, {"url": self.hub.url, "home": self.folder / "home"}
        run_git("clone", "--depth", "1", remote_of(self.hub.url, "bob/git"), work, cwd=self.folder, **git)
        for ending in (".txt", ".bin"):
            (work / f"{name}{ending}").write_bytes(b"\0" + name.encode())
        run_git("add", "-A", cwd=work, **git)
        run_git("commit", "-m", name, cwd=work, **git)
        run_git("push", cwd=work, **git)


def test_restarting_the_nodes_in_turn_loses_no_request(tmp_path):
    with hub_of("jobs", "web", "web") as hub:
        for name in ("load", "large", "git"):
            api_at(hub.url).create_repo(f"bob/{name}")
        load = Load(hub, tmp_path)
        try:
            load.wait_for_rounds(1)
            for port in hub.web_ports():
                hub.stop_node(port)
                load.wait_for_rounds(1)
                hub.start_node(port)
                hub.wait_balanced(port)
                load.wait_for_rounds(1)
        finally:
            load.stop()
        assert load.failures == [], "\n".join(load.failures)
        assert hub.balancer.broken == []
        assert not [status for status in hub.balancer.statuses if status.startswith("5")], hub.balancer.statuses
        assert all(hub.balancer.requests[port] > 0 for port in hub.web_ports())
        hub.admin("fsck", "--deep")


class Flood:
    """People who ask and commit as fast as they can through a balancer, and count what they were not given."""

    def __init__(self, url, people=6):
        self.url, self.failures, self.answered = url, [], 0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(people)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for_answers(self, count):
        goal = self.answered + count
        within(240, lambda: self.answered >= goal or len(self.failures) > 100)

    def _ask(self, person):
        host = self.url.removeprefix("http://")
        line = http.client.HTTPConnection(host, timeout=60)
        headers = {"Authorization": f"Bearer {TOKENS['bob']}", "Content-Type": "application/x-ndjson"}
        for number in itertools.count():
            if self._stopping.is_set():
                return
            method, path, body = "GET", "/api/whoami-v2", None
            if number % 10 == 9:
                file = {"path": f"p{person}/{number}.txt", "content": "x", "encoding": "utf-8"}
                lines = [{"key": "header", "value": {"summary": "s"}}, {"key": "file", "value": file}]
                method, path, body = "POST", "/api/models/bob/flood/commit/main", "\n".join(map(json.dumps, lines))
            line.request(method, path, body, headers)
            answer = line.getresponse()
            said = answer.read()
            if answer.status == 200:
                self.answered += 1
            else:
                self.failures.append(f"{method} {path}: {answer.status} {said[:200]}")


@pytest.mark.parametrize("drains", [True, False])
def test_a_stop_is_out_of_the_rotation_before_it_closes(drains):
    """Behind a balancer that keeps its connections. Without a drain the same restarts lose requests: the test can fail."""
    with hub_of("jobs", "web", "web", store="local", HUB_DRAIN_SECS="2" if drains else "0") as hub:
        api_at(hub.url).create_repo("bob/flood")
        balancer = KeepingBalancer(hub.web_ports())
        flood = Flood(balancer.url)
        try:
            flood.wait_for_answers(100)
            ports = hub.web_ports()
            # Without a drain one stop can be lucky, and not each of many.
            for number, port in enumerate(ports if drains else ports * 5):
                if number >= len(ports) and (balancer.broken or flood.failures):
                    break
                hub.stop_node(port)
                flood.wait_for_answers(50)
                hub.start_node(port)
                within(120, lambda: balancer.ready(port))
                flood.wait_for_answers(50)
        finally:
            flood.stop()
            balancer.close()
        assert balancer.reused > 100 and all(balancer.requests[port] > 0 for port in hub.web_ports())
        lost = balancer.broken + flood.failures
        assert bool(lost) != drains, lost[:10]


@pytest.mark.parametrize("patient", [True, False])
def test_what_is_under_way_ends_before_the_process_does(patient):
    """An upload and a download that go on for longer than the drain. With no patience for them they are cut off."""
    with hub_of("jobs", "web", store="local", HUB_DRAIN_SECS="1", HUB_SHUTDOWN_TIMEOUT_SECS="30" if patient else "1") as hub:
        [port] = hub.web_ports()
        url = f"http://127.0.0.1:{port}"
        api = api_at(url)
        api.create_repo("bob/slow")
        content = random.Random(1).randbytes(24_000_000)
        api.upload_file(path_or_fileobj=content, path_in_repo="large.bin", repo_id="bob/slow")
        outcomes = {}
        slow = [
            threading.Thread(target=record, args=(outcomes, "upload", lambda: slow_commit(port, seconds=8))),
            threading.Thread(target=record, args=(outcomes, "download", lambda: slow_read(port, len(content), seconds=8))),
        ]
        for thread in slow:
            thread.start()
        time.sleep(2)
        # What says `Connection: close` now is not asked again by the same connection.
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        assert not ask(kept, "/healthz").will_close
        stopping = threading.Thread(target=hub.stop_node, args=(port,))
        stopping.start()
        # While it stops, an answer is the last on its connection.
        within(60, lambda: ask(kept, "/healthz").will_close)
        for thread in [*slow, stopping]:
            thread.join()
        if patient:
            assert outcomes == {"upload": 200, "download": content}
            hub.start_node(port)
            assert api.file_exists("bob/slow", "slow.txt")
        else:
            assert outcomes["upload"] != 200 and outcomes["download"] != content
            hub.start_node(port)
            assert not api.file_exists("bob/slow", "slow.txt")


def ask(connection, path):
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response


def record(outcomes, name, work):
    try:
        outcomes[name] = work()
    except (OSError, http.client.HTTPException) as error:
        outcomes[name] = error


def slow_commit(port, seconds):
    """Sends a commit bit by bit; gives the status of the answer."""
    file = {"path": "slow.txt", "content": "x" * 4000, "encoding": "utf-8"}
    lines = [{"key": "header", "value": {"summary": "slow"}}, {"key": "file", "value": file}]
    body = "\n".join(map(json.dumps, lines)).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", "/api/models/bob/slow/commit/main")
    for name, value in [("Authorization", f"Bearer {TOKENS['bob']}"), ("Content-Type", "application/x-ndjson"), ("Content-Length", str(len(body)))]:
        connection.putheader(name, value)
    connection.endheaders()
    step = len(body) // (seconds * 4) + 1
    for start in range(0, len(body), step):
        connection.send(body[start : start + step])
        time.sleep(0.25)
    return connection.getresponse().status


def slow_read(port, size, seconds):
    """Reads a file at the pace of a slow line, by a small window, so that the hub cannot be done before; gives its bytes."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        line.settimeout(60)
        line.connect(("127.0.0.1", port))
        line.sendall(f"GET /bob/slow/resolve/main/large.bin HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {TOKENS['bob']}\r\n\r\n".encode())
        pace = size / seconds
        said, started = bytearray(), time.monotonic()
        while (end := said.find(b"\r\n\r\n")) < 0 or len(said) < end + 4 + size:
            block = line.recv(64 * 1024)
            if not block:
                raise ConnectionError(f"an end after {len(said)} bytes")
            said += block
            time.sleep(max(0, started + len(said) / pace - time.monotonic()))
    return bytes(said[end + 4 :])
