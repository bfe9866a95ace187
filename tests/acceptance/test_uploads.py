"""Files and folders go up: from bytes, buffers, paths; with patterns; large and small."""

import io
import os
import subprocess
import sys

import pytest
from harness import parts
from harness.files import sha256
from harness.people import TOKENS
from huggingface_hub.errors import HfHubHTTPError

calls = pytest.mark.calls
UPLOAD = """
import sys
from huggingface_hub import HfApi
repo_id, path = sys.argv[1:]
HfApi().upload_file(path_or_fileobj=path, path_in_repo="big.bin", repo_id=repo_id)
"""


def folder_of(path, files):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


@calls("HfApi.upload_file")
@pytest.mark.parametrize("size", [0, 1, 100_000])
@pytest.mark.parametrize("name", ["a.txt", "a.bin"])
def test_a_file_goes_up_from_bytes_buffers_and_paths(api, new_repo, tmp_path, size, name):
    repo_id = new_repo("dataset")
    content = os.urandom(size // 2) + b"t" * (size - size // 2)
    (tmp_path / name).write_bytes(content)
    sources = {"bytes": content, "buffer": io.BytesIO(content), "path": tmp_path / name}
    for source, given in sources.items():
        path = f"{source}/{name}"
        done = api.upload_file(path_or_fileobj=given, path_in_repo=path, repo_id=repo_id, repo_type="dataset")
        assert done.repo_url.repo_id == repo_id
        got = api.hf_hub_download(repo_id, path, repo_type="dataset", cache_dir=tmp_path / "cache")
        assert open(got, "rb").read() == content


@calls("HfApi.upload_file")
def test_an_upload_replaces_a_small_file_by_a_large_one_and_back(api, new_repo, tmp_path):
    repo_id = new_repo()
    for number, content in enumerate([b"text\n", os.urandom(12_000_000), b"text again\n"]):
        api.upload_file(path_or_fileobj=content, path_in_repo="odd.name", repo_id=repo_id)
        got = api.hf_hub_download(repo_id, "odd.name", cache_dir=tmp_path / str(number))
        assert open(got, "rb").read() == content


@calls("HfApi.upload_file")
def test_a_large_file_of_an_unknown_kind_is_tracked_for_git_too(api, new_repo):
    repo_id = new_repo()
    api.upload_file(path_or_fileobj=os.urandom(11_000_000), path_in_repo="data/blob.weird", repo_id=repo_id)
    entry = api.get_paths_info(repo_id, ["data/blob.weird"])[0]
    assert entry.lfs and entry.size == 11_000_000
    attributes = open(api.hf_hub_download(repo_id, ".gitattributes", force_download=True)).read()
    assert any("blob.weird" in line and "filter=lfs" in line for line in attributes.splitlines())


@pytest.fixture
def in_parts(home, computer, proxy):
    """Uploads a file without Xet, by a process of its own, and checks that all of it went in parts."""

    def upload(repo_id, path):
        line = proxy()
        # Only clients without Xet send large files by Git LFS, and only so do they send them in parts.
        env = {**home, **computer("in-parts", line), "HF_TOKEN": TOKENS["bob"], "HF_HUB_DISABLE_XET": "1"}
        done = subprocess.run([sys.executable, "-c", UPLOAD, repo_id, path], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        size = os.path.getsize(path)
        # There are at most a thousand parts: those of very large files are larger.
        assert parts.sent_over(line) >= min(parts.count_of(size), 800)
        assert (line.requests("/lfs/complete/"), line.requests("/lfs/put/"), line.requests("/xet")) == (1, 0, 0)
        assert line.sent("/lfs/part/") + line.sent("partNumber=") >= size

    return upload


@calls("HfApi.upload_file (multipart)")
def test_a_file_over_the_multipart_threshold_goes_up_in_parts(api, new_repo, in_parts, written, tmp_path):
    repo_id = new_repo()
    # Nine parts, the last of them a small one.
    big = written("big.bin", os.urandom(8 * parts.PART + 1000))
    in_parts(repo_id, big)
    entry = api.get_paths_info(repo_id, ["big.bin"])[0]
    assert (entry.size, entry.lfs.sha256) == (big.stat().st_size, sha256(big))
    got = api.hf_hub_download(repo_id, "big.bin", cache_dir=tmp_path / "cache")
    assert sha256(got) == sha256(big)


@calls("HfApi.upload_folder")
def test_a_folder_goes_up_without_what_is_ignored(api, new_repo, tmp_path):
    repo_id = new_repo()
    folder_of(
        tmp_path,
        {
            "config.json": b"{}",
            "w.safetensors": b"\0" * 50,
            "logs/run.log": b"log",
            "logs/deep/run.log": b"log",
            "notes.md": b"# Notes",
            ".git/config": b"never",
        },
    )
    api.upload_folder(folder_path=tmp_path, repo_id=repo_id, ignore_patterns=["*.log"])
    files = set(api.list_repo_files(repo_id))
    assert files == {".gitattributes", "config.json", "w.safetensors", "notes.md"}
    api.upload_folder(folder_path=tmp_path, path_in_repo="only", repo_id=repo_id, allow_patterns="*.log")
    assert set(api.list_repo_files(repo_id)) - files == {"only/logs/run.log", "only/logs/deep/run.log"}


@calls("HfApi.upload_folder (delete_patterns)")
def test_a_folder_replaces_what_was_there(api, new_repo, tmp_path):
    repo_id = new_repo(files={"run/a.log": b"a", "run/b.log": b"b", "run/keep.txt": b"k", "other.log": b"o"})
    folder_of(tmp_path, {"b.log": b"new b", "c.log": b"c"})
    api.upload_folder(folder_path=tmp_path, path_in_repo="run", repo_id=repo_id, delete_patterns="*.log")
    files = set(api.list_repo_files(repo_id)) - {".gitattributes"}
    assert files == {"run/b.log", "run/c.log", "run/keep.txt", "other.log"}


@calls("HfApi.upload_folder")
def test_a_gitignore_in_the_folder_is_respected(api, new_repo, tmp_path):
    repo_id = new_repo()
    folder_of(tmp_path, {".gitignore": b"*.tmp\nbuild/\n", "a.txt": b"a", "a.tmp": b"t", "build/x.o": b"x"})
    api.upload_folder(folder_path=tmp_path, repo_id=repo_id)
    assert set(api.list_repo_files(repo_id)) == {".gitattributes", ".gitignore", "a.txt"}


@calls("HfApi.upload_folder")
def test_many_small_files_go_up_at_once(api, new_repo, tmp_path):
    repo_id = new_repo("dataset")
    folder_of(tmp_path, {f"{number % 7}/{number}.txt": f"{number}".encode() for number in range(600)})
    api.upload_folder(folder_path=tmp_path, repo_id=repo_id, repo_type="dataset")
    assert len(api.list_repo_files(repo_id, repo_type="dataset")) == 601


@calls("HfApi.upload_folder")
def test_a_repeated_upload_of_a_folder_adds_no_commit(api, new_repo, tmp_path):
    repo_id = new_repo()
    folder_of(tmp_path, {"a.txt": b"a", "w.bin": b"\0w"})
    first = api.upload_folder(folder_path=tmp_path, repo_id=repo_id).oid
    assert api.upload_folder(folder_path=tmp_path, repo_id=repo_id).oid == first


@calls("HfApi.upload_large_folder")
def test_a_large_folder_goes_up_by_workers(api, new_repo, tmp_path):
    if not hasattr(api, "upload_large_folder"):
        pytest.skip("gone in this version")
    repo_id = new_repo("dataset")
    files = {f"part-{number}.parquet": os.urandom(200_000) for number in range(6)}
    files |= {f"notes/{number}.txt": f"{number}".encode() for number in range(40)}
    folder_of(tmp_path, files)
    api.upload_large_folder(repo_id, tmp_path, repo_type="dataset", num_workers=2, print_report=False)
    assert set(files) <= set(api.list_repo_files(repo_id, repo_type="dataset"))


@calls("CommitScheduler")
def test_a_folder_is_committed_in_the_background(api, new_repo, tmp_path):
    from huggingface_hub import CommitScheduler

    repo_id = new_repo("dataset")
    scheduler = CommitScheduler(
        repo_id=repo_id, repo_type="dataset", folder_path=tmp_path, every=60, hf_api=api
    )
    try:
        (tmp_path / "log.jsonl").write_text('{"n": 1}\n')
        scheduler.trigger().result()
    finally:
        scheduler.stop()
    assert api.file_exists(repo_id, "log.jsonl", repo_type="dataset")


@calls("HfApi.upload_file")
def test_a_card_with_broken_metadata_is_refused_with_a_reason(api, new_repo):
    repo_id = new_repo()
    card = b"---\nlicense: [mit\n---\n# Hello\n"
    with pytest.raises((HfHubHTTPError, ValueError), match="Invalid metadata in README.md"):
        api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=repo_id)
    assert not api.file_exists(repo_id, "README.md")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["xet", "parts"])
def test_a_file_of_six_gigabytes_goes_up_and_comes_back(api, new_repo, in_parts, tmp_path, way):
    repo_id = new_repo()
    sparse = tmp_path / "sparse.bin"
    with sparse.open("wb") as out:
        out.truncate(6 << 30)
        # What the other way sent is not here yet.
        out.write(f"start {way}".encode())
        out.seek(-4, os.SEEK_END)
        out.write(b"end!")
    if way == "xet":
        api.upload_file(path_or_fileobj=sparse, path_in_repo="big.bin", repo_id=repo_id)
    else:
        in_parts(repo_id, sparse)
    got = api.hf_hub_download(repo_id, "big.bin", cache_dir=tmp_path / "cache")
    assert sha256(got) == sha256(sparse)
