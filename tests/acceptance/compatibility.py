"""Collects which client calls the tests show to work, and writes docs/compatibility.md from it.

As a pytest plugin: `--results DIR` leaves one JSON file per session. As a program:

    python compatibility.py write DIR docs/compatibility.md
    python compatibility.py check DIR docs/compatibility.md
"""

import json
import sys
from collections import defaultdict
from difflib import unified_diff
from pathlib import Path

OUTCOMES = ["failed", "not yet", "passed", "skipped"]
WORDS = {"passed": "yes", "failed": "**no**", "not yet": "not yet"}
STORES = {"local": "local", "s3": "S3"}


def pytest_addoption(parser):
    parser.addoption("--results", type=Path, help="folder to leave the results by client call in")


def pytest_configure(config):
    if config.option.results and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config), "compatibility-recorder")


def pytest_collection_modifyitems(items):
    for item in items:
        client = item.get_closest_marker("client")
        client = client.args[0] if client else default_client()
        for mark in item.iter_markers("calls"):
            item.user_properties += [("call", f"{client}\t{name}") for name in mark.args]


def default_client() -> str:
    """Returns the version of huggingface_hub that this session drives."""
    from importlib.metadata import version

    return f"huggingface_hub {version('huggingface_hub')}"


class Recorder:
    """Sums up the outcomes of all tests that name a call."""

    def __init__(self, config):
        self.folder = config.option.results
        self.store = config.option.store
        self.seen = defaultdict(set)

    def pytest_runtest_logreport(self, report):
        if report.when == "teardown" and report.passed or report.when == "setup" and report.passed:
            return
        outcome = "not yet" if hasattr(report, "wasxfail") else report.outcome
        for key, value in report.user_properties:
            if key == "call":
                self.seen[value].add(outcome)

    def pytest_sessionfinish(self):
        rows = []
        for key, outcomes in sorted(self.seen.items()):
            client, call = key.split("\t")
            worst = next(outcome for outcome in OUTCOMES if outcome in outcomes)
            rows.append({"client": client, "call": call, "store": self.store, "result": worst})
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{default_client().replace(' ', '-')}-{self.store}.json"
        (self.folder / name).write_text(json.dumps(rows, indent=1))


def table(folder: Path) -> str:
    """Returns the document for the results in `folder`."""
    results, columns, calls = {}, defaultdict(list), defaultdict(list)
    for file in sorted(folder.glob("*.json")):
        for row in json.loads(file.read_text()):
            name, _, version = row["client"].rpartition(" ")
            column = (version, row["store"])
            # A test that only one session of the run needs is skipped in the others.
            if row["result"] == "skipped" and (name, row["call"], column) in results:
                continue
            results[name, row["call"], column] = row["result"]
            if column not in columns[name]:
                columns[name].append(column)
            if row["call"] not in calls[name]:
                calls[name].append(row["call"])
    parts = [INTRODUCTION]
    for name in sorted(calls):
        heads = sorted(columns[name], key=lambda column: ([int(n) for n in column[0].split(".")], column[1]))
        parts.append(f"\n## {name}\n")
        parts.append("| call |" + "".join(f" {version}, {STORES[store]} |" for version, store in heads))
        parts.append("|---|" + "---|" * len(heads))
        for call in sorted(calls[name], key=str.lower):
            cells = [WORDS.get(results.get((name, call, column), ""), "–") for column in heads]
            parts.append(f"| {call} |" + "".join(f" {cell} |" for cell in cells))
    return "\n".join(parts) + "\n"


INTRODUCTION = """\
# Compatibility

What unmodified clients do against this hub, by client version and store. This page is written by
`tests/acceptance/run` from the tests that ran, never by hand: "yes" means that every test that
makes the call passed against a running hub with a real Postgres, "not yet" that the test is there
and is expected to fail, "–" that the client version has no such call."""


def main(verb: str, folder: str, document: str) -> int:
    """Writes the document, or says whether it is what the results give."""
    text, path = table(Path(folder)), Path(document)
    if verb == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return 0
    if path.exists() and path.read_text() == text:
        return 0
    written = path.read_text().splitlines() if path.exists() else []
    print("\n".join(unified_diff(written, text.splitlines(), "committed", "this run", n=0, lineterm="")), file=sys.stderr)
    print(f"{path.name} is not what this run gives: run tests/acceptance/run and commit it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
