"""How well the hub finds the datasets that models were trained on: hit@10 and recall@10 on links that cards declare.

The links are real: the package `mteb` (Apache-2.0) says of embedding models which datasets they were trained on, in which
languages, from what and under which licence. Its files are read, not run. Models and datasets become repositories of a fresh
hub with cards of their own; then, for each model, the datasets are ranked as if its card named none, and its own vote for a
dataset does not count. Beside it stands what naming the most declared datasets to everybody would give.

    pip download mteb --no-deps -d mteb && HUB_BIN=... python bench/finders.py mteb/mteb-*.whl
"""

import argparse
import ast
import collections
import json
import re
import sys
import time
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from harness.hub import Hub  # noqa: E402
from harness.people import TOKENS  # noqa: E402

TASKS = {
    "Retrieval": "text-retrieval",
    "InstructionRetrieval": "text-retrieval",
    "STS": "sentence-similarity",
    "Reranking": "text-ranking",
    "Classification": "text-classification",
    "MultilabelClassification": "text-classification",
    "PairClassification": "text-classification",
    "BitextMining": "translation",
    "Summarization": "summarization",
}
LICENCES = {line.split("\t")[0] for line in Path(__file__).resolve().parents[1].joinpath("crates/hub/src/licences/data.tsv").read_text().splitlines()}
LANGUAGES = dict(
    pair.split(":")
    for pair in "eng:en zho:zh cmn:zh fra:fr deu:de spa:es ita:it por:pt rus:ru jpn:ja kor:ko ara:ar hin:hi nld:nl pol:pl tur:tr vie:vi "
    "ind:id tha:th swe:sv ces:cs ukr:uk fas:fa heb:he fin:fi dan:da nob:no ron:ro hun:hu ell:el bul:bg cat:ca ben:bn tam:ta tel:te "
    "urd:ur swa:sw".split()
)


def literal(node, names):
    """Returns what a node of the syntax says, as far as it can be told without running it."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [literal(item, names) for item in node.elts if not isinstance(item, ast.Starred)]
    if isinstance(node, ast.Dict):
        return {str(literal(key, names)): literal(value, names) for key, value in zip(node.keys, node.values) if key}
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitOr, ast.Add)):
        left, right = literal(node.left, names), literal(node.right, names)
        return [*left, *right] if isinstance(left, list) and isinstance(right, list) else left or right
    return None


def calls(tree, name):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == name:
            yield {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}


def codes(languages):
    flat = languages.values() if isinstance(languages, dict) else [languages or []]
    found = {str(code).split("-")[0] for group in flat for code in (group or []) if code}
    return sorted({LANGUAGES[code] for code in found if code in LANGUAGES})[:12]


def read(wheel):
    """Returns the models and datasets that the package knows: by id, what their cards would say."""
    files = zipfile.ZipFile(wheel)
    trees = {}
    for name in files.namelist():
        if name.startswith(("mteb/models/model_implementations/", "mteb/tasks/")) and name.endswith(".py"):
            trees[name] = ast.parse(files.read(name))
    names = {}
    for _ in range(3):  # sets are made from sets of other files
        for tree in trees.values():
            for node in tree.body:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
                value = literal(node.value, names) if targets and node.value else None
                for target in targets:
                    if isinstance(target, ast.Name) and value:
                        names[target.id] = value
    datasets, by_task = {}, {}
    for tree in trees.values():
        for call in calls(tree, "TaskMetadata"):
            said = {key: literal(call[key], names) for key in ("name", "dataset", "type", "eval_langs", "license") if key in call}
            path = (said.get("dataset") or {}).get("path")
            if not said.get("name") or not path or path.count("/") != 1:
                continue
            by_task[said["name"]] = path
            entry = datasets.setdefault(path, {"tasks": set(), "languages": set(), "license": said.get("license")})
            entry["tasks"].update(filter(None, [TASKS.get(said.get("type"))]))
            entry["languages"].update(codes(said.get("eval_langs")))
    models = {}
    for tree in trees.values():
        for call in calls(tree, "ModelMeta"):
            keys = ("name", "languages", "license", "adapted_from", "training_datasets")
            said = {key: literal(call[key], names) for key in keys if key in call}
            trained = said.get("training_datasets") or []
            if not said.get("name") or said["name"].count("/") != 1:
                continue
            links = sorted({by_task[task] for task in trained if task in by_task})
            models[said["name"]] = {"links": links, "languages": codes(said.get("languages")), "license": said.get("license"), "base": said.get("adapted_from")}
    return models, datasets


def name_of(identifier):
    """Returns the id as the one owner of this hub would have it."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", identifier.replace("/", "_"))
    return "acme/" + re.sub(r"([.-])[.-]+", r"\1", plain)[:90].strip(".-")


