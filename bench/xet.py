"""Large files: uploads and downloads by the real client, against Git LFS and against nginx with the same files.

Every figure is a ratio of two things measured in this run, or a size. The local store; one machine.
"""

import argparse
import hashlib
import mmap
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from common import HF, MIB, TOKENS, Bench, Edge, write_random

# A download as programs do it that run already: Python's start and imports are not part of the time.
DOWNLOAD = """
import sys, time, hf_xet
from huggingface_hub import hf_hub_download
repo, name, folder = sys.argv[1:]
start, spent = time.monotonic(), time.process_time()
hf_hub_download(repo, name, local_dir=folder)
print(start, time.monotonic(), time.process_time() - spent)
"""


def downloaded(bench: Bench, repo: str, name: str, home: str, **more: str) -> tuple[float, float]:
    """Seconds, and of the client's processor time, for a download by chunks in a Python that has started; the file and
    the home are removed again."""
    folder = bench.folder / f"{home}-files"
    command = [sys.executable, "-c", DOWNLOAD, repo, name, folder]
    done = subprocess.run(command, env=bench.env(home, **more), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(folder)
    shutil.rmtree(bench.folder / home)
    start, end, spent = map(float, done.stdout.split())
    return end - start, spent


def stored(bench: Bench) -> int:
    """How many bytes all chunks take in the store."""
    store = Path(bench.hub.env["HUB_DATA_DIR"]) / "store/xorbs"
    return sum(file.stat().st_size for file in store.rglob("*") if file.is_file() and file.suffix != ".meta")


def unlike(bench: Bench, path: Path) -> Path:
    """A file of the same kind and size of which no chunk is known: Git LFS does not send what is."""
    other = bench.folder / f"other-{path.name}"
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
    other = unlike(bench, file)
    # Git LFS is the peer, so chunks are off.
    lfs = bench.timed([HF, "upload", f"bob/bench-{name}-lfs", other, file.name], home=f"{name}-b", HF_HUB_DISABLE_XET="1")
    other.unlink()
    bench.settle()
    put = bench.timed(["curl", "-sSf", "-T", file, f"{bench.nginx.url}/{file.name}"], home="curl")
    label = f"{name}, {size / MIB:.0f} MiB"
    bench.row(f"upload, {label}: `hf upload` by chunks, against Git LFS", f"{lfs / chunks:.2f} × its speed")
    bench.row(f"upload, {label}: `hf upload` by chunks, against `curl` to nginx", f"{put / chunks:.2f} × its speed")
    again = bench.timed(upload, home=f"{name}-fresh")
    bench.row(f"upload again from another computer, {label}", f"{chunks / again:.1f} × faster")
    down = [HF, "download", f"bob/bench-{name}", file.name, "--local-dir", bench.folder / f"{name}-down"]
    by_chunks = bench.timed(down, home=f"{name}-c")
    assert digest(bench.folder / f"{name}-down" / file.name) == digest(file)
    in_python, spent = downloaded(bench, f"bob/bench-{name}", file.name, f"{name}-d")
    plain = ["curl", "-sSf", "-o", "/dev/null"]
    curl = bench.timed([*plain, f"{bench.hub.url}/bob/bench-{name}/resolve/main/{file.name}"], home="curl")
    nginx = bench.timed([*plain, f"{bench.nginx.url}/{file.name}"], home="curl")
    to_disk = bench.timed(["curl", "-sSf", "-o", bench.folder / "out", f"{bench.nginx.url}/{file.name}"], home="curl")
    bench.row(f"download, {label}: `hf download` by chunks, against `curl` from nginx to a file", f"{to_disk / by_chunks:.2f} × its speed", "≥ 0.8")
    bench.row(f"download, {label}: the same without the start of Python", f"{to_disk / in_python:.2f} × its speed")
    bench.row(
        f"download, {label}: the same if only the client's own processor time counted, on {os.cpu_count()} cores",
        f"{to_disk / (spent / os.cpu_count()):.2f} × its speed",
    )
    beside_nginx(bench, f"bob/bench-{name}", file.name, label, to_disk)
    bench.row(f"download, {label}: `curl` of the file in chunks, against `curl` from nginx", f"{nginx / curl:.2f} × its speed")
    shutil.rmtree(bench.folder / f"{name}-down")


def beside_nginx(bench: Bench, repo: str, name: str, label: str, curl: float):
    """The same client with the hub sending the chunks, and with nginx sending them: what of the time is the hub's?
    The medians of five each, in turn, with homes of their own, as what was fetched once is kept there. `curl` is the
    seconds that it takes for the whole file."""
    edge = Edge(bench)
    try:
        by_hub, by_nginx = [], []
        for n in range(5):
            by_hub.append(downloaded(bench, repo, name, f"{repo[4:]}-hub-{n}")[0])
            by_nginx.append(downloaded(bench, repo, name, f"{repo[4:]}-edge-{n}", HF_ENDPOINT=edge.url)[0])
    finally:
        edge.stop()
    ratio = statistics.median(by_nginx) / statistics.median(by_hub)
    bench.row(f"download, {label}: by chunks that nginx sends, against `curl` from nginx to a file", f"{curl / statistics.median(by_nginx):.2f} × its speed")
    bench.row(f"download, {label}: by chunks from the hub, against the same client with nginx sending the chunks", f"{ratio:.2f} × its speed", "≥ 0.8")


def edit(bench: Bench, file: Path):
    """One per cent in the middle is overwritten; how many bytes are new?"""
    size = file.stat().st_size
    with file.open("r+b") as out:
        out.seek(size // 2)
        out.write(random.randbytes(size // 100))
    before = stored(bench)
    bench.timed([HF, "upload", "bob/bench-random", file, file.name], home="edit-fresh")
    share = (stored(bench) - before) / size
    bench.row("bytes sent when 1 % in the middle was overwritten, from another computer", f"{share:.2%}", "≤ 3 %")


def crowd(bench: Bench, clients: int, file: Path):
    """Many readers at once, by plain HTTP out of chunks and from nginx; what the hub's memory comes to."""
    shutil.copyfile(file, bench.nginx.root / file.name)
    bench.forget_peak()
    ours = readers(f"{bench.hub.url}/bob/bench-random/resolve/main/{file.name}", clients, file)
    peak = bench.peak()
    theirs = readers(f"{bench.nginx.url}/{file.name}", clients, file)
    (bench.nginx.root / file.name).unlink()
    label = f"{clients} readers of the file in chunks at once, {file.stat().st_size / MIB:.0f} MiB each"
    bench.row(f"{label}, against nginx", f"{ours / theirs:.2f} × its speed ({ours:.0f} MB/s together)")
    bench.row(f"the hub's peak memory, those {clients} readers", peak, "≤ 300 MiB")


def readers(url: str, clients: int, file: Path) -> float:
    """MB/s of so many readers together, who compare what they get with the file."""
    wrong = []
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as whole:

        def read():
            at = 0
            try:
                with urllib.request.urlopen(url) as response:
                    while block := response.read(1024 * 1024):
                        if whole[at : at + len(block)] != block:
                            raise ValueError(f"other bytes from {at} on")
                        at += len(block)
                if at != len(whole):
                    raise ValueError(f"only {at} bytes")
            except Exception as error:
                wrong.append(error)

        threads = [threading.Thread(target=read, daemon=True) for _ in range(clients)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - start
        assert not wrong, f"{len(wrong)} of {clients} readers: {wrong[0]}"
        return clients * len(whole) / 1e6 / seconds


def together(bench: Bench, clients: int, file: Path):
    """Many downloads by `hf_xet` at once, each with a home and a folder of its own."""
    homes = [f"together-{n}" for n in range(clients)]

    def begin(home: str) -> subprocess.Popen:
        command = [sys.executable, "-c", DOWNLOAD, "bob/bench-random", file.name, bench.folder / f"{home}-files"]
        return subprocess.Popen(command, env=bench.env(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    bench.forget_peak()
    children = [begin(home) for home in homes]
    times = []
    for child in children:
        said, complaints = child.communicate()
        assert child.returncode == 0, said + complaints
        times.append([float(time) for time in said.split()])
    peak, wanted = bench.peak(), digest(file)
    for home in homes:
        assert digest(bench.folder / f"{home}-files" / file.name) == wanted
        shutil.rmtree(bench.folder / f"{home}-files")
        shutil.rmtree(bench.folder / home)
    # From the first that began to the last that ended; the start of Python is not in it.
    seconds = max(end for _, end, _ in times) - min(start for start, _, _ in times)
    size = file.stat().st_size
    label = f"{clients} downloads by `hf_xet` at once, {size / MIB:.0f} MiB each, to files"
    cores = sum(spent for _, _, spent in times) / seconds
    bench.row(label, f"{clients * size / 1e6 / seconds:.0f} MB/s together; the clients took {cores:.1f} of {os.cpu_count()} cores")
    bench.row("the hub's peak memory, those downloads", peak, "≤ 300 MiB")


def many_clients(bench: Bench, clients: int):
    """So many of the real clients at once, with smaller files: all that download one file, and then a quarter as many that
    upload, each a file of its own into a repository of its own."""
    file = bench.folder / "small.bin"
    write_random(file, 64 * MIB)
    bench.timed([HF, "upload", "bob/bench-random", file, file.name], home="small")
    together(bench, clients, file)
    uploads = range(clients // 4)
    files = [bench.folder / f"upload-{n}.bin" for n in uploads]
    for one in files:
        write_random(one, 64 * MIB)

    def begin(n: int) -> subprocess.Popen:
        command = [HF, "upload", f"bob/bench-many-{n}", files[n], "file.bin"]
        return subprocess.Popen(command, env=bench.env(f"many-{n}"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    bench.forget_peak()
    start = time.monotonic()
    children = [begin(n) for n in uploads]
    for child in children:
        said = child.communicate()[0]
        assert child.returncode == 0, said
    seconds, peak = time.monotonic() - start, bench.peak()
    for one in files:
        wanted = digest(one)
        with urllib.request.urlopen(f"{bench.hub.url}/bob/bench-many-{one.stem[7:]}/resolve/main/file.bin") as answer:
            assert hashlib.file_digest(answer, "sha256").hexdigest() == wanted
        one.unlink()
    label = f"{len(files)} uploads by `hf upload` at once, 64 MiB each"
    bench.row(label, f"{len(files) * 64 * MIB / 1e6 / seconds:.0f} MB/s together, with the starts of Python")
    bench.row("the hub's peak memory, those uploads", peak, "≤ 300 MiB")


# Writes what the tables about chunks have so many times more, with other hashes each time; says how large they are then, and
# undoes it.
MULTIPLY = """
begin;
create temporary table times on commit drop as select n::text::bytea n from generate_series(1, {times}) n;
insert into xet_xorbs (xorb_hash, nonce, chunk_count, raw_bytes, stored_bytes, first_repo_pk, lease_until, condemned_at, created_at)
    select sha256(xorb_hash || n), nonce, chunk_count, raw_bytes, stored_bytes, first_repo_pk, lease_until, condemned_at, created_at
    from xet_xorbs, times;
insert into xet_files (file_hash, oid, size_bytes, term_count, terms, created_at)
    select sha256(file_hash || n), oid, size_bytes, term_count, terms, created_at from xet_files, times;
insert into xet_file_xorbs (xorb_hash, file_hash) select sha256(xorb_hash || n), sha256(file_hash || n) from xet_file_xorbs, times;
insert into xet_chunks (chunk_hash, xorb_hash) select sha256(chunk_hash || n), sha256(xorb_hash || n) from xet_chunks, times;
select sum(pg_total_relation_size(oid)) from pg_class where relkind = 'r' and relname like 'xet\\_%';
rollback
"""
TERABYTE = 10**12


def index_for_a_terabyte(bench: Bench):
    """What Postgres has to keep for a terabyte of chunks in the store, indexes included, if all were like those that were
    stored here. Of these alone it would be pages that are hardly begun."""
    kept, rows = stored(bench), bench.sql("select count(*) from xet_chunks")
    size = int(bench.sql(MULTIPLY.format(times=max(TERABYTE // kept - 1, 1))))
    figure = f"{size / 1e6:.1f} MB (the rows of {kept / MIB:,.0f} MiB, {int(rows):,} of chunks that clients ask for, so many times)"
    bench.row("the tables about chunks in Postgres, for a TB of stored bytes", figure)


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
    """Prints how long answers take for one client that does little else."""
    header = f'wrk.headers["Authorization"] = "Bearer {token}"'
    script = header + ASK % ", ".join(f'"{hash}"' for hash in known)
    answers = bench.wrk(bench.hub.url, script, seconds=15)
    bench.row(what, f"p50 {answers.p50}, p99 {answers.p99}", "p99 ≤ 10 ms")


def chunk_queries(bench: Bench, count: int):
    """Does the hub know a chunk? With `count` chunks in the index, all of one xorb that everybody may be told of."""
    # Loaded as a restored backup would be: the rows, then the indexes.
    bench.sql("alter table xet_chunks set unlogged, drop constraint xet_chunks_xorb_hash_fkey, drop constraint xet_chunks_pkey")
    bench.sql("drop index xet_chunks_xorb_hash_idx")
    bench.sql(
        "insert into xet_chunks select sha256(n::text::bytea), (select xorb_hash from xet_xorbs limit 1) "
        f"from generate_series(1, {count}) n"
    )
    bench.sql("set maintenance_work_mem = '1GB'; alter table xet_chunks add primary key (chunk_hash, xorb_hash)")
    bench.sql("set maintenance_work_mem = '1GB'; create index xet_chunks_xorb_hash_idx on xet_chunks (xorb_hash)")
    bench.sql("vacuum analyze xet_chunks")
    size = bench.sql("select pg_size_pretty(pg_total_relation_size('xet_chunks'))")
    known = bench.sql("select encode(chunk_hash, 'hex') from xet_chunks tablesample system (0.1) limit 5000").split()
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
    arguments.add_argument("--together", type=int, default=8, help="downloads by hf_xet at once")
    arguments.add_argument("--chunks", type=int, default=10_000_000)
    options = arguments.parse_args()
    bench = Bench()
    try:
        file = bench.folder / "random.bin"
        write_random(file, options.size_mib * MIB)
        transfers(bench, "random", file)
        weights = Path(os.environ["HUB_TEST_DATA"]).rglob("model.safetensors")
        weights = next(weights, None)
        if weights:
            transfers(bench, "weights", weights)
        edit(bench, file)
        bench.row("the hub's peak memory until here", bench.peak(), "≤ 300 MiB")
        index_for_a_terabyte(bench)
        crowd(bench, options.readers, file)
        together(bench, options.together, file)
        many_clients(bench, options.readers)
        if speed := os.environ.get("VERIFY_SPEED"):
            said = subprocess.run([speed], capture_output=True, text=True, check=True).stdout
            for line in said.splitlines():
                bench.row("one core", line.strip())
        chunk_queries(bench, options.chunks)
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
