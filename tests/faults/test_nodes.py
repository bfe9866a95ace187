"""Several processes are one hub: what one takes the others serve at once, and restarting them in turn loses no request.

What a stop must do is shown from both sides: with the settings that docs/operating.md names nothing is lost, and without them
the same test loses requests. Otherwise it would not see a stop that forgot to drain.
"""

import contextlib
import http.client
import itertools
import json
import os
import random
import re
import socket
import subprocess
import threading
import time
import traceback
import urllib.request

import pytest
from harness.clients import client_env
from harness.hub import Hub
from harness.keeping_balancer import KeepingBalancer
from harness.people import PASSWORD, TOKENS
from harness.process import status_of, within
from harness.visitor import Visitor, csrf_token

# The balancer looks at /readyz five times a second.
DRAIN = {"HUB_DRAIN_SECS": "2"}


@contextlib.contextmanager
def hub_of(*roles, store="s3", **settings):
    """Runs a hub of several processes, and keeps its logs when the test fails."""
    hub = Hub(store, settings={**DRAIN, **settings}, roles=roles)
    try:
        yield hub
    except BaseException:
        hub.keep()
        raise
    finally:
        hub.stop()


def api_at(url, person="bob"):
    from huggingface_hub import HfApi

    return HfApi(endpoint=url, token=TOKENS[person] if person else False)


def body_of(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


def run_git(*arguments, cwd, url, home):
    env = {**os.environ, **client_env(url, home)}
    return subprocess.run(["git", *arguments], cwd=cwd, env=env, check=True, capture_output=True, text=True, timeout=120).stdout


def remote_of(url, repo_id):
    return url.replace("://", f"://bob:{TOKENS['bob']}@") + f"/{repo_id}"


@pytest.mark.parametrize("store", ["local", "s3"])
def test_what_one_node_takes_the_other_serves_at_once(store, tmp_path):
    with hub_of("all", "all", store=store) as hub:
        one, two = (f"http://127.0.0.1:{port}" for port in hub.web_ports())
        for number, (here, there) in enumerate([(one, two), (two, one), (one, two)]):
            check_files(here, there, f"bob/files-{number}", tmp_path / f"files-{number}")
            check_lifecycle(here, there, f"bob/life-{number}")
            check_session(here, there)
        if store == "local":
            check_reindex(hub, (one, two))


def check_files(here, there, repo_id, folder):
    """Commits, pushes and uploads on one node, and reads on the other."""
    writer, reader = api_at(here), api_at(there)
    writer.create_repo(repo_id)
    assert reader.repo_info(repo_id).id == repo_id
    large = random.Random(repo_id).randbytes(3_000_000)
    for path, content in [("small.txt", b"small"), ("large.bin", large), ("small.txt", b"changed")]:
        oid = writer.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=repo_id).oid
        got = reader.hf_hub_download(repo_id, path, cache_dir=folder / "cache")
        assert open(got, "rb").read() == content
        assert reader.list_repo_commits(repo_id)[0].commit_id == oid
    work, again = folder / "work", folder / "again"
    git = {"url": here, "home": folder / "home"}
    run_git("clone", remote_of(there, repo_id), work, cwd=folder, **git)
    (work / "pushed.txt").write_text("pushed")
    (work / "pushed.bin").write_bytes(b"\0" * 2000)
    run_git("add", "-A", cwd=work, **git)
    run_git("commit", "-m", "Push", cwd=work, **git)
    run_git("push", remote_of(here, repo_id), "HEAD:main", cwd=work, **git)
    assert reader.list_repo_commits(repo_id)[0].title == "Push"
    run_git("clone", remote_of(there, repo_id), again, cwd=folder, **git)
    assert (again / "pushed.bin").read_bytes() == b"\0" * 2000 and (again / "large.bin").read_bytes() == large
    # Asked for on both, so that both remember that the repository has the file.
    [doomed] = [file for file in writer.list_lfs_files(repo_id) if file.filename == "large.bin"]
    address = f"/{repo_id}/resolve/main/large.bin"
    assert [body_of(url + address) == large for url in (here, there)] == [True, True]
    writer.permanently_delete_lfs_files(repo_id, [doomed], rewrite_history=False)
    # What is left is the pointer that git has.
    assert b"git-lfs" in body_of(here + address)
    within(20, lambda: b"git-lfs" in body_of(there + address))


