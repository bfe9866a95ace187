"""Large files in chunks, by the real `hf_xet`: what goes over the line, and that every client gets the same bytes."""

import hashlib
import random
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from harness.files import sha256
from harness.people import TOKENS
from harness.waiting import wait_until
from huggingface_hub import CommitOperationCopy, HfFileSystem, hf_hub_url

calls = pytest.mark.calls
MB = 1_000_000
XORBS = "/xet/v1/xorbs/"


def random_bytes(size):
    # In blocks: a number of a gigabyte's digits is more than Python makes.
    blocks = range(0, size, 64 * MB)
    return b"".join(random.randbytes(min(64 * MB, size - at)) for at in blocks)


def xet_hash(api, repo_id, path):
    """Returns the hash of a file's chunks as listings tell it, or None."""
    entry = api.get_paths_info(repo_id, [path], expand=False)[0]
    return entry.xet_hash if hasattr(entry, "xet_hash") else None


@calls("hf upload (Xet)", "hf download (Xet)")
@pytest.mark.parametrize(
    "size",
    [
        0,
        1,
        63 * 1024,
        131_072,
        131_073,
        (64 << 20) + 1,
        pytest.param(200 * MB, marks=pytest.mark.slow),
        pytest.param(1000 * MB, marks=pytest.mark.slow),
    ],
)
def test_files_of_every_size_go_up_in_chunks_and_come_back(hf, api, new_repo, proxy, computer, written, tmp_path, size):
    repo_id = new_repo()
    path = written("w.bin", random_bytes(size))
    line = proxy()
    hf("upload", repo_id, path, "w.bin", **computer("one", line))
    if size > 1:  # one byte is one of 256: another test may have sent it
        assert line.sent(XORBS) >= size, "every byte of it was new"
    assert line.requests("/info/lfs/") == 0
    assert (xet_hash(api, repo_id, "w.bin") is not None) == (size > 0)
    hf("download", repo_id, "w.bin", "--local-dir", tmp_path / "got", **computer("two", line))
    assert sha256(tmp_path / "got/w.bin") == sha256(path)
    assert (line.requests("/reconstructions/") > 0) == (size > 0), "it came in chunks, too"


@calls("hf upload (Xet)")
@pytest.mark.parametrize("second", ["one", "two"])
def test_what_the_hub_has_is_not_sent_again(hf, api, new_repo, proxy, computer, written, second):
    path = written("w.bin", random_bytes(20 * MB))
    first, again = proxy(), proxy()
    hf("upload", new_repo(), path, "w.bin", **computer("one", first))
    assert first.sent(XORBS) >= 20 * MB
    repo_id = new_repo("dataset")
    hf("upload", repo_id, path, "again.bin", "--repo-type", "dataset", **computer(second, again))
    assert again.sent(XORBS) == 0
    entry = api.get_paths_info(repo_id, ["again.bin"], repo_type="dataset")[0]
    assert entry.lfs.sha256 == sha256(path)


@calls("hf upload (Xet)")
@pytest.mark.parametrize(
    "edit, second",
    # By a computer that has not seen the file, its start is what it is found by.
    [("middle", "two"), ("append", "two"), ("prepend", "one")],
)
def test_of_an_edited_file_only_what_changed_is_sent(hf, new_repo, proxy, computer, written, tmp_path, edit, second):
    repo_id = new_repo()
    content = random_bytes(30 * MB)
    hf("upload", repo_id, written("w.bin", content), "w.bin", **computer("one"))
    half = len(content) // 2
    edited = {
        "middle": content[:half] + b"ten letters" + content[half + 5 :],
        "append": content + random_bytes(300_000),
        "prepend": b"x" + content,
    }[edit]
    line = proxy()
    path = written("edited.bin", edited)
    hf("upload", repo_id, path, "w.bin", **computer(second, line))
    assert 0 < line.sent(XORBS) <= 0.03 * len(edited)
    hf("download", repo_id, "w.bin", "--local-dir", tmp_path / "got", **computer("three"))
    assert sha256(tmp_path / "got/w.bin") == sha256(path)


@calls("HfApi.upload_folder (Xet)")
def test_many_small_files_share_a_few_requests(hf, new_repo, proxy, computer, written, tmp_path):
    repo_id = new_repo("dataset")
    for number in range(150):
        written(f"{number % 7}/{number}.bin", random_bytes(1 + number * 200))
    line = proxy()
    hf("upload", repo_id, tmp_path / "files", ".", "--repo-type", "dataset", **computer("one", line))
    assert 1 <= line.requests(XORBS) <= 8
    hf("download", repo_id, "--repo-type", "dataset", "--local-dir", tmp_path / "got", **computer("two"))
    for number in range(150):
        name = f"{number % 7}/{number}.bin"
        assert sha256(tmp_path / "got" / name) == sha256(tmp_path / "files" / name), name


