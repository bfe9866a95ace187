"""Finding one among many: lists, facets, words and pages of a hub full of invented repositories.

Each question goes to the hub by HTTP, as a browser would ask it, and to the full text search of the Postgres that holds
the same repositories, with the indexes that it wants. Times are whole answers, the page's HTML included.

A hub keeps for a while what was asked. So each kind of question is asked twice: a few over and over while nothing changes, and then as
many different ones as there are, each once, while somebody likes a model ten times a second.
"""

import argparse
import http.client
import itertools
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from common import end_when_asked  # noqa: E402 - found by the path above
from harness.hub import Hub, hub_binary  # noqa: E402 - found by the path above
from harness.people import TOKENS  # noqa: E402 - found by the path above

ROUNDS = 200
# What a list page asks Postgres for: the newest page of what fits, and how many have each tag.
PEER = """
explain (analyze, format json)
with fits as materialized (select r.repo_pk, r.downloads, r.tags from repos r {join}
    where r.repo_type = 'model' and not r.private and r.deleted_at is null {where})
select (select array_agg(repo_pk) from (select repo_pk from fits order by downloads desc limit 30) page),
       (select json_agg(tags) from (select tag, count(*) from fits, unnest(tags) tag group by 1 order by 2 desc limit 180) tags),
       (select count(*) from fits)
"""
WORDS = "join repo_texts t using (repo_pk)", "and to_tsvector('simple', t.card) @@ plainto_tsquery('simple', '{0}')"
TAGS = "", "and r.tags @> '{{{0}}}'"

QUESTIONS = [
    ("list, no filter", ["/models", "/models?sort=downloads", "/models?sort=created", "/models?sort=likes"], None),
    ("list, one filter", ["/models?pipeline_tag=text-generation", "/models?pipeline_tag=fill-mask", "/models?license=mit"],
     (TAGS, ["text-generation", "fill-mask", "license:mit"])),
    ("list, two filters", ["/models?pipeline_tag=text-generation&license=mit", "/models?library=transformers&language=en"],
     (TAGS, ["text-generation,license:mit", "transformers,en"])),
    ("search, one word", ["/models?search=bert", "/models?search=llama", "/models?search=whisper"],
     (WORDS, ["bert", "llama", "whisper"])),
    ("search, two words", ["/models?search=llama+chat", "/models?search=text+generation"],
     (WORDS, ["llama chat", "text generation"])),
    ("search, mistyped", ["/models?search=whsiper", "/models?search=distlbert"], None),
    ("search, a beginning", ["/models?search=l", "/models?search=ll", "/models?search=lla", "/models?search=qw"], None),
    ("quick search", ["/api/quicksearch?q=b", "/api/quicksearch?q=ber", "/api/quicksearch?q=llama-3", "/api/quicksearch?q=qwen"], None),
    ("API list", ["/api/models?limit=20&sort=downloads", "/api/models?limit=20&filter=text-generation&sort=downloads"], None),
    # A page of 500, as clients get that name no limit.
    ("API list, no limit", ["/api/models?filter=text-generation"], None),
]


def values(group: str) -> list[str]:
    """What invented repositories have of something."""
    file = Path(__file__).resolve().parents[1] / "crates/hub-search/src/synth/distributions.tsv"
    rows = (line.split("\t") for line in file.read_text().splitlines() if not line.startswith("#"))
    return [row[1] for row in rows if row[0] == group and row[1] != "-"]


