"""Repositories that are large: many files, many commits. How what people do with them grows.

Each repository is made by git on this machine and pushed. Times are of one client that does nothing else: the median of a few
tries where a thing can be done again. A step that takes longer than `--minutes` is cut, and its row says so; where that is the
push, nothing else is asked of that repository. The local store; one machine.
"""

import argparse
import http.client
import json
import re
import shutil
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from common import HF, TOKENS, Bench, call, new_repo
from serving import history

PER_FOLDER = 1000
PEAK = "peak memory of the hub"
# Files of the largest folder.
FLAT = 100_000
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


class Cut(Exception):
    """A step took longer than it may."""


class Limit:
    """How long one step may take."""

    def __init__(self, minutes: float):
        self.seconds = minutes * 60
        self.end = time.monotonic() + self.seconds

    def left(self) -> float:
        """Returns the seconds that are left, or raises `Cut`."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise Cut
        return left

    def median(self, step: Callable[[int], object]) -> str:
        """The median of a few tries, after one that does not count; of fewer when they take long, and says so."""
        times = []
        for n in range(TRIES + 1):
            start = time.monotonic()
            step(n)
            times.append(time.monotonic() - start)
            if self.end - time.monotonic() < self.seconds / 2:
                break
        counted = times[1:] or times
        fewer = f" ({len(counted)} of {TRIES} tries)" if len(counted) < TRIES else ""
        return shown(statistics.median(counted)) + fewer


def shown(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.0f} ms"


class Steps:
    """What is done with one repository: a row for each thing, printed as soon as it was measured."""

    def __init__(self, bench: Bench, name: str, label: str, minutes: float):
        self.bench, self.name, self.label, self.minutes = bench, name, label, minutes
        self.figures: dict[str, str] = {}
        self.limit = Limit(minutes)

    def step(self, what: str, work: Callable[[], str]) -> bool:
        """Does one thing, for some minutes at most; returns whether it came to its end."""
        self.bench.forget_peak()
        self.limit = Limit(self.minutes)
        done = True
        try:
            figure = work()
        except (Cut, TimeoutError, subprocess.TimeoutExpired):
            figure, done = f"cut after {self.minutes:g} min", False
        except (AssertionError, OSError) as error:
            figure, done = "failed: " + " ".join(str(error).split())[:200].replace("|", "/"), False
        peak = self.bench.peak()
        self.bench.row(f"{self.label}: {what}", figure, peak)
        self.figures[what] = f"{figure}, {peak}"
        return done

    def get(self, path: str) -> http.client.HTTPResponse:
        request = urllib.request.Request(self.bench.hub.url + path, headers={"Authorization": f"Bearer {TOKENS['bob']}"})
        with urllib.request.urlopen(request, timeout=self.limit.left()) as answer:
            answer.content = answer.read()
        return answer

    def repeat(self, what: str, step: Callable[[int], object]):
        """A row with the median of a few tries."""
        self.step(what, lambda: self.limit.median(step))

    def walk(self, path: str, files: int) -> str:
        """Follows the pages of a list to its end, or as far as there is time."""
        start, seen, pages = time.monotonic(), 0, 0
        while path:
            if time.monotonic() > self.limit.end:
                return f"cut after {self.minutes:g} min: {seen:,} of {files:,} files ({pages:,} pages)"
            answer = self.get(path)
            seen += sum(entry["type"] == "file" for entry in json.loads(answer.content))
            pages += 1
            following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
            path = following[1].removeprefix(self.bench.hub.url) if following else ""
        assert seen >= files, f"{seen} of {files} files were listed"
        return f"{shown(time.monotonic() - start)} ({pages:,} pages)"

    def commit(self, path: str, content: object = "one more"):
        """Changes a file by the API."""
        lines = [{"key": "header", "value": {"summary": "Change a file"}}]
        lines += [{"key": "file", "value": {"path": path, "encoding": "utf-8", "content": f"{content} {time.monotonic_ns()}"}}]
        body = "\n".join(map(json.dumps, lines)).encode()
        headers = {"Authorization": f"Bearer {TOKENS['bob']}", "Content-Type": "application/x-ndjson"}
        url = f"{self.bench.hub.url}/api/models/bob/{self.name}/commit/main"
        urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=self.limit.left()).read()


class Pushed(Steps):
    """A repository that was made by git on this machine, here and behind nginx."""

    def __init__(self, bench: Bench, label: str, source: Path, minutes: float):
        super().__init__(bench, source.name, label, minutes)
        self.source = source
        self.url = new_repo(bench, source.name)
        self.peer = bench.nginx.new_repo(f"{source.name}.git")

    def transfers(self) -> bool:
        """Pushes and clones, beside git's own server; returns whether the push came to its end."""
        push = ["git", "-C", self.source, "push", "-q", "--force"]
        clone = ["git", "clone", "-q", "--bare"]

        def beside_git(ours: list, theirs: list) -> str:
            mine = self.bench.timed(ours, "git", limit=self.limit.seconds)
            its = self.bench.timed(theirs, "git", limit=self.limit.seconds)
            return f"{shown(mine)} ({mine / its:.1f} × git's)"

        def cloned() -> str:
            mine, its = (self.bench.folder / f"{self.name}-{whose}" for whose in ("a", "b"))
            try:
                return beside_git([*clone, self.url, mine], [*clone, self.peer, its])
            finally:
                shutil.rmtree(mine, ignore_errors=True)
                shutil.rmtree(its, ignore_errors=True)

        if not self.step("push", lambda: beside_git([*push, self.url, "main"], [*push, self.peer, "main"])):
            return False
        self.step("clone", cloned)
        self.step("work in the background after them", self.settled)
        return True

    def settled(self) -> str:
        """Waits for what the hub does beside its other work."""
        start = time.monotonic()
        self.bench.settle(self.limit.seconds)
        return shown(time.monotonic() - start)

    def files(self, files: int, flat: bool):
        """Listing, looking, changing one file among many."""
        tree, folder = f"/api/models/bob/{self.name}/tree/main", "" if flat else "/d0000"
        middle = path_of(files // 2, flat)
        self.repeat("first page of files", lambda n: self.get(f"{tree}{folder}"))
        self.repeat("the same with each file's last commit", lambda n: self.get(f"{tree}{folder}?expand=true"))
        self.step("all files, page by page", lambda: self.walk(f"{tree}?recursive=true", files))
        self.repeat("page of the folder", lambda n: self.get(f"/bob/{self.name}/tree/main{folder}"))
        self.repeat("page of a file", lambda n: self.get(f"/bob/{self.name}/blob/main/{middle}"))
        self.repeat("`resolve` of a file", lambda n: self.get(f"/bob/{self.name}/resolve/main/{middle}"))
        self.repeat("model info, all files named", lambda n: self.get(f"/api/models/bob/{self.name}"))
        self.repeat("commit of one more file", lambda n: self.commit(f"more/{n}.txt"))
        self.repeat("commit that changes a file", lambda n: self.commit(middle, n))
        self.repeat("commit, and first page of files after it", lambda n: (self.commit("x.txt", n), self.get(f"{tree}{folder}")))

    def commits(self, commits: int):
        """History: of all, and of one file."""
        api, page = f"/api/models/bob/{self.name}/commits/main", f"/bob/{self.name}/commits/main"
        last = max(commits // 100 - 1, 0)
        self.repeat("first page of commits", lambda n: self.get(f"{api}?limit=100"))
        self.repeat("last page of commits", lambda n: self.get(f"{api}?limit=100&p={last}"))
        self.repeat("page of commits", lambda n: self.get(page))
        self.repeat("page of one file's history", lambda n: self.get(f"{page}/d7/f7.txt"))
        self.repeat("files with each one's last commit", lambda n: self.get(f"/api/models/bob/{self.name}/tree/main/d7?expand=true"))
        self.repeat("commit that changes a file", lambda n: self.commit("d7/f7.txt", n))


def table(measured: list[Steps]):
    """Prints once more what was measured: a column for each repository, and with each figure the hub's peak memory."""
    print(f"\n| | {' | '.join(repo.label for repo in measured)} |\n|---|{'---|' * len(measured)}")
    for what in dict.fromkeys(what for repo in measured for what in repo.figures):
        print(f"| {what} | {' | '.join(repo.figures.get(what, '') for repo in measured)} |", flush=True)


def measure_files(bench: Bench, counts: list[int], minutes: float):
    """Repositories of so many files."""
    bench.head(PEAK)
    measured = []
    for flat, count in [(True, min(counts[-1], FLAT)), *((False, count) for count in counts)]:
        label = f"{count:,} files"
        if flat:
            label += " in one folder"
            bench.row(f"{label}: why not more", "a folder's list of names may have 32 MB, about 800,000 names (docs/git.md)")
        source = many_files(bench.folder / f"files-{count}{'-flat' if flat else ''}", count, flat)
        repo = Pushed(bench, label, source, minutes)
        if repo.transfers():
            repo.files(count, flat)
        shutil.rmtree(source)
        measured.append(repo)
    table(measured)


def measure_commits(bench: Bench, counts: list[int], minutes: float):
    """Repositories of so many commits."""
    bench.head(PEAK)
    measured = []
    for count in counts:
        source = history(bench.folder / f"commits-{count}", count)
        repo = Pushed(bench, f"{count:,} commits", source, minutes)
        if repo.transfers():
            repo.commits(count)
        measured.append(repo)
    table(measured)


def measure_upload(bench: Bench, files: int, minutes: float):
    """A folder of so many small files, by what the clients have for that."""
    bench.head(PEAK)
    folder = bench.folder / "large-folder"
    for n in range(files):
        file = folder / path_of(n, flat=False)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"file {n}\n")
    # Later clients have no command of its own for this.
    first = HF.parents[2] / "hub-1.28.0/bin/hf"
    if first.exists():
        by_first = Steps(bench, "large-1", "`hf upload-large-folder` of huggingface_hub 1.28", minutes)
        upload_folder(by_first, folder, files, [first, "upload-large-folder", "--no-bars"])
    upload_folder(Steps(bench, "large-2", "`hf upload` of huggingface_hub 2.4", minutes), folder, files, [HF, "upload"])


def upload_folder(repo: Steps, folder: Path, files: int, command: list):
    """Uploads the folder to a new repository and looks whether all of it is there."""
    # What a client noted there of an upload to another repository.
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    call(repo.bench, "POST", "/api/repos/create", {"type": "model", "name": repo.name})

    def upload() -> str:
        whole = [*command, f"bob/{repo.name}", folder, "--repo-type", "model"]
        seconds = repo.bench.timed(whole, repo.name, limit=repo.limit.seconds)
        repo.limit = Limit(repo.minutes)
        commits = int(repo.get(f"/api/models/bob/{repo.name}/commits/main?limit=1").headers["X-Total-Count"])
        repo.walk(f"/api/models/bob/{repo.name}/tree/main?recursive=true", files)
        return f"{seconds:.0f} s, {files / seconds:.0f} files a second, {commits - 1} commits"

    repo.step(f"{files:,} small files", upload)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--files", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    arguments.add_argument("--commits", type=int, nargs="*", default=[1_000, 10_000])
    arguments.add_argument("--upload", type=int, default=50_000)
    arguments.add_argument("--minutes", type=float, default=10, help="how long one step may take before it is cut")
    options = arguments.parse_args()
    bench = Bench(third=None)
    try:
        if options.commits:
            measure_commits(bench, options.commits, options.minutes)
        if options.upload:
            measure_upload(bench, options.upload, options.minutes)
        if options.files:
            measure_files(bench, options.files, options.minutes)
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
