"""The process that looks at pushed files, seen from outside while it works: what it has and may, and what comes of killing it."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from harness.hub import Hub
from harness.people import TOKENS
from harness.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

# Looking at one takes a moment: millions of opcodes that put something on the stack and take it off again.
FILES = {f"{number}.bin": b"\x80\x02" + b"N0" * (12_000_000 + number) + b"N." for number in range(3)}


@pytest.fixture
def hub():
    hub = Hub()
    try:
        yield hub
    finally:
        hub.stop()


def status_of(process: Path) -> dict[str, str]:
    lines = (process / "status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def is_scanner_of(process: Path, hub: Hub) -> bool:
    try:
        if b"scan-one" not in (process / "cmdline").read_bytes().split(b"\0"):
            return False
        status = status_of(process)
    except OSError:
        return False
    # Before it has put its walls up, it was given nothing.
    return status["PPid"] == str(hub.pid()) and status["Seccomp"] == "2"


def stopped_scanner(hub: Hub) -> int:
    """Stops a process that looks at files of this hub in the middle of its work, and returns its id."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for process in Path("/proc").glob("[0-9]*"):
            if is_scanner_of(process, hub):
                try:
                    os.kill(int(process.name), signal.SIGSTOP)
                    wait_until(lambda: status_of(process)["State"].startswith(("T", "Z")), seconds=5)
                    if status_of(process)["State"].startswith("T"):
                        return int(process.name)
                except OSError:
                    pass
    raise AssertionError("nobody was seen looking at the files")


def test_the_process_that_looks_at_files_has_nothing_and_may_nothing(hub):
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    api.create_repo("bob/slow")
    operations = [CommitOperationAdd(path, content) for path, content in FILES.items()]
    api.create_commit("bob/slow", operations, commit_message="Add files")
    pid = stopped_scanner(hub)
    process = Path(f"/proc/{pid}")
    status = status_of(process)
    assert (status["NoNewPrivs"], status["Threads"]) == ("1", "1")
    limits = (process / "limits").read_text().splitlines()
    for name in ("Max open files", "Max processes", "Max file size", "Max core file size"):
        (line,) = [line for line in limits if line.startswith(name)]
        assert line.removeprefix(name).split()[:2] == ["0", "0"], line
    # Of the hub's it has neither files nor secrets.
    assert {entry.name for entry in (process / "fd").iterdir()} == {"0", "1", "2"}
    assert (process / "environ").read_bytes() == b"MIMALLOC_ARENA_RESERVE=64MiB\0"
    assert os.readlink(process / "cwd") == "/"
    # Somebody kills it: that is not the file's doing, and all files are looked at in the end.
    os.kill(pid, signal.SIGKILL)

    def is_done():
        files = api.get_paths_info("bob/slow", list(FILES), expand=True)
        return all(file.security.status not in ("queued", "error") for file in files)

    wait_until(is_done)