class Api:
    def __init__(self, url):
        self.url = url

    def ask(self, path, body=None, kind="application/json"):
        headers = {"Authorization": f"Bearer {TOKENS['ada']}", "Content-Type": kind}
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        return json.load(urllib.request.urlopen(request))

    def publish(self, kind, identifier, lines):
        name = name_of(identifier)
        create = {"type": kind, "organization": "acme", "name": name.split("/")[1]}
        self.ask("/api/repos/create", json.dumps(create).encode())
        card = "---\n" + "\n".join(lines) + f"\n---\n# {identifier}\n"
        commit = [{"key": "header", "value": {"summary": "Add the card"}}, {"key": "file", "value": {"path": "README.md", "content": card, "encoding": "utf-8"}}]
        body = "\n".join(json.dumps(line) for line in commit).encode()
        self.ask(f"/api/{kind}s/{name}/commit/main", body, "application/x-ndjson")


def card_lines(said):
    lines = [f"language: {json.dumps(sorted(said['languages']))}"] if said["languages"] else []
    licence = str(said.get("license") or "").lower()
    return lines + ([f"license: {licence}"] if licence in LICENCES else [])


def fill(api, models, datasets):
    linked = {link for said in models.values() for link in said["links"]}
    # Datasets that no model names make it as hard as it is.
    others = [path for path in sorted(datasets) if path not in linked][: len(linked)]
    for path in sorted(linked) + others:
        tasks = sorted(datasets[path]["tasks"])
        api.publish("dataset", path, card_lines(datasets[path]) + ([f"task_categories: {json.dumps(tasks)}"] if tasks else []))
    for identifier, said in sorted(models.items()):
        lines = ["pipeline_tag: sentence-similarity", "library_name: sentence-transformers", *card_lines(said)]
        lines += [f"base_model: {name_of(said['base'])}"] if said["base"] and said["base"].count("/") == 1 else []
        lines += [f"datasets: {json.dumps([name_of(link) for link in said['links']])}"] if said["links"] else []
        api.publish("model", identifier, lines)
    return len(linked), len(others)


def measure(ranked, truth):
    hits = [bool(set(found[:10]) & wanted) for found, wanted in zip(ranked, truth)]
    recalls = [len(set(found[:10]) & wanted) / min(10, len(wanted)) for found, wanted in zip(ranked, truth)]
    return {"hit@10": round(sum(hits) / len(hits), 3), "recall@10": round(sum(recalls) / len(recalls), 3)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("wheel", type=Path)
    arguments.add_argument("--models", type=int, default=10_000, help="at most so many")
    given = arguments.parse_args()
    models, datasets = read(given.wheel)
    seen = {}
    for identifier in sorted(models):
        if models[identifier]["links"]:
            seen.setdefault(name_of(identifier).lower(), identifier)
    models = {identifier: models[identifier] for identifier in list(seen.values())[: given.models]}
    hub = Hub()
    try:
        api = Api(hub.url)
        linked, others = fill(api, models, datasets)
        deadline = time.monotonic() + 120
        while True:
            found = api.ask("/api/quicksearch?q=acme&limit=1")
            if found["modelsCount"] >= len(models) or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        truth = [{name_of(link) for link in said["links"]} for said in models.values()]
        ranked, seconds = [], []
        for identifier in models:
            started = time.monotonic()
            answer = api.ask(f"/api/models/{urllib.parse.quote(name_of(identifier))}/related?declared=true&limit=10")
            seconds.append(time.monotonic() - started)
            ranked.append([dataset["id"] for dataset in answer["datasets"]])
        votes = collections.Counter(link for wanted in truth for link in wanted)
        popular = []
        for wanted in truth:
            without = collections.Counter({link: count - (link in wanted) for link, count in votes.items()})
            popular.append([link for link, count in without.most_common(10) if count])
        seconds.sort()
        print(json.dumps({
            "models": len(models), "links": sum(map(len, truth)), "datasets": linked + others, "of them named by no model": others,
            "hub": measure(ranked, truth), "the most named, for everybody": measure(popular, truth),
            "ms p50": round(1000 * seconds[len(seconds) // 2]), "ms p99": round(1000 * seconds[int(len(seconds) * 0.99)]),
        }, indent=1))
    finally:
        hub.stop()


if __name__ == "__main__":
    main()
