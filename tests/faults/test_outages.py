"""The database or the store goes away and comes back: requests are refused with a sentence, and nobody restarts the hub."""

import contextlib
import hashlib
import http.client
import os
import random
import signal
import threading
import urllib.request
from pathlib import Path

import pytest
from harness.asking import ask, commit, commit_large, lfs_upload
from harness.faulty_line import FaultyLine
from harness.hub import Hub, kept_on_failure
from harness.people import TOKENS
from harness.process import status_of, within

MB = 1_000_000
NO_DATABASE = "The database is not answering."
NO_STORE = "The hub's object store is not answering."


def make_repo(hub, name):
    status, text = ask(f"{hub.url}/api/repos/create", f'{{"name": "{name}"}}'.encode(), Content_Type="application/json")
    assert status == 200, text


class Askers:
    """People who commit and look without trying again, and all that they were answered."""

    def __init__(self, hub):
        self.hub = hub
        self.answers, self.committed = [], []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._loop, args=(number,)) for number in range(3)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _loop(self, number):
        count = 0
        while not self._stopping.is_set():
            count += 1
            path = f"t{number}-{count}.txt"
            answer = commit(self.hub.url, "bob/api", path, path)
            if answer[0] == 200:
                self.committed.append(path)
            self.answers += [answer, *(ask(self.hub.url + page) for page in ("/bob/api", "/api/models/bob/api", "/models"))]

    def good_after(self, count):
        """Whether there are more answers than that, and the last ones all good."""
        return len(self.answers) > count and all(status == 200 for status, _ in self.answers[-12:])


def postmaster_of(hub):
    """Returns the process id of the private Postgres, or None while there is none."""
    lines = hub.postmaster_lines()
    return int(lines[0]) if lines else None


def starts_of(hub):
    """Returns how often the private Postgres was ready, again after a connection of it was killed."""
    return (hub.folder / "data/postgres.log").read_text().count("ready to accept connections")


def connections_of(postmaster):
    """Returns the processes that serve the hub's connections."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == postmaster and b"hub hub" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def test_a_database_that_dies_is_waited_for():
    with kept_on_failure(Hub()) as hub:
        make_repo(hub, "api")
        askers = Askers(hub)
        try:
            within(300, lambda: askers.good_after(20))
            for kill in ("connection", "server", "connection", "server"):
                postmaster = postmaster_of(hub)
                victim = postmaster if kill == "server" else random.choice(connections_of(postmaster))
                starts = starts_of(hub)
                os.kill(victim, signal.SIGKILL)
                # All connections die with one.
                within(300, lambda: starts_of(hub) > starts)
                seen = len(askers.answers)
                within(300, lambda: askers.good_after(seen + 12))
        finally:
            askers.stop()
        refused = [answer for answer in askers.answers if answer[0] != 200]
        assert all(status == 503 and NO_DATABASE in text for status, text in refused), set(refused)
        within(120, lambda: status_of(f"{hub.url}/readyz") == 200)
        there = ask(f"{hub.url}/api/models/bob/api")[1]
        assert [path for path in askers.committed if f'"{path}"' not in there] == [], "acknowledged commits are gone"
        assert "all is there" in hub.admin("fsck", "--deep")


@pytest.fixture
def line():
    """A hub that reaches its store through a line that can fail, and the line."""
    hub = Hub("s3", seeded=False, started=False)
    line = FaultyLine(hub.store.env["HUB_S3_ENDPOINT"])
    with kept_on_failure(hub):
        hub.env["HUB_S3_ENDPOINT"] = line.url
        hub.seed()
        hub.start()
        make_repo(hub, "api")
        yield hub, line
        line.mend()
        assert "all is there" in hub.admin("fsck", "--deep")
    line.close()


def large_file(seed, size=8 * MB):
    content = random.Random(seed).randbytes(size)
    return hashlib.sha256(content).hexdigest(), content


def bytes_of(hub, path):
    with urllib.request.urlopen(f"{hub.url}/bob/api/resolve/main/{path}", timeout=180) as answer:
        return answer.read()


def assert_pages_go_on(hub):
    """What needs no store is there while the store is not."""
    for path in ("/healthz", "/models", "/bob/api", "/login"):
        assert ask(hub.url + path)[0] == 200, path


def is_well(hub, name):
    """Whether a commit and an upload go through, and are there."""
    oid, content = large_file(name, MB)
    uploaded = lfs_upload(hub.url, "bob/api", oid, content)
    committed = commit(hub.url, "bob/api", f"{name}.txt", name)
    return (uploaded[0], committed[0], ask(f"{hub.url}/bob/api/resolve/main/{name}.txt")) == (200, 200, (200, name))


def test_a_store_that_refuses_is_waited_for(line):
    hub, line = line
    assert is_well(hub, "before")
    line.refuse()
    refused = [commit(hub.url, "bob/api", "during.txt", "x"), commit(hub.url, "bob/api", "during.txt", "x")]
    assert all(status == 503 and NO_STORE in text for status, text in refused), refused
    within(120, lambda: status_of(f"{hub.url}/readyz") == 503)
    assert_pages_go_on(hub)
    line.mend()
    within(120, lambda: status_of(f"{hub.url}/readyz") == 200)
    assert is_well(hub, "after") and "during.txt" not in ask(f"{hub.url}/api/models/bob/api")[1]


def test_a_store_that_is_silent_holds_up_nobody_else(line):
    hub, line = line
    line.hold()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(commit(hub.url, "bob/api", "held.txt", "held")))
    waiting.start()
    within(120, lambda: status_of(f"{hub.url}/readyz") == 503)
    assert_pages_go_on(hub)
    assert answers == [], "it waits for the store"
    line.mend()
    waiting.join()
    assert answers[0][0] == 200 and ask(f"{hub.url}/bob/api/resolve/main/held.txt") == (200, "held")
    within(120, lambda: status_of(f"{hub.url}/readyz") == 200)


def test_a_slow_store_is_only_slow(line):
    hub, line = line
    line.slow_down(2 * MB)
    assert is_well(hub, "slow")


def test_uploads_that_break_off_on_the_way_to_the_store_leave_nothing(line):
    hub, line = line
    oid, content = large_file("up")
    line.cut("up", MB)
    status, text = lfs_upload(hub.url, "bob/api", oid, content)
    assert status != 200 and line.cuts > 0, text
    status, text = commit_large(hub.url, "bob/api", "up.bin", oid, len(content))
    assert status == 422 and "up.bin" in text, "a file that did not arrive cannot be committed"
    line.mend()
    assert lfs_upload(hub.url, "bob/api", oid, content)[0] == 200
    assert commit_large(hub.url, "bob/api", "up.bin", oid, len(content))[0] == 200
    assert bytes_of(hub, "up.bin") == content


def test_downloads_that_break_off_on_the_way_from_the_store_are_never_short(line):
    """By chunks, which the hub puts together itself for who asks for the whole file."""
    from huggingface_hub import HfApi

    hub, line = line
    _, content = large_file("down")
    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    api.upload_file(path_or_fileobj=content, path_in_repo="down.bin", repo_id="bob/api")
    line.cut("down", 2 * MB)
    with contextlib.suppress(OSError, http.client.HTTPException):
        assert bytes_of(hub, "down.bin") == content
    assert line.cuts > 0
    line.mend()
    assert bytes_of(hub, "down.bin") == content
