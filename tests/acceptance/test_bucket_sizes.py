"""Buckets and `HfFileSystem` with files of every size, and a sync that is killed in the middle."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness.files import sha256
from harness.people import TOKENS
from harness.waiting import wait_until
from huggingface_hub import HfFileSystem

calls = pytest.mark.calls
MB = 1_000_000
XORBS = "/xet/v1/xorbs/"
# 64 MiB is what a xorb holds: one byte more makes two of them.
SIZES = pytest.mark.parametrize("largest", [(64 << 20) + 1, pytest.param(1000 * MB, marks=pytest.mark.slow)])


def files_of_every_size(folder, largest):
    """Writes files of 0 B, 1 B, 63 KB and the largest, and returns their sizes by name."""
    sizes = {"empty.bin": 0, "in/one.bin": 1, "in/small.bin": 63 * 1024, "largest.bin": largest}
    for name, size in sizes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as file:
            for at in range(0, size, 16 * MB):
                file.write(random.randbytes(min(16 * MB, size - at)))
    return sizes


@calls("hf buckets sync (resume)")
@SIZES
def test_files_of_every_size_are_synced_also_after_a_kill(hf, home, api, new_bucket, proxy, computer, tmp_path, largest):
    bucket_id = new_bucket()
    here, there, bucket = tmp_path / "here", tmp_path / "there", f"hf://buckets/{bucket_id}"
    sizes = files_of_every_size(here, largest)
    # One xorb arrives, and the rest hangs.
    line = proxy(hold_from=(XORBS, 1))
    env = {**home, **computer("one", line), "HF_TOKEN": TOKENS["bob"]}
    command = [Path(sys.executable).with_name("hf"), "buckets", "sync", here, bucket]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: line.answered(XORBS) == 1 or process.poll() is not None, seconds=120)
            assert process.poll() is None, process.stderr.read()
        finally:
            process.send_signal(signal.SIGKILL)
    line.close()
    assert list(api.list_bucket_tree(bucket_id, recursive=True)) == [], "a sync is done whole or not at all"

    rest = proxy()
    hf("buckets", "sync", here, bucket, **computer("one", rest))
    # Whether the xorb that had come is sent again depends on how far the client was with the files of its chunks.
    assert rest.sent(XORBS) > 0
    listed = {entry.path: entry.size for entry in api.list_bucket_tree(bucket_id, recursive=True)}
    assert listed == sizes
    hf("buckets", "sync", bucket, there, **computer("two"))
    for name in sizes:
        assert sha256(there / name) == sha256(here / name), name


@calls("HfFileSystem.put (every size)", "HfFileSystem.get (every size)")
@SIZES
def test_files_of_every_size_by_the_file_system(url, api, new_bucket, new_repo, tmp_path, largest):
    here = tmp_path / "here"
    sizes = files_of_every_size(here, largest)
    fs = HfFileSystem(endpoint=url, token=api.token, skip_instance_cache=True)
    for root in ("buckets/" + new_bucket(), "datasets/" + new_repo("dataset")):
        for name, size in sizes.items():
            remote, got = f"{root}/{name}", tmp_path / root / name
            fs.put(str(here / name), remote)
            assert fs.info(remote)["size"] == size, remote
            got.parent.mkdir(parents=True, exist_ok=True)
            fs.get(remote, str(got))
            assert sha256(got) == sha256(here / name), remote
            with (here / name).open("rb") as file:
                file.seek(size // 2)
                assert fs.cat_file(remote, start=size // 2, end=size // 2 + 1000) == file.read(1000), remote