def different_questions() -> dict[str, list[str]]:
    """For each kind of question, addresses of which no two are the same."""
    families, variants, tasks = values("family"), values("variant"), values("model-task")
    facets = {"pipeline_tag": tasks, "library": values("library"), "license": values("license"), "language": values("language")}
    one = [f"{name}={value}" for name, known in facets.items() for value in known]
    # The file names what is frequent first.
    frequent = [f"{name}={value}" for name, known in facets.items() for value in known[:10]]
    two = [f"{a}&{b}" for a, b in itertools.combinations(frequent, 2) if a.split("=")[0] != b.split("=")[0]]
    words = sorted({word for name in [*families, *variants, *tasks] for word in re.split(r"[-_.]", name.lower()) if len(word) > 2})
    typos = [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for word in words if len(word) > 5 for at in (1, 2, 3)]
    begun = sorted({name.lower()[:length] for name in [*families, *tasks] for length in range(1, 9)})
    sorts = ("trending", "downloads", "created", "likes", "modified")
    return {
        "list, no filter": [f"/models?sort={sort}&p={page}" for sort in sorts for page in range(40)],
        "list, one filter": [f"/models?{filter}" for filter in one],
        "list, two filters": [f"/models?{filters}" for filters in two],
        "search, one word": [f"/models?search={word}" for word in words],
        "search, two words": [f"/models?search={a}+{b}" for a, b in itertools.combinations(words, 2)],
        "search, mistyped": [f"/models?search={word}" for word in typos],
        "search, a beginning": [f"/models?search={begin}" for begin in begun],
        "quick search": [f"/api/quicksearch?q={begin}" for begin in begun],
        "API list": [f"/api/models?limit=20&sort=downloads&filter={filter.split('=')[1]}" for filter in one],
        "API list, no limit": [f"/api/models?filter={filter.split('=')[1]}" for filter in one],
    }


