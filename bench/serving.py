"""git, small and large files, and commits: against git's own http-backend behind nginx, and nginx with the same files.

Every figure is a ratio of two things measured in this run, in turns, or a size, or a rate. The local store; one machine.
"""

import argparse
import base64
import json
import os
import re
import subprocess
import time
import urllib.request
from pathlib import Path

from common import HF, MIB, TOKENS, Bench, in_turns, new_repo, status_of, write_random
from lfs import beside_giftless

AUTHORIZATION = f'wrk.headers["Authorization"] = "Bearer {TOKENS["bob"]}"\n'
# Every request is a commit of one small file that differs, to one of the repositories in turn.
COMMIT = AUTHORIZATION + """
local repos, count = %d, 0
local header = '{"key":"header","value":{"summary":"Change a file"}}\\n'
wrk.method, wrk.headers["Content-Type"] = "POST", "application/x-ndjson"
request = function()
  count = count + 1
  local file = '{"key":"file","value":{"path":"f' .. count %% 100 .. '.txt","encoding":"utf-8","content":"' .. count .. '"}}\\n'
  return wrk.format(nil, "/api/models/bob/commits-" .. count %% repos .. "/commit/main", nil, header .. file)
end
"""


def history(folder: Path, commits: int) -> Path:
    """A repository of so many commits, each of which changes some of 300 files in 20 folders."""
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    lines = []
    for n in range(commits):
        message = f"Change {n}"
        lines += ["commit refs/heads/main", f"committer Bob <bob@example.org> {1_700_000_000 + n} +0000"]
        lines += [f"data {len(message)}", message]
        for file in range(n % 3 + 1):
            at = (n * 7 + file * 13) % 300
            content = "".join(f"line {line} of {at}, as of {n if line % 10 == n % 10 else line}\n" for line in range(60))
            lines += [f"M 100644 inline d{at % 20}/f{at}.txt", f"data {len(content)}", content]
    feed = "\n".join(lines) + "\n"
    subprocess.run(["git", "-C", folder, "fast-import", "--quiet"], input=feed.encode(), check=True)
    return folder


def git(bench: Bench, commits: int):
    """Clones and pushes."""
    source = history(bench.folder / "source", commits)
    ours, theirs = new_repo(bench, "history"), bench.nginx.new_repo("history.git")

    def push(url):
        # A new repository of the hub has a commit already.
        return bench.timed(["git", "-C", source, "push", "-q", "--force", url, "main"], "git")

    def clone(url):
        return lambda n: bench.timed(["git", "clone", "-q", "--bare", url, bench.folder / f"clone-{time.monotonic_ns()}"], "git")

    first = push(theirs) / push(ours)
    ratio = in_turns(clone(ours), clone(theirs))
    label = f"{commits:,} commits"
    bench.row(f"clone of {label}, against `git http-backend`", f"{1 / ratio:.2f} × its time", "≤ 1.1")
    bench.row(f"first push of {label}, against `git http-backend`", f"{1 / first:.2f} × its time")

    def push_one(url):
        def step(n):
            subprocess.run(["git", "-C", source, "commit", "-q", "--allow-empty", "-m", f"One more {n}"], env=bench.env("git"), check=True)
            return push(url)

        return step

    ratio = in_turns(push_one(ours), push_one(theirs))
    bench.row("push of one commit, against `git http-backend`", f"{1 / ratio:.2f} × its time")


def small_files(bench: Bench):
    """Asking for a small file, and for one that has not changed."""
    new_repo(bench, "small")
    content = b'{"hidden_size": 768}\n' * 30
    commit(bench, "small", {"config.json": content})
    (bench.nginx.root / "config.json").write_bytes(content)
    hub, nginx = f"{bench.hub.url}/bob/small/resolve/main/config.json", f"{bench.nginx.url}/config.json"
    etag = urllib.request.urlopen(urllib.request.Request(hub, method="HEAD")).headers["ETag"]
    nginx_etag = urllib.request.urlopen(nginx).headers["ETag"]

    def unchanged(tag):
        # The tag has quotes of its own.
        return f"wrk.headers['If-None-Match'] = '{tag}'"

    def compare(what: str, ours: float, theirs: float, target: str = ""):
        figure = f"{ours / theirs:.2f} × its rate ({ours:,.0f}/s)"
        bench.row(f"{what}, 16 clients, against a file of nginx", figure, target)

    def rate(url: str, script: str = "") -> float:
        return bench.wrk(url, script, clients=16).expect_all_good().per_second

    compare("`HEAD resolve`", heads(hub), heads(nginx), "≥ 0.4")
    compare(f"`GET resolve` of {len(content)} bytes", rate(hub), rate(nginx))
    compare("`304 Not Modified`", rate(hub, unchanged(etag)), rate(nginx, unchanged(nginx_etag)))