@calls("HF_XET_HIGH_PERFORMANCE")
def test_files_go_fast(hf, new_repo, computer, written, tmp_path):
    repo_id = new_repo()
    path = written("w.bin", random_bytes(80 * MB))
    fast = {"HF_XET_HIGH_PERFORMANCE": "1"}
    hf("upload", repo_id, path, "w.bin", **computer("one"), **fast)
    hf("download", repo_id, "w.bin", "--local-dir", tmp_path / "got", **computer("two"), **fast)
    assert sha256(tmp_path / "got/w.bin") == sha256(path)


@calls("hf upload (Xet)")
def test_uploads_at_once_of_what_overlaps(hf, home, api, new_repo, computer, written, tmp_path):
    repo_id = new_repo()
    shared = random_bytes(8 * MB)
    paths = [written(f"{number}.bin", shared + random_bytes(number * MB)) for number in range(3)]
    paths += [written("same.bin", paths[0].read_bytes())]
    running = []
    for path in paths:
        env = {**home, **computer(path.name), "HF_TOKEN": TOKENS["bob"]}
        command = [Path(sys.executable).with_name("hf"), "upload", repo_id, path, path.name]
        running.append(subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    for process in running:
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
    for path in paths:
        got = api.hf_hub_download(repo_id, path.name, cache_dir=tmp_path / "cache")
        assert sha256(got) == sha256(path), path.name


@calls("hf download (HF_HUB_DISABLE_XET)", "HfFileSystem.open (Xet)", "hf_hub_download (Xet)")
def test_every_client_gets_the_same_bytes(hf, git, url, api, new_repo, computer, written, tmp_path):
    repo_id = new_repo()
    content = random_bytes(3 * MB) + b"compressible " * 100_000 + random_bytes(3 * MB)
    path = written("w.bin", content)
    hf("upload", repo_id, path, "w.bin", **computer("one"))
    assert xet_hash(api, repo_id, "w.bin")

    got = api.hf_hub_download(repo_id, "w.bin", cache_dir=tmp_path / "cache")
    assert sha256(got) == sha256(path)
    # A client without Xet must get the same bytes.
    hf("download", repo_id, "w.bin", "--local-dir", tmp_path / "plain", HF_HUB_DISABLE_XET="1", **computer("two"))
    assert sha256(tmp_path / "plain/w.bin") == sha256(path)
    git("clone", f"{url}/{repo_id}", "clone", cwd=tmp_path)
    assert sha256(tmp_path / "clone/w.bin") == sha256(path)

    address = hf_hub_url(repo_id, "w.bin", endpoint=url)
    for span in (slice(0, 1), slice(2_999_990, 4_400_010), slice(len(content) - 7, len(content))):
        request = urllib.request.Request(address, headers={"Range": f"bytes={span.start}-{span.stop - 1}"})
        with urllib.request.urlopen(request) as reply:
            assert reply.status == 206
            assert reply.read() == content[span]
    with urllib.request.urlopen(address) as reply:
        assert hashlib.sha256(reply.read()).hexdigest() == sha256(path)

    fs = HfFileSystem(endpoint=url, token=api.token, skip_instance_cache=True)
    with fs.open(f"{repo_id}/w.bin", block_size=100_000) as file:
        for at, size in ((0, 10), (3_500_000, 250_000), (len(content) - 5, 5), (12, 1)):
            file.seek(at)
            assert file.read(size) == content[at : at + size]


@calls("hf upload (HF_HUB_DISABLE_XET)", "hf download (Xet)")
def test_what_came_by_git_lfs_comes_down_in_chunks_later(hf, api, new_repo, proxy, computer, written, tmp_path):
    repo_id = new_repo()
    path = written("w.bin", random_bytes(12 * MB))
    line = proxy()
    # The file has to come by Git LFS, and then get into chunks here.
    hf("upload", repo_id, path, "w.bin", HF_HUB_DISABLE_XET="1", **computer("one", line))
    assert line.requests("/xet") == 0
    wait_until(lambda: xet_hash(api, repo_id, "w.bin"), seconds=60)
    # A client without Xet must get the same bytes.
    hf("download", repo_id, "w.bin", "--local-dir", tmp_path / "plain", HF_HUB_DISABLE_XET="1", **computer("two"))
    assert sha256(tmp_path / "plain/w.bin") == sha256(path)
    hf("upload", new_repo(), path, "w.bin", **computer("three", line))
    assert (line.requests("/xet/v2/shards"), line.sent(XORBS)) == (1, 0), "the hub cut it as the client does"
    hf("download", repo_id, "--local-dir", tmp_path / "got", **computer("four", line))
    assert sha256(tmp_path / "got/w.bin") == sha256(path)


@calls("hf upload (resume, Xet)")
def test_a_killed_upload_goes_on_where_it_stopped(hf, home, new_repo, proxy, computer, written, tmp_path):
    repo_id = new_repo()
    path = written("w.bin", random_bytes(150 * MB))
    line = proxy(hold_from=(XORBS, 1))
    env = {**home, **computer("one", line), "HF_TOKEN": TOKENS["bob"]}
    command = [Path(sys.executable).with_name("hf"), "upload", repo_id, path, "w.bin"]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: line.answered(XORBS) == 1, seconds=120)
        finally:
            process.send_signal(signal.SIGKILL)
    line.close()
    rest = proxy()
    hf("upload", repo_id, path, "w.bin", **computer("one", rest))
    assert 0 < rest.sent(XORBS) < 90 * MB, "the xorb that had come was not sent again"
    hf("download", repo_id, "w.bin", "--local-dir", tmp_path / "got", **computer("two"))
    assert sha256(tmp_path / "got/w.bin") == sha256(path)