def check_lifecycle(here, there, repo_id):
    """Changes what a repository is on one node, and looks on the other."""
    writer, reader = api_at(here), api_at(there)
    writer.create_repo(repo_id)
    assert [model.id for model in reader.list_models(author="bob", search=repo_id)] == [repo_id]
    writer.create_branch(repo_id, branch="side")
    writer.create_tag(repo_id, tag="v1")
    refs = reader.list_repo_refs(repo_id)
    assert "side" in [ref.name for ref in refs.branches] and [ref.name for ref in refs.tags] == ["v1"]
    writer.delete_branch(repo_id, branch="side")
    assert "side" not in [ref.name for ref in reader.list_repo_refs(repo_id).branches]
    writer.update_repo_settings(repo_id, visibility="private")
    assert status_of(f"{there}/{repo_id}") == 404
    writer.update_repo_settings(repo_id, visibility="public")
    assert status_of(f"{there}/{repo_id}") == 200
    writer.move_repo(repo_id, f"{repo_id}-moved")
    assert reader.repo_info(repo_id).id == f"{repo_id}-moved"
    writer.delete_repo(f"{repo_id}-moved")
    assert not reader.repo_exists(f"{repo_id}-moved")


def check_session(here, there):
    """Logs in on one node, is known on the other, and logs out there. Cookies do not depend on the port."""
    visitor = Visitor(here)
    visitor.submit("/login", "/login", username="carol", password=PASSWORD)
    visitor.url = there
    page = visitor.open("/settings/profile")
    token = csrf_token(page)
    visitor.url = here
    assert "carol" in visitor.open("/settings/profile")
    # The token of a form from one node is good on the other.
    visitor.post("/logout", csrf_token=token)
    visitor.url = there
    assert "/login" in visitor.address_of("/settings/profile")


def check_reindex(hub, nodes):
    """Has all nodes build their index anew by a command, which finds what no index was told of."""

    def finds(word):
        return [f'href="/bob/{word}"' in body_of(f"{node}/models?search={word}").decode() for node in nodes]

    api_at(nodes[0]).create_repo("bob/unheard")
    within(20, lambda: all(finds("unheard")))
    sql = "set session_replication_role = replica; update repos set name = 'discovered' where name = 'unheard'"
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, hub.database_url()], check=True)
    assert finds("discovered") == [False, False]
    assert "Every node will build its search index anew" in hub.admin("reindex")
    within(20, lambda: all(finds("discovered")))


def jobs_waiting(hub):
    """Returns how many background jobs wait, as a process that serves pages tells."""
    metrics = body_of(f"http://127.0.0.1:{hub.web_ports()[0]}/metrics").decode()
    return int(re.search(r'hub_jobs\{state="waiting"\} (\d+)', metrics)[1])


def test_one_process_serves_pages_and_another_does_the_work():
    with hub_of("web", "jobs") as hub:
        _, jobs = hub.roles
        assert status_of(f"http://127.0.0.1:{jobs}/models") == 404
        api = api_at(hub.url)
        api.create_repo("bob/weights")
        within(60, lambda: jobs_waiting(hub) == 0)
        hub.stop_node(jobs)
        api.upload_file(path_or_fileobj=b"MIT License\n\nCopyright (c) 2026 Bob\n", path_in_repo="LICENSE", repo_id="bob/weights")
        # The web process asks for the licence to be read, and does not read it.
        assert jobs_waiting(hub) > 0
        hub.start_node(jobs)
        within(60, lambda: jobs_waiting(hub) == 0)


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
        within(60, lambda: self.answered >= goal or len(self.failures) > 100)

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
            for port in hub.web_ports():
                hub.stop_node(port)
                flood.wait_for_answers(50)
                hub.start_node(port)
                within(30, lambda: balancer.ready(port))
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
        time.sleep(0.3)
        assert ask(kept, "/healthz").will_close, "while it stops, an answer is the last on its connection"
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
