"""Fifty clients at once, who read pages, ask the API, download, search, commit, clone and upload: how long answers take.

Each client waits a tenth of a second between two requests. Nothing may be refused or break. The local store; one machine.
"""

import argparse
import random
import threading
import time

from common import HF, MIB, Bench, write_random
from serving import COMMIT, commit, history, new_repo

THINK = "function delay() return 100 end\n"
# Each request asks for another of these.
ANY_OF = THINK + """
local paths = { %s }
request = function() return wrk.format(nil, paths[math.random(#paths)]) end
"""


class Loop(threading.Thread):
    """Does something again and again until told to stop; keeps how long each took."""

    def __init__(self, work):
        super().__init__()
        self.work, self.times, self.wrong, self.is_over = work, [], None, False

    def run(self):
        try:
            while not self.is_over:
                start = time.monotonic()
                self.work(len(self.times))
                self.times.append(time.monotonic() - start)
        except Exception as error:
            self.wrong = error

    def figures(self) -> str:
        """Returns how many there were and how long they took."""
        if self.wrong:
            raise self.wrong
        times = sorted(self.times)
        return f"{len(times)} times, p50 {times[len(times) // 2]:.2f} s, longest {times[-1]:.2f} s"


def prepare(bench: Bench) -> dict[str, tuple[str, int]]:
    """Fills the hub; returns wrk's script and the number of clients for each kind of question."""
    bench.hub.admin("synth", "--models", "10000", "--datasets", "2000", "bob")
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

    def clone(n):
        bench.timed(["git", "clone", "-q", "--bare", url, bench.folder / f"clone-{n}"], "git")

    def upload(n):
        with file.open("r+b") as out:
            out.seek(random.randrange(15 * MIB))
            out.write(random.randbytes(MIB))
        bench.timed([HF, "upload", "bob/uploads", file, f"part-{n}.bin"], "uploads")

    return {"`git clone` of 500 commits": Loop(clone), "`hf upload` of 16 MiB": Loop(upload)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=600)
    options = arguments.parse_args()
    bench = Bench()
    try:
        kinds, programs = prepare(bench), loops(bench)
        bench.settle()
        answers = {}

        def ask(kind: str, script: str, clients: int):
            answers[kind] = bench.wrk(bench.hub.url, script, clients, options.seconds)

        threads = [threading.Thread(target=ask, args=(kind, *how)) for kind, how in kinds.items()]
        for thread in [*threads, *programs.values()]:
            thread.start()
        for thread in threads:
            thread.join()
        for kind, (_, clients) in kinds.items():
            got = answers[kind].expect_all_good()
            bench.row(f"{kind}, {clients} clients", f"{got.per_second:.0f}/s, p50 {got.p50}, p99 {got.p99}")
        for what, loop in programs.items():
            loop.is_over = True
            loop.join()
            bench.row(what, loop.figures())
        bench.row(f"the hub's peak memory in {options.seconds} s", f"{bench.memory('VmHWM') / MIB:.0f} MiB")
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