@calls("CommitOperationCopy (Xet)")
def test_a_copy_within_a_repository_sends_nothing(hf, api, new_repo, computer, written, tmp_path):
    repo_id = new_repo()
    path = written("w.bin", random_bytes(2 * MB))
    hf("upload", repo_id, path, "w.bin", **computer("one"))
    api.create_commit(repo_id, [CommitOperationCopy("w.bin", "copies/w.bin")], commit_message="Copy")
    got = api.hf_hub_download(repo_id, "copies/w.bin", cache_dir=tmp_path / "cache")
    assert sha256(got) == sha256(path)
    assert xet_hash(api, repo_id, "copies/w.bin") == xet_hash(api, repo_id, "w.bin")


COPY = """
import sys
from huggingface_hub import CommitOperationCopy, HfApi
copy = CommitOperationCopy("w.bin", "copy.bin", src_repo_id=sys.argv[2], src_repo_type="model")
HfApi().create_commit(sys.argv[1], [copy], commit_message="Copy", repo_type="dataset")
"""


@calls("CommitOperationCopy (from another repository)")
def test_a_copy_from_another_repository_sends_nothing(hf, home, api, new_repo, unique, proxy, computer, written, tmp_path):
    source, target = new_repo(private=True), new_repo("dataset")
    theirs = f"dave/{unique()}"
    path = written("w.bin", random_bytes(2 * MB))
    hf("upload", source, path, "w.bin", **computer("one"))
    line = proxy()

    def copy(target, person):
        env = {**home, **computer("two", line), "HF_TOKEN": TOKENS[person]}
        return subprocess.run([sys.executable, "-c", COPY, target, source], env=env, capture_output=True, text=True)

    done = copy(target, "bob")
    assert done.returncode == 0, done.stderr
    assert (line.requests("/lfs-files/duplicate"), line.sent("/xet/"), line.requests("/info/lfs/")) == (1, 0, 0)
    entry = api.get_paths_info(target, ["copy.bin"], repo_type="dataset")[0]
    assert (entry.size, entry.lfs.sha256) == (2 * MB, sha256(path))
    assert entry.xet_hash == xet_hash(api, source, "w.bin")
    # Once by chunks, once as a client without Xet gets it.
    for number, plain in enumerate(({}, {"HF_HUB_DISABLE_XET": "1"})):
        got = tmp_path / f"got-{number}"
        hf("download", target, "copy.bin", "--repo-type", "dataset", "--local-dir", got, **computer(f"new-{number}"), **plain)
        assert sha256(got / "copy.bin") == sha256(path)

    hf("repos", "create", theirs, "--repo-type", "dataset", token="dave")
    refused = copy(theirs, "dave")
    assert refused.returncode != 0 and "not found" in refused.stderr.lower()


@calls("HfApi.duplicate_repo (Xet)")
def test_a_copy_of_a_repository_has_its_chunks(hf, api, new_repo, unique, computer, written, tmp_path):
    repo_id, copy = new_repo(private=True), f"bob/{unique()}"
    path = written("w.bin", random_bytes(2 * MB))
    hf("upload", repo_id, path, "w.bin", **computer("one"))
    hf("repos", "duplicate", repo_id, copy)
    assert xet_hash(api, copy, "w.bin") == xet_hash(api, repo_id, "w.bin")
    hf("download", copy, "w.bin", "--local-dir", tmp_path / "got", **computer("two"))
    assert sha256(tmp_path / "got/w.bin") == sha256(path)


@calls("hf download (Xet)")
def test_private_chunks_are_for_readers_alone(hf, api, new_repo, computer, written, tmp_path):
    repo_id = new_repo(private=True, namespace="acme")
    path = written("w.bin", random_bytes(2 * MB))
    hf("upload", repo_id, path, "w.bin", **computer("one"))
    hf("download", repo_id, "w.bin", "--local-dir", tmp_path / "got", token="carol", **computer("two"))
    assert sha256(tmp_path / "got/w.bin") == sha256(path)
    for person in ("dave", None):
        hf("download", repo_id, "w.bin", token=person, ok=False, **computer(str(person)))
    said = hf("upload", repo_id, path, "v.bin", token="carol", ok=False, **computer("two"))
    assert "403" in said