def heads(url: str) -> float:
    """How many `HEAD`s a second are answered. (wrk waits for the body that such an answer announces.)"""
    command = ["ab", "-q", "-k", "-i", "-c16", "-t10", "-n100000000", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said and re.search(r"Failed requests:\s+0$", said, re.M), said
    return float(re.search(r"Requests per second:\s+(\S+)", said)[1])


def commit(bench: Bench, repo: str, files: dict[str, bytes]) -> float:
    """Commits files by the API and returns the seconds it took."""
    lines = [{"key": "header", "value": {"summary": "Add files"}}]
    for path, content in files.items():
        text = base64.b64encode(content).decode()
        lines.append({"key": "file", "value": {"path": path, "encoding": "base64", "content": text}})
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    headers = {"Authorization": f"Bearer {TOKENS['bob']}", "Content-Type": "application/x-ndjson"}
    request = urllib.request.Request(f"{bench.hub.url}/api/models/bob/{repo}/commit/main", body, headers)
    start = time.monotonic()
    urllib.request.urlopen(request).read()
    return time.monotonic() - start


def commits(bench: Bench):
    """How many commits a second, and one of very many files."""
    for n in range(16):
        new_repo(bench, f"commits-{n}")
    many = bench.wrk(bench.hub.url, COMMIT % 16, clients=16).expect_all_good()
    bench.row("commits of one small file by the API, 16 clients, 16 repositories", f"{many.per_second:.0f}/s, p99 {many.p99}", "≥ 200/s")
    one = bench.wrk(bench.hub.url, COMMIT % 1, clients=16).expect_all_good()
    bench.row("the same, all to one branch, none refused", f"{one.per_second:.0f}/s, p99 {one.p99}", "≥ 50/s")
    bench.settle()

    files = {f"data/{n % 100}/{n}.json": f'{{"row": {n}}}'.encode() for n in range(10_000)}
    new_repo(bench, "ten-thousand")
    ours = commit(bench, "ten-thousand", files)
    tree = bench.folder / "ten-thousand"
    subprocess.run(["git", "init", "-q", "-b", "main", tree], check=True)
    for path, content in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
    url = bench.nginx.new_repo("ten-thousand.git")
    script = f"git add . && git commit -qm 'Add files' && git push -q {url} main"
    theirs = bench.timed(["sh", "-c", script], "git", cwd=tree)
    bench.row("commit of 10,000 small files by the API, against `git add`, `commit` and `push` to `git http-backend`", f"{ours / theirs:.2f} × its time")


def large_file(bench: Bench, size: int):
    """Up by Git LFS and down by plain HTTP, and what the hub's memory comes to."""
    file = bench.folder / "large.bin"
    write_random(file, size)
    label = f"{size / MIB:,.0f} MiB"
    new_repo(bench, "large")
    bench.forget_peak()
    upload = [HF, "upload", "bob/large", file, file.name]
    # Git LFS is what is measured here, so chunks are off.
    ours = bench.timed(upload, "lfs", HF_HUB_DISABLE_XET="1")
    bench.row(f"the hub's peak memory, upload of {label} by Git LFS", bench.peak())
    theirs = bench.timed(["curl", "-sSf", "-T", file, f"{bench.nginx.url}/{file.name}"], "curl")
    file.unlink()
    bench.row(f"upload of {label} by Git LFS, against `curl` to nginx", f"{theirs / ours:.2f} × its speed")
    bench.settle()
    bench.row("the hub's peak memory, until that file was put in chunks", bench.peak())
    bench.forget_peak()

    def get(url):
        return lambda n: bench.timed(["curl", "-sSf", "-o", "/dev/null", url], "curl")

    ratio = in_turns(get(f"{bench.hub.url}/bob/large/resolve/main/{file.name}"), get(f"{bench.nginx.url}/{file.name}"))
    bench.row(f"download of {label}, against nginx with sendfile", f"{ratio:.2f} × its speed", "≥ 0.9")
    bench.row("the hub's peak memory, that download", bench.peak())
    (bench.nginx.root / file.name).unlink()


def start(bench: Bench):
    """A restart, and the memory of a hub that has nothing to do."""
    bench.hub._child.stop()
    began = time.monotonic()
    bench.hub.start()
    seconds = time.monotonic() - began
    bench.row("from `hub serve` to ready, its private Postgres included", f"{seconds:.1f} s")
    time.sleep(10)
    assert status_of(f"{bench.hub.url}/readyz") == 200
    bench.row("memory of `hub serve` that has nothing to do", f"{bench.memory('VmRSS') / MIB:.0f} MiB", "≤ 150 MB")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--commits", type=int, default=2000)
    arguments.add_argument("--large-mib", type=int, default=4096)
    arguments.add_argument("--lfs-mib", type=int, default=1024, help="the file that goes to giftless too")
    options = arguments.parse_args()
    bench = Bench()
    try:
        bench.row("cores", str(os.cpu_count()))
        git(bench, options.commits)
        small_files(bench)
        commits(bench)
        start(bench)
        large_file(bench, options.large_mib * MIB)
        beside_giftless(bench, options.lfs_mib * MIB)
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
