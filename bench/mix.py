"""Fifty clients at once, who read pages, ask the API, download, search, commit, clone and upload: how long answers take.

Each client waits a tenth of a second between two requests. Nothing may be refused or break: what was is counted, and the run
fails at its end. The local store; one machine.
"""

import argparse
import random
import shutil
import sys
import threading
import time

from common import HF, MIB, Bench, new_repo, write_random
from serving import COMMIT, commit, history

THINK = "function delay() return 100 end\n"
# Each request asks for another of these.
ANY_OF = THINK + """
local paths = { %s }
request = function() return wrk.format(nil, paths[math.random(#paths)]) end
"""


class Loop(threading.Thread):
    """Does something again and again until told to stop; keeps how long each took, and what went wrong."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work, self.times, self.wrong, self.is_over = work, [], [], False

    def run(self):
        tried = 0
        while not self.is_over:
            start = time.monotonic()
            try:
                self.times.append(self.work(tried))
            except Exception as error:
                self.wrong.append(error)
                # What is refused at once would be asked for without end.
                time.sleep(max(0, start + 1 - time.monotonic()))
            tried += 1

    def figures(self, seconds: float) -> str:
        """Returns how many there were and how long they took."""
        times = sorted(self.times) or [0.0]
        p50, p99 = (times[min(len(times) * share // 100, len(times) - 1)] for share in (50, 99))
        longest = times[-1]
        rate = len(self.times) / seconds
        return f"{rate:.2f}/s, p50 {p50:.2f}s, p99 {p99:.2f}s, longest {longest:.2f}s, {len(self.wrong)} errors"


def prepare(bench: Bench, models: int) -> dict[str, tuple[str, int]]:
    """Fills the hub; returns wrk's script and the number of clients for each kind of question."""
    bench.hub.admin("synth", "--models", str(models), "--datasets", str(models // 5), "bob")
    content = {f"f{n}.json": b'{"a": 1}\n' * 40 for n in range(20)} | {"README.md": b"---\nlicense: mit\n---\n# Hello\n"}
    for n in range(16):
        new_repo(bench, f"read-{n}")
        commit(bench, f"read-{n}", content)
        new_repo(bench, f"commits-{n}")

    def any_of(*forms: str) -> str:
        paths = [form.format(n=n, f=n % 20) for n in range(16) for form in forms]
        return ANY_OF % ", ".join(f'"{path}"' for path in paths)

    return {
        "pages": (any_of("/bob/read-{n}", "/bob/read-{n}/tree/main", "/bob/read-{n}/blob/main/f{f}.json", "/models", "/bob"), 10),
        "lists with a filter, and searches": (any_of("/models?license=mit", "/models?search=bert", "/api/quicksearch?q=ll"), 10),
        "the API": (any_of("/api/models/bob/read-{n}", "/api/models/bob/read-{n}/tree/main", "/api/models?limit=20"), 10),
        "files": (any_of("/bob/read-{n}/resolve/main/f{f}.json", "/bob/read-{n}/resolve/main/README.md"), 10),
        "commits": (COMMIT % 16 + THINK, 8),
    }


def loops(bench: Bench) -> dict[str, Loop]:
    """The two clients that are programs: one clones, one uploads files of 16 MiB in chunks."""
    url = new_repo(bench, "cloned")
    source = history(bench.folder / "source", 500)
    bench.timed(["git", "-C", source, "push", "-q", "--force", url, "main"], "git")
    new_repo(bench, "uploads")
    file = bench.folder / "part.bin"
    write_random(file, 16 * MIB)

    def clone(n) -> float:
        folder = bench.folder / f"clone-{n}"
        try:
            return bench.timed(["git", "clone", "-q", "--bare", url, folder], "git")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def upload(n) -> float:
        with file.open("r+b") as out:
            out.seek(random.randrange(15 * MIB))
            out.write(random.randbytes(MIB))
        return bench.timed([HF, "upload", "bob/uploads", file, f"part-{n}.bin"], "uploads")

    return {"`git clone` of 500 commits": Loop(clone), "`hf upload` of 16 MiB": Loop(upload)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=600)
    arguments.add_argument("--models", type=int, default=10_000, help="how many invented models there are")
    options = arguments.parse_args()
    bench = Bench(third="clients")
    try:
        kinds, programs = prepare(bench, options.models), loops(bench)
        bench.settle()
        bench.row("the hub's memory before", f"{bench.memory('VmRSS') / MIB:.0f} MiB")
        bench.forget_peak()
        answers = {}

        def ask(kind: str, script: str, clients: int):
            answers[kind] = bench.wrk(bench.hub.url, script, clients, options.seconds)

        start = time.monotonic()
        threads = [threading.Thread(target=ask, args=(kind, *how), daemon=True) for kind, how in kinds.items()]
        for thread in [*threads, *programs.values()]:
            thread.start()
        for thread in threads:
            thread.join()
        for loop in programs.values():
            loop.is_over = True
        for loop in programs.values():
            loop.join()
        seconds, peak = time.monotonic() - start, bench.peak()
        for kind, (_, clients) in kinds.items():
            bench.row(kind, answers[kind].figures() if kind in answers else "wrk failed", str(clients))
        for what, loop in programs.items():
            bench.row(what, loop.figures(seconds), "1")
        bench.row(f"the hub's peak memory in {seconds:.0f} s", peak)
        bench.row("the hub's memory after", f"{bench.memory('VmRSS') / MIB:.0f} MiB")
        wrong = [str(error)[-1000:] for loop in programs.values() for error in loop.wrong[:1]]
        wrong += [f"{kind}: {got.refused} refused, {got.broken} broken" for kind, got in answers.items() if got.refused or got.broken]
        if wrong or len(answers) < len(kinds):
            print(bench.hub.tail(20))
            sys.exit("\n".join(["not all went well:", *wrong]))
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
