"""A file that went up in chunks is the same for every client: with Xet and without it, by Git LFS, `curl`, ranges, and when a
download goes on in the middle. And the other way round: what a browser or many workers sent."""

import random
import signal
import subprocess
import sys
import uuid

import pytest
from harness.files import sha256
from harness.people import PASSWORD, TOKENS
from harness.visitor import Visitor, csrf_token
from harness.waiting import wait_until
from huggingface_hub import get_hf_file_metadata, hf_hub_url

calls = pytest.mark.calls
MB = 1_000_000
XORBS, CHUNKS = "/xet/v1/xorbs/", "/reconstructions/"
slow = pytest.mark.slow


def write_random(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for at in range(0, size, 16 * MB):
            file.write(random.randbytes(min(16 * MB, size - at)))
    return path


def part_of(path, first, last):
    with open(path, "rb") as file:
        file.seek(first)
        return file.read(last - first + 1)


def xet_hash(api, repo_id, path):
    return getattr(api.get_paths_info(repo_id, [path], expand=False)[0], "xet_hash", None)


def curl(*arguments):
    done = subprocess.run(["curl", "-sSfL", *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@calls("hf upload (Xet)", "hf download (Xet)", "hf download (HF_HUB_DISABLE_XET)")
@pytest.mark.parametrize(
    "size",
    [0, 1, 63 * 1024, 64 << 20, pytest.param(200 * MB, marks=slow), pytest.param(1000 * MB, marks=slow)],
)
def test_a_file_of_each_size_is_the_same_for_every_client(hf, git, url, new_repo, computer, tmp_path, size):
    repo_id = new_repo()
    path = write_random(tmp_path / "sent/w.bin", size)
    whole = sha256(path)
    hf("upload", repo_id, path, "w.bin", **computer("one"))

    # The second is what clients without Xet do.
    for name, more in (("xet", {}), ("plain", {"HF_HUB_DISABLE_XET": "1"})):
        hf("download", repo_id, "w.bin", "--local-dir", tmp_path / name, **computer(name), **more)
        assert sha256(tmp_path / name / "w.bin") == whole, name
    git("clone", f"{url}/{repo_id}", "clone", cwd=tmp_path)
    assert sha256(tmp_path / "clone/w.bin") == whole, "git-lfs"

    address, got = f"{url}/{repo_id}/resolve/main/w.bin", tmp_path / "got.bin"
    curl("-o", got, address)
    assert sha256(got) == whole, "curl"
    if size == 0:
        return
    for first, last in {(0, 0), (size // 2, min(size - 1, size // 2 + 200_000)), (size - 1, size - 1)}:
        curl("-o", tmp_path / "part", "-r", f"{first}-{last}", address)
        assert (tmp_path / "part").read_bytes() == part_of(path, first, last), f"{first}-{last}"
    # Two thirds are here; the rest is fetched, and only that.
    with got.open("r+b") as file:
        file.truncate(size * 2 // 3)
    curl("-C", "-", "-o", got, address)
    assert sha256(got) == whole, "curl -C -"


class FormData:
    """A form as browsers send one with files, in so many bytes."""

    def __init__(self, fields, files):
        self.boundary = uuid.uuid4().hex
        head = "--" + self.boundary + "\r\nContent-Disposition: form-data; name="
        parts = [f'{head}"{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
        for name, content in files.items():
            kind = "\r\nContent-Type: application/octet-stream\r\n\r\n"
            parts.append(f'{head}"files"; filename="{name}"{kind}'.encode() + content + b"\r\n")
        self.body = b"".join(parts) + f"--{self.boundary}--\r\n".encode()


@calls("hf download (Xet)")
def test_what_a_browser_sent_comes_down_in_chunks(hf, url, api, new_repo, proxy, computer, tmp_path):
    repo_id, content = new_repo(), random.randbytes(5 * MB)
    visitor = Visitor(url)
    visitor.submit("/login", "/login", username="bob", password=PASSWORD)
    page = f"/{repo_id}/upload/main"
    form = FormData({"csrf_token": csrf_token(visitor.open(page))}, {"w.bin": content})
    visitor.send(page, form.body, f"multipart/form-data; boundary={form.boundary}")
    # A node that looked before it was in chunks remembers for a minute that it was not; which one answers is chance.
    address = hf_hub_url(repo_id, "w.bin", endpoint=url)

    def is_in_chunks():
        return get_hf_file_metadata(address, token=TOKENS["bob"]).xet_file_data

    wait_until(lambda: xet_hash(api, repo_id, "w.bin") and all(is_in_chunks() for _ in range(16)), seconds=120)
    line = proxy()
    hf("download", repo_id, "w.bin", "--local-dir", tmp_path / "got", **computer("one", line))
    assert line.requests(CHUNKS) > 0
    assert (tmp_path / "got/w.bin").read_bytes() == content
    # Whoever sends the same by Xet sends nothing.
    (tmp_path / "w.bin").write_bytes(content)
    hf("upload", new_repo(), tmp_path / "w.bin", "w.bin", **computer("two", line))
    assert line.sent(XORBS) == 0


# As many workers do it, in the version that has it; the newer one does it with every folder.
MANY_WORKERS = """
import sys
from huggingface_hub import HfApi
api, (repo_id, folder) = HfApi(), sys.argv[1:]
if hasattr(api, "upload_large_folder"):
    api.upload_large_folder(repo_id, folder, repo_type="dataset", num_workers=2, print_report=False)
else:
    api.upload_folder(repo_id=repo_id, folder_path=folder, repo_type="dataset")
"""


@calls("HfApi.upload_folder (Xet)")
@pytest.mark.parametrize("size", [6 * MB, pytest.param(100 * MB, marks=slow)])
def test_a_large_folder_goes_on_after_an_interruption(hf, home, new_repo, proxy, computer, tmp_path, size):
    repo_id, folder = new_repo("dataset"), tmp_path / "folder"
    for number in range(12):
        write_random(folder / f"{number % 3}/part-{number}.parquet", size + number)
    for number in range(30):
        (folder / f"note-{number}.txt").write_text(f"{number}")
    files = [path for path in folder.rglob("*") if path.is_file()]

    def begin(line):
        env = {**home, **computer("one", line), "HF_TOKEN": TOKENS["bob"]}
        command = [sys.executable, "-c", MANY_WORKERS, repo_id, folder]
        return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    line = proxy(hold_from=(XORBS, 1))
    with begin(line) as process:
        try:
            wait_until(lambda: line.answered(XORBS) == 1 or process.poll() is not None, seconds=120)
            assert process.poll() is None, process.stderr.read()
        finally:
            process.send_signal(signal.SIGKILL)
    line.close()
    # Which chunks share a xorb depends on what the client's threads come to first, so a xorb that came before the files of its
    # chunks were whole need not be found again. What is whole is.
    for again in (False, True):
        rest = proxy()
        with begin(rest) as process:
            _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        assert (rest.sent(XORBS) == 0) == again
    got = tmp_path / "got"
    hf("download", repo_id, "--repo-type", "dataset", "--local-dir", got, **computer("two"))
    for path in files:
        name = path.relative_to(folder)
        assert sha256(got / name) == sha256(path), name
