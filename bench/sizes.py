"""Repositories that are large: many files, many commits. How what people do with them grows.

Each repository is made by git on this machine and pushed. Times are of one client that does nothing else: the median of a few
tries where a thing can be done again. The local store; one machine.
"""

import argparse
import json
import re
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from common import HF, MIB, TOKENS, Bench
from serving import call, history, new_repo

PER_FOLDER = 1000
TRIES = 5


def many_files(folder: Path, files: int, flat: bool) -> Path:
    """A repository with so many small files that all differ: in one folder, or a thousand to a folder."""
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    importer = subprocess.Popen(["git", "-C", folder, "fast-import", "--quiet"], stdin=subprocess.PIPE)
    write = importer.stdin.write
    write(b"commit refs/heads/main\ncommitter Bob <bob@example.org> 1700000000 +0000\ndata 8\nAdd all\n")
    for n in range(files):
        content = f"file {n} of {files}\n"
        write(f"M 100644 inline {path_of(n, flat)}\ndata {len(content)}\n{content}".encode())
    importer.stdin.close()
    assert importer.wait() == 0
    return folder


def path_of(n: int, flat: bool) -> str:
    return f"f{n:07}.txt" if flat else f"d{n // PER_FOLDER:04}/f{n % PER_FOLDER:03}.txt"


def median(step: Callable[[int], object]) -> str:
    """The median of a few tries, in milliseconds or seconds, after one that does not count."""
    times = []
    for n in range(TRIES + 1):
        start = time.monotonic()
        step(n)
        times.append(time.monotonic() - start)
    return shown(statistics.median(times[1:]))


def shown(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.0f} ms"


