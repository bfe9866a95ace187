"""Large files: uploads and downloads by the real client, against Git LFS and against nginx with the same files.

Every figure is a ratio of two things measured in this run, or a size. The local store; one machine.
"""

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from harness.clients import client_env  # noqa: E402
from harness.hub import Hub  # noqa: E402
from harness.people import TOKENS  # noqa: E402
from harness.process import Child, free_ports, status_of  # noqa: E402

HF = Path(sys.executable).with_name("hf")
MIB = 1024 * 1024
# How many chunks one statement adds to the index.
SLICE = 2_000_000

# A download as programs do it that run already: Python's start and imports are not part of the time.
DOWNLOAD = """
import sys, time, hf_xet
from huggingface_hub import hf_hub_download
repo, name, folder = sys.argv[1:]
start = time.monotonic()
hf_hub_download(repo, name, local_dir=folder)
print(time.monotonic() - start)
"""


class Nginx:
    """nginx with a folder to read from and to write to."""

    def __init__(self, folder: Path):
        self.root = folder / "www"
        self.root.mkdir(parents=True)
        (folder / "tmp").mkdir()
        port = free_ports(1)[0]
        config = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes auto;"
            "events { worker_connections 1024; } http { access_log off; sendfile on; client_max_body_size 0;"
            f"client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;"
            f"uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;"
            f"server {{ listen 127.0.0.1:{port}; root {self.root}; location / {{ dav_methods PUT; }} }} }}"
        )
        self.url = f"http://127.0.0.1:{port}"
        self._child = Child("nginx", ["nginx", "-c", str(config)], {}, folder / "nginx.log")
        self._child.wait_until(lambda: status_of(self.url) is not None, 10)

    def stop(self):
        self._child.stop()


