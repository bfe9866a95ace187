"""A disk that is full: writes are refused with a sentence, reading goes on, and with room again all is well by itself."""

import contextlib
import hashlib
import random
import shutil

import pytest
from harness.asking import ask, commit, lfs_upload
from harness.hub import Hub
from harness.people import TOKENS
from harness.process import within
from harness.small_disk import SmallDisk
from harness.uploads import Upload, make_places

MB = 1_000_000
PAGES = ("/healthz", "/login", "/models", "/bob/full", "/bob/full/tree/main")

pytestmark = pytest.mark.skipif(not SmallDisk.may_be_made(), reason="only root may mount a small disk")


@contextlib.contextmanager
def hub_on(folder, size):
    """Runs a hub one of whose folders is a small disk, and keeps its logs when the test fails."""
    hub, failed = Hub(seeded=False, started=False), True
    disk = SmallDisk(hub.folder / folder, size)
    try:
        hub.seed()
        hub.start()
        yield hub, disk
        failed = False
    finally:
        if failed:
            hub.keep()
        hub.stop()
        disk.close()
        if not failed:
            shutil.rmtree(hub.folder, ignore_errors=True)


def upload(hub, seed, size):
    content = random.Random(seed).randbytes(size)
    return lfs_upload(hub.url, "bob/full", hashlib.sha256(content).hexdigest(), content)


def assert_pages_go_on(hub):
    for page in PAGES:
        assert ask(hub.url + page)[0] == 200, page


def fill_repo(hub):
    status, text = ask(f"{hub.url}/api/repos/create", b'{"name": "full"}', Content_Type="application/json")
    assert status == 200, text
    assert commit(hub.url, "bob/full", "first.txt", "first")[0] == 200
    assert upload(hub, "first", MB)[0] == 200
    assert_pages_go_on(hub)


# What is full, and what is said then.
@pytest.mark.parametrize(
    ("folder", "sentence"),
    [("data/store", "The hub's storage is full."), ("data/cache", "The hub's disk is full.")],
)
def test_a_full_disk_refuses_writes_and_nothing_else(folder, sentence):
    with hub_on(folder, 60 * MB) as (hub, disk):
        fill_repo(hub)
        disk.fill()
        # A small commit needs no disk of the hub's own.
        refused = [commit(hub.url, "bob/full", "second.txt", "second\n" * 500_000)]
        if folder == "data/store":
            refused.append(upload(hub, "second", 5 * MB))
        assert all(status == 503 and sentence in text for status, text in refused), refused
        assert_pages_go_on(hub)
        assert ask(f"{hub.url}/bob/full/resolve/main/first.txt") == (200, "first")
        disk.free()
        goes_on(hub)


def test_a_disk_that_is_full_to_the_last_byte_is_survived():
    """Everything is on it, the private Postgres, too."""
    with hub_on("data", 400 * MB) as (hub, disk):
        fill_repo(hub)
        disk.fill()
        # Postgres has room in the files that it has; at some point it has none.
        answers = [commit(hub.url, "bob/full", f"{number}.txt", "x" * 1000) for number in range(20)]
        answers.append(upload(hub, "second", 5 * MB))
        refused = [answer for answer in answers if answer[0] != 200]
        assert refused and all(status == 503 and "full" in text for status, text in refused), refused
        assert ask(f"{hub.url}/healthz")[0] == 200
        disk.free()
        goes_on(hub)


def test_an_upload_in_chunks_waits_for_room(tmp_path):
    with hub_on("data/store", 60 * MB) as (hub, disk):
        make_places(hub)
        disk.fill()
        with Upload(hub, tmp_path, "repository", 8 * MB) as upload:
            within(120, lambda: upload.was_answered("/xet/v1/xorbs/", 503))
            upload.assert_nothing_is_there()
            assert not upload.is_over(), "the client tries again by itself"
            disk.free()
            upload.assert_it_arrives()
            assert "all is there" in hub.admin("fsck", "--deep")


def goes_on(hub):
    from huggingface_hub import HfApi

    assert commit(hub.url, "bob/full", "third.txt", "third")[0] == 200
    assert upload(hub, "third", 5 * MB)[0] == 200
    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    assert {"first.txt", "third.txt"} <= set(api.list_repo_files("bob/full"))
    assert ask(f"{hub.url}/readyz")[0] == 200
    assert "all is there" in hub.admin("fsck", "--deep")