class Measured:
    """One repository, and a line of the table for each thing that was done with it."""

    def __init__(self, bench: Bench, name: str, source: Path):
        self.bench, self.name, self.source = bench, name, source
        self.url = new_repo(bench, name)
        self.peer = bench.nginx.new_repo(f"{name}.git")
        self.figures: dict[str, str] = {}

    def get(self, path: str) -> urllib.request.http.client.HTTPResponse:
        answer = urllib.request.urlopen(urllib.request.Request(self.bench.hub.url + path, headers={"Authorization": f"Bearer {TOKENS['bob']}"}))
        answer.content = answer.read()
        return answer

    def transfers(self):
        """Pushes and clones, beside git's own server."""
        self.bench.forget_peak()
        push = ["git", "-C", self.source, "push", "-q", "--force"]
        ours, theirs = self.bench.timed([*push, self.url, "main"], "git"), self.bench.timed([*push, self.peer, "main"], "git")
        self.figures["push"] = f"{shown(ours)} ({ours / theirs:.1f} × git's)"
        clone = ["git", "clone", "-q", "--bare"]
        ours = self.bench.timed([*clone, self.url, self.bench.folder / f"{self.name}-a"], "git")
        theirs = self.bench.timed([*clone, self.peer, self.bench.folder / f"{self.name}-b"], "git")
        self.figures["clone"] = f"{shown(ours)} ({ours / theirs:.1f} × git's)"
        self.figures["peak memory of the hub, push and clone"] = f"{self.bench.memory('VmHWM') / MIB:.0f} MiB"
        self.bench.settle()

    def files(self, files: int, flat: bool):
        """Listing, looking, changing one file among many."""
        self.bench.forget_peak()
        tree, folder = f"/api/models/bob/{self.name}/tree/main", "" if flat else "/d0000"
        middle = path_of(files // 2, flat)
        self.figures["first page of files"] = median(lambda n: self.get(f"{tree}{folder}"))
        self.figures["the same with each file's last commit"] = median(lambda n: self.get(f"{tree}{folder}?expand=true"))
        self.figures["all files, page by page"] = self.walk(f"{tree}?recursive=true", files)
        self.figures["page of the folder"] = median(lambda n: self.get(f"/bob/{self.name}/tree/main{folder}"))
        self.figures["page of a file"] = median(lambda n: self.get(f"/bob/{self.name}/blob/main/{middle}"))
        self.figures["`resolve` of a file"] = median(lambda n: self.get(f"/bob/{self.name}/resolve/main/{middle}"))
        self.figures["model info, all files named"] = median(lambda n: self.get(f"/api/models/bob/{self.name}"))
        self.figures["commit of one more file"] = median(lambda n: self.commit(f"more/{n}.txt"))
        self.figures["commit that changes a file"] = median(lambda n: self.commit(middle, n))
        self.figures["first page of files, after a commit"] = median(lambda n: (self.commit("x.txt", n), self.get(f"{tree}{folder}")))
        self.figures["peak memory of the hub, all of this"] = f"{self.bench.memory('VmHWM') / MIB:.0f} MiB"

    def walk(self, path: str, files: int) -> str:
        """Follows the pages of a list to its end."""
        start, seen, pages = time.monotonic(), 0, 0
        while path:
            answer = self.get(path)
            seen += sum(entry["type"] == "file" for entry in json.loads(answer.content))
            pages += 1
            following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
            path = following[1].removeprefix(self.bench.hub.url) if following else ""
        assert seen >= files, (seen, files)
        return f"{shown(time.monotonic() - start)} ({pages:,} pages)"

    def commits(self, commits: int):
        """History: of all, and of one file."""
        self.bench.forget_peak()
        api, page = f"/api/models/bob/{self.name}/commits/main", f"/bob/{self.name}/commits/main"
        self.figures["first page of commits"] = median(lambda n: self.get(f"{api}?limit=100"))
        self.figures["last page of commits"] = median(lambda n: self.get(f"{api}?limit=100&p={commits // 100 - 1}"))
        self.figures["page of commits"] = median(lambda n: self.get(page))
        self.figures["page of one file's history"] = median(lambda n: self.get(f"{page}/d7/f7.txt"))
        self.figures["files with each one's last commit"] = median(lambda n: self.get(f"/api/models/bob/{self.name}/tree/main/d7?expand=true"))
        self.figures["commit that changes a file"] = median(lambda n: self.commit("d7/f7.txt", n))
        self.figures["peak memory of the hub, all of this"] = f"{self.bench.memory('VmHWM') / MIB:.0f} MiB"

    def commit(self, path: str, content: object = "one more"):
        """Changes a file by the API."""
        lines = [{"key": "header", "value": {"summary": "Change a file"}}]
        lines += [{"key": "file", "value": {"path": path, "encoding": "utf-8", "content": f"{content} {time.monotonic_ns()}"}}]
        body = "\n".join(map(json.dumps, lines)).encode()
        headers = {"Authorization": f"Bearer {TOKENS['bob']}", "Content-Type": "application/x-ndjson"}
        url = f"{self.bench.hub.url}/api/models/bob/{self.name}/commit/main"
        urllib.request.urlopen(urllib.request.Request(url, body, headers)).read()


def table(measured: dict[str, dict[str, str]]):
    """Prints what was measured: a column for each repository."""
    print(f"\n| | {' | '.join(measured)} |\n|---|{'---|' * len(measured)}", flush=True)
    rows = dict.fromkeys(row for figures in measured.values() for row in figures)
    for row in rows:
        print(f"| {row} | {' | '.join(figures.get(row, '') for figures in measured.values())} |", flush=True)


def measure_files(bench: Bench, counts: list[int]):
    """Repositories of so many files."""
    measured = {}
    for flat, count in [(True, min(counts[-1], 100_000)), *((False, count) for count in counts)]:
        label = f"{count:,} files{' in one folder' if flat else ''}"
        name = f"files-{count}{'-flat' if flat else ''}"
        repo = Measured(bench, name, many_files(bench.folder / name, count, flat))
        repo.transfers()
        repo.files(count, flat)
        measured[label] = repo.figures
        print(f"{label}: {json.dumps(repo.figures)}", flush=True)
    table(measured)


def measure_commits(bench: Bench, counts: list[int]):
    """Repositories of so many commits."""
    measured = {}
    for count in counts:
        repo = Measured(bench, f"commits-{count}", history(bench.folder / f"commits-{count}", count))
        repo.transfers()
        repo.commits(count)
        measured[f"{count:,} commits"] = repo.figures
    table(measured)


def measure_upload(bench: Bench, files: int):
    """`upload_large_folder` of so many small files."""
    folder = bench.folder / "large-folder"
    for n in range(files):
        file = folder / path_of(n, flat=False)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"file {n}\n")
    call(bench, "POST", "/api/repos/create", {"type": "model", "name": "large-folder"})
    bench.forget_peak()
    command = [HF, "upload-large-folder", "bob/large-folder", folder, "--repo-type", "model", "--no-bars"]
    seconds = bench.timed(command, "large-folder")
    print(f"\n`hf upload-large-folder` of {files:,} files: {seconds:.0f} s, peak memory of the hub {bench.memory('VmHWM') / MIB:.0f} MiB")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--files", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    arguments.add_argument("--commits", type=int, nargs="*", default=[1_000, 10_000])
    arguments.add_argument("--upload", type=int, default=50_000)
    options = arguments.parse_args()
    bench = Bench()
    try:
        if options.commits:
            measure_commits(bench, options.commits)
        if options.files:
            measure_files(bench, options.files)
        if options.upload:
            measure_upload(bench, options.upload)
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