class Bench:
    """The hub, nginx, and what was measured so far."""

    def __init__(self, size: int):
        self.folder = Path(tempfile.mkdtemp(prefix="hub-bench-"))
        self.hub = Hub("local")
        self.nginx = Nginx(self.folder / "nginx")
        self.size = size
        self.rows = []

    def env(self, home: str, **more) -> dict:
        env = {**os.environ, **client_env(self.hub.url, self.folder / home), "HF_TOKEN": TOKENS["bob"]}
        # Nothing of the caller's environment switches chunks off.
        return {**env, "HF_HUB_DISABLE_XET": "", **more}

    def timed(self, command: list, **env) -> float:
        start = time.monotonic()
        done = subprocess.run(command, env=self.env(**env), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return time.monotonic() - start

    def downloaded(self, repo: str, name: str, home: str) -> float:
        """Seconds for a download by chunks in a Python that has started; the file is removed again."""
        folder = self.folder / f"{home}-files"
        command = [sys.executable, "-c", DOWNLOAD, repo, name, folder]
        done = subprocess.run(command, env=self.env(home), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        shutil.rmtree(folder)
        return float(done.stdout)

    def row(self, what: str, figure: str, target: str = ""):
        print(f"| {what} | {figure} | {target} |", flush=True)

    def stored(self) -> int:
        store = Path(self.hub.env["HUB_DATA_DIR"]) / "store/xorbs"
        return sum(file.stat().st_size for file in store.rglob("*") if file.is_file() and file.suffix != ".meta")

    def peak_memory(self) -> int:
        status = Path(f"/proc/{self.hub._child.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    def stop(self):
        self.nginx.stop()
        self.hub.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def write_random(path: Path, size: int):
    with path.open("wb") as out:
        for _ in range(size // MIB):
            out.write(random.randbytes(MIB))


def unlike(path: Path) -> Path:
    """A file of the same kind and size of which no chunk is known: Git LFS does not send what is."""
    other = path.with_name(f"other-{path.name}")
    content = bytearray(path.read_bytes())
    content[::4096] = bytes((byte + 1) % 256 for byte in content[::4096])
    other.write_bytes(content)
    return other


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def transfers(bench: Bench, name: str, file: Path):
    """Up and down, by chunks, by Git LFS, and to and from nginx."""
    size = file.stat().st_size
    upload = [HF, "upload", f"bob/bench-{name}", file, file.name]
    chunks = bench.timed(upload, home=f"{name}-a")
    other = unlike(file)
    # Git LFS is the peer, so chunks are off.
    lfs = bench.timed([HF, "upload", f"bob/bench-{name}-lfs", other, file.name], home=f"{name}-b", HF_HUB_DISABLE_XET="1")
    other.unlink()
    put = bench.timed(["curl", "-sSf", "-T", file, f"{bench.nginx.url}/{file.name}"], home="curl")
    label = f"{name}, {size / MIB:.0f} MiB"
    bench.row(f"upload, {label}: `hf upload` by chunks, against Git LFS", f"{lfs / chunks:.2f} × its speed")
    bench.row(f"upload, {label}: `hf upload` by chunks, against `curl` to nginx", f"{put / chunks:.2f} × its speed")
    again = bench.timed(upload, home=f"{name}-fresh")
    bench.row(f"upload again from another computer, {label}", f"{chunks / again:.1f} × faster")
    down = [HF, "download", f"bob/bench-{name}", file.name, "--local-dir", bench.folder / f"{name}-down"]
    by_chunks = bench.timed(down, home=f"{name}-c")
    assert digest(bench.folder / f"{name}-down" / file.name) == digest(file)
    in_python = bench.downloaded(f"bob/bench-{name}", file.name, f"{name}-d")
    plain = ["curl", "-sSf", "-o", "/dev/null"]
    curl = bench.timed([*plain, f"{bench.hub.url}/bob/bench-{name}/resolve/main/{file.name}"], home="curl")
    nginx = bench.timed([*plain, f"{bench.nginx.url}/{file.name}"], home="curl")
    to_disk = bench.timed(["curl", "-sSf", "-o", bench.folder / "out", f"{bench.nginx.url}/{file.name}"], home="curl")
    bench.row(f"download, {label}: `hf download` by chunks, against `curl` from nginx to a file", f"{to_disk / by_chunks:.2f} × its speed", "≥ 0.8")
    bench.row(f"download, {label}: the same without the start of Python", f"{to_disk / in_python:.2f} × its speed")
    bench.row(f"download, {label}: `curl` of the file in chunks, against `curl` from nginx", f"{nginx / curl:.2f} × its speed")
    shutil.rmtree(bench.folder / f"{name}-down")


def edit(bench: Bench, file: Path):
    """One per cent in the middle is overwritten; how many bytes are new?"""
    size = file.stat().st_size
    with file.open("r+b") as out:
        out.seek(size // 2)
        out.write(random.randbytes(size // 100))
    before = bench.stored()
    bench.timed([HF, "upload", "bob/bench-random", file, file.name], home="edit-fresh")
    share = (bench.stored() - before) / size
    bench.row("bytes sent when 1 % in the middle was overwritten, from another computer", f"{share:.2%}", "≤ 3 %")


def crowd(bench: Bench, clients: int, file: Path):
    """Many readers at once, by plain HTTP out of chunks; what the hub's memory comes to."""
    url = f"{bench.hub.url}/bob/bench-random/resolve/main/{file.name}"
    wanted = digest(file)
    wrong = []

    def read():
        with urllib.request.urlopen(url) as response:
            got = hashlib.sha256()
            while block := response.read(256 * 1024):
                got.update(block)
        if got.hexdigest() != wanted:
            wrong.append(url)

    threads = [threading.Thread(target=read) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    bench.row(f"the hub's peak memory, after all of the above and {clients} readers at once", f"{bench.peak_memory() / MIB:.0f} MiB", "≤ 300 MiB")


# One question after another, each for another chunk: one of `known`, or one that nobody has.
ASK = """
local known = { %s }
math.randomseed(os.time())
request = function()
  local hash = #known > 0 and known[math.random(#known)]
  if not hash then
    hash = string.gsub(string.rep("x", 64), "x", function() return string.format("%%x", math.random(0, 15)) end)
  end
  return wrk.format("GET", "/xet/v1/chunks/default/" .. hash)
end
"""


def ask(bench: Bench, token: str, known: list[str], what: str):
    """Prints how long answers take, in the time of one client that does little else."""
    script = bench.folder / "ask.lua"
    entries = ", ".join(f'"{hash}"' for hash in known)
    script.write_text(ASK % entries)
    wrk = ["wrk", "--latency", "-t1", "-c1", "-d15s", "-s", script, "-H", f"Authorization: Bearer {token}", bench.hub.url]
    said = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
    times = {line.split()[0]: line.split()[1] for line in said.splitlines() if line.strip().startswith(("50%", "99%"))}
    bench.row(what, f"p50 {times['50%']}, p99 {times['99%']}", "p99 ≤ 10 ms")


def chunk_queries(bench: Bench, count: int):
    """Does the hub know a chunk? With `count` chunks in the index, all of one xorb that everybody may be told of."""
    data = Path(bench.hub.env["HUB_DATA_DIR"])
    socket = (data / "postgres/postmaster.pid").read_text().splitlines()[4]

    def sql(statement: str) -> str:
        command = ["psql", "-qXAt", f"host={socket} user=hub dbname=hub", "-c", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    # In the order of the hashes, as a bulk load would; one statement a slice, so that none needs the room of all.
    for first in range(0, count, SLICE):
        last = min(count, first + SLICE)
        sql(
            "insert into xet_chunks select sha256(n::text::bytea) hash, (select xorb_hash from xet_xorbs limit 1) "
            f"from generate_series({first + 1}, {last}) n order by hash"
        )
    sql("vacuum analyze xet_chunks")
    size = sql("select pg_size_pretty(pg_total_relation_size('xet_chunks'))").strip()
    known = sql("select encode(chunk_hash, 'hex') from xet_chunks tablesample system (0.1) limit 5000").split()
    token_url = f"{bench.hub.url}/api/models/bob/bench-random/xet-write-token/main"
    request = urllib.request.Request(token_url, headers={"Authorization": f"Bearer {TOKENS['bob']}"})
    token = urllib.request.urlopen(request).headers["X-Xet-Access-Token"]
    label = f"{count:,} in the index ({size})"
    ask(bench, token, [], f"is a chunk known that is not, {label}")
    ask(bench, token, known, f"is a chunk known that is, {label}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size-mib", type=int, default=1024)
    arguments.add_argument("--readers", type=int, default=64)
    arguments.add_argument("--chunks", type=int, default=10_000_000)
    options = arguments.parse_args()
    bench = Bench(options.size_mib * MIB)
    try:
        print("| what | measured | target |\n|---|---|---|", flush=True)
        file = bench.folder / "random.bin"
        write_random(file, bench.size)
        transfers(bench, "random", file)
        weights = Path(os.environ["HUB_TEST_DATA"]).rglob("model.safetensors")
        weights = next(weights, None)
        if weights:
            transfers(bench, "weights", weights)
        edit(bench, file)
        bench.row("the hub's peak memory until here", f"{bench.peak_memory() / MIB:.0f} MiB", "≤ 300 MiB")
        crowd(bench, options.readers, file)
        if speed := os.environ.get("VERIFY_SPEED"):
            said = subprocess.run([speed], capture_output=True, text=True, check=True).stdout
            for line in said.splitlines():
                bench.row("one core", line.strip())
        chunk_queries(bench, options.chunks)
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