class Liker:
    """Somebody who likes a model and takes it back, ten times a second."""

    def __init__(self, hub: Hub, models: list[str]):
        self._hub, self._models, self._stop = hub, models, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        connection = http.client.HTTPConnection(self._hub.url.removeprefix("http://"))
        for at in itertools.count():
            method, model = ("POST", "DELETE")[at % 2], self._models[at // 2 % len(self._models)]
            connection.request(method, f"/api{model}/like", headers={"Authorization": f"Bearer {TOKENS['bob']}"})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            response.read()
            if self._stop.wait(0.1):
                return


class Asker:
    """One connection to the hub."""

    def __init__(self, hub: Hub):
        self.connection = http.client.HTTPConnection(hub.url.removeprefix("http://"))

    def get(self, path: str) -> tuple[float, bytes]:
        """Returns the seconds an answer took, and its body."""
        start = time.monotonic()
        self.connection.request("GET", path)
        response = self.connection.getresponse()
        body = response.read()
        assert response.status == 200, (path, response.status, body[:300])
        return time.monotonic() - start, body

    def times(self, paths: list[str]) -> list[float]:
        """Milliseconds, sorted."""
        for path in paths:
            self.get(path)
        return sorted(self.get(paths[at % len(paths)])[0] * 1e3 for at in range(ROUNDS))

    def times_once(self, paths: list[str]) -> list[float]:
        """Milliseconds, sorted, of as many of these as the rounds, each asked once."""
        return sorted(self.get(path)[0] * 1e3 for path in random.Random(1).sample(paths, min(ROUNDS, len(paths))))


def at(times: list[float], part: int) -> float:
    return times[min(len(times) * part // 100, len(times) - 1)]


class Peer:
    """The Postgres of the hub, asked directly."""

    def __init__(self, hub: Hub):
        self.address = hub.database_url()

    def run(self, sql: str) -> str:
        done = subprocess.run(["psql", "-qXAt", self.address, "-c", sql], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def scans(self) -> set[tuple[str, str]]:
        """Each large table with how often it was read from end to end."""
        sql = "select relname, seq_scan from pg_stat_user_tables where n_live_tup > 10000"
        return {tuple(line.split("|")) for line in self.run(sql).split()}

    def times(self, form: tuple[str, str], values: list[str]) -> list[float]:
        """Milliseconds that the server says the statement took, sorted."""
        join, where = form
        statements = [PEER.format(join=join, where=where.format(value)) for value in values]
        plans = (json.loads(self.run(statements[n % len(statements)])) for n in range(3 * len(statements)))
        return sorted(plan[0]["Execution Time"] + plan[0]["Planning Time"] for plan in plans)


def fill(hub: Hub, models: int) -> tuple[float, float]:
    """Seconds to write the repositories, and to index them from nothing."""
    hub._child.stop()
    start = time.monotonic()
    counts = ["--models", str(models), "--datasets", str(models * 3 // 10), "--spaces", str(models // 10)]
    subprocess.run([hub_binary(), "admin", "synth", "bob", *counts], env={**os.environ, **hub.env}, check=True, capture_output=True)
    written = time.monotonic() - start
    subprocess.run(["rm", "-rf", f"{hub.env['HUB_DATA_DIR']}/search"], check=True)
    hub.start()
    start = time.monotonic()
    asker = Asker(hub)
    # The first index of a folder is an empty one, and in use until another is full.
    current = Path(hub.env["HUB_DATA_DIR"]) / "search" / "current"
    while current.read_text() == "index-1":
        time.sleep(0.2)
    while not re.search(rb"^hub_search_changes_behind 0$", asker.get("/metrics")[1], re.M):
        time.sleep(0.2)
    return written, time.monotonic() - start


def folder_bytes(hub: Hub) -> int:
    """The size of the index."""
    root = Path(hub.env["HUB_DATA_DIR"]) / "search"
    return sum(file.stat().st_size for file in root.rglob("*") if file.is_file())


def memory_mib(hub: Hub) -> int:
    status = Path(f"/proc/{hub._child.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def measure(models: int):
    end_when_asked()
    hub = Hub("local", settings={"HUB_LOG": "warn"})
    try:
        before = memory_mib(hub)
        written, indexed = fill(hub, models)
        total = models + models * 3 // 10 + models // 10
        print(f"\n{models:,} models, {models * 3 // 10:,} datasets, {models // 10:,} Spaces: written in {written:.0f} s, indexed by a "
              f"running hub in {indexed:.0f} s ({total / indexed:,.0f}/s); the index takes {folder_bytes(hub) >> 20} MiB of disk, and the "
              f"hub {memory_mib(hub) - before} MiB more of memory\n")
        peer, asker = Peer(hub), Asker(hub)
        _, found = asker.get("/api/models?limit=50&sort=likes")
        models = [f"/models/{model['id']}" for model in json.loads(found)]
        # As Postgres does by itself a while after so many rows came.
        peer.run("vacuum analyze")
        once = different_questions()
        # Postgres counts what it read some seconds late.
        time.sleep(15)
        scanned = peer.scans()
        rows = []
        for name, paths, same in [*QUESTIONS, ("model page", [model.removeprefix("/models") for model in models], None)]:
            again = asker.times(paths)
            with Liker(hub, models):
                first = asker.times_once(once.get(name, paths))
            rows.append((name, *(f"{at(times, 50):.1f}, {at(times, 99):.1f}" for times in (again, first)), same))
        time.sleep(15)
        scanned = peer.scans() - scanned
        peer.run("create index on repo_texts using gin (to_tsvector('simple', card))")
        peer.run("vacuum analyze repo_texts")
        print("| question | again: p50, p99 ms | first, beside changes: p50, p99 ms | Postgres full text, same question, p50 ms |\n|---|---|---|---|")
        for name, again, first, same in rows:
            other = f"{at(peer.times(*same), 50):.0f}" if same else ""
            print(f"| {name} | {again} | {first} | {other} |", flush=True)
        print("\nTables of more than 10,000 rows that were read from end to end:", ", ".join(sorted(table for table, _ in scanned)) or "none", flush=True)
    finally:
        hub.stop()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("models", type=int, nargs="*", default=[10_000, 100_000])
    for models in arguments.parse_args().models:
        measure(models)


if __name__ == "__main__":
    main()
