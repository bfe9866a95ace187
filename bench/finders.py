"""How well the hub finds the datasets that models were trained on: hit@10 and recall@10 on links that cards declare.

With a wheel, the links are real: the package `mteb` (Apache-2.0) says of embedding models which datasets they were trained on, in which
languages, from what and under which licence. Its files are read, not run. Models and datasets become repositories of a fresh
hub with cards of their own; then, for each model, the datasets are ranked as if its card named none, and its own vote for a
dataset does not count. Beside it stands what naming the most declared datasets to everybody would give.

    pip download mteb --no-deps -d mteb && HUB_BIN=... python bench/finders.py mteb/mteb-*.whl

Those models are all for one task. With `--synthetic`, models and datasets are invented, for several tasks, with what their makers
know of each other hidden: a dataset has a task, languages and a field, a model a task, a language, a field and often a base; most
models take data that fit them or that others of their family took, some take what everybody takes, and cards leave things out.

    HUB_BIN=... python bench/finders.py --synthetic 1000
"""

import argparse
import ast
import collections
import json
import random
import re
import sys
import time
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from harness.hub import Hub  # noqa: E402 - found by the path above
from harness.people import TOKENS  # noqa: E402 - found by the path above

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


# By task: how many of a hundred models are for it.
SYNTHETIC_TASKS = {
    "text-generation": 30, "text-classification": 20, "automatic-speech-recognition": 12, "image-classification": 12, "translation": 10,
    "summarization": 6, "question-answering": 6, "tabular-classification": 4,
}
FIELDS = ["medical", "legal", "finance", "code", "math", "news", "education", "biology"]


def invent(number, seed):
    """Returns as many models and half as many datasets, as `read` does; each model has its task besides."""
    dice = random.Random(seed)
    languages = sorted(set(LANGUAGES.values()) - {"en"})
    tasks, weights = list(SYNTHETIC_TASKS), list(SYNTHETIC_TASKS.values())
    maybe = lambda share, value, other=None: value if dice.random() < share else other  # noqa: E731 - a name for one expression
    # English is as frequent as all others together, and those fall off.
    language = lambda: maybe(0.5, "en", languages[min(int(dice.expovariate(0.2)), len(languages) - 1)])  # noqa: E731 - a name for one expression
    known = []
    for place in range(number // 2):
        spoken = {language() for _ in range(dice.choice((1, 1, 1, 2, 3)))}
        known.append({
            "id": f"data/set-{place:05}", "task": dice.choices(tasks, weights)[0], "languages": spoken,
            "field": maybe(0.4, dice.choice(FIELDS)), "weight": 1 / (1 + place % 97),
        })
    bases = [{"id": f"base/model-{place:03}", "task": dice.choices(tasks, weights)[0], "language": language()} for place in range(number // 15 + 1)]
    taken_by_family, models = collections.defaultdict(list), {}
    for place in range(number):
        base = maybe(0.6, dice.choice(bases))
        task = base["task"] if base else dice.choices(tasks, weights)[0]
        spoken = base["language"] if base and dice.random() < 0.7 else language()
        field = maybe(0.35, dice.choice(FIELDS))
        fits = lambda data: data["weight"] * (4 if spoken in data["languages"] else 1) * (6 if field and field == data["field"] else 1)  # noqa: E731 - a name for one expression
        of_task = [data for data in known if data["task"] == task] or known
        links = set()
        for _ in range(1 + min(int(dice.expovariate(0.7)), 7)):
            family = taken_by_family[base["id"]] if base else []
            chance = dice.random()
            if chance < 0.35 and family:
                links.add(dice.choice(family))
            elif chance < 0.9:
                links.add(dice.choices(of_task, [fits(data) for data in of_task])[0]["id"])
            else:
                links.add(dice.choices(known, [data["weight"] for data in known])[0]["id"])
        if base:
            taken_by_family[base["id"]] += sorted(links)
        models[f"maker/model-{place:05}"] = {
            "links": sorted(links), "languages": maybe(0.8, [spoken], []), "license": maybe(0.75, dice.choice(["mit", "apache-2.0", "cc-by-nc-4.0"])),
            "base": maybe(0.85, base["id"]) if base else None, "task": task, "says_task": dice.random() < 0.9, "field": maybe(0.6, field),
        }
    datasets = {
        data["id"]: {
            "tasks": maybe(0.85, {data["task"]}, set()), "languages": maybe(0.8, data["languages"], set()), "field": maybe(0.7, data["field"]),
            "license": maybe(0.75, dice.choice(["mit", "cc-by-4.0", "cc-by-sa-4.0", "odc-by"])),
        }
        for data in known
    }
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
    lines += [f"license: {licence}"] if licence in LICENCES else []
    return lines + ([f"tags: [{said['field']}]"] if said.get("field") else [])


def fill(api, models, datasets):
    linked = {link for said in models.values() for link in said["links"]}
    # Datasets that no model names make it as hard as it is.
    others = [path for path in sorted(datasets) if path not in linked][: len(linked)]
    for path in sorted(linked) + others:
        tasks = sorted(datasets[path]["tasks"])
        api.publish("dataset", path, card_lines(datasets[path]) + ([f"task_categories: {json.dumps(tasks)}"] if tasks else []))
    for identifier, said in sorted(models.items()):
        lines = card_lines(said)
        if "task" not in said:
            lines += ["pipeline_tag: sentence-similarity", "library_name: sentence-transformers"]
        elif said["says_task"]:
            lines += [f"pipeline_tag: {said['task']}"]
        lines += [f"base_model: {name_of(said['base'])}"] if said["base"] and said["base"].count("/") == 1 else []
        lines += [f"datasets: {json.dumps([name_of(link) for link in said['links']])}"] if said["links"] else []
        api.publish("model", identifier, lines)
    return len(linked), len(others)


def measure(ranked, truth):
    hits = [bool(set(found[:10]) & wanted) for found, wanted in zip(ranked, truth)]
    recalls = [len(set(found[:10]) & wanted) / min(10, len(wanted)) for found, wanted in zip(ranked, truth)]
    return {"hit@10": round(sum(hits) / len(hits), 3), "recall@10": round(sum(recalls) / len(recalls), 3)}


def most_named(truth, groups):
    """Returns for each model the datasets that the others of its group name most."""
    votes = collections.defaultdict(collections.Counter)
    for group, wanted in zip(groups, truth):
        votes[group].update(wanted)
    ranked = []
    for group, wanted in zip(groups, truth):
        without = collections.Counter({link: count - (link in wanted) for link, count in votes[group].items()})
        ranked.append([link for link, count in without.most_common(10) if count])
    return ranked


def by_task(models, ranked, truth):
    places = collections.defaultdict(list)
    for place, said in enumerate(models.values()):
        places[said.get("task", "sentence-similarity")].append(place)
    return {
        task: {"models": len(of_task), **measure([ranked[place] for place in of_task], [truth[place] for place in of_task])}
        for task, of_task in sorted(places.items())
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("wheel", type=Path, nargs="?")
    arguments.add_argument("--models", type=int, default=10_000, help="at most so many of the wheel")
    arguments.add_argument("--synthetic", type=int, metavar="MODELS", help="invent so many models instead")
    arguments.add_argument("--seed", type=int, default=1, help="of what is invented")
    given = arguments.parse_args()
    if (given.wheel is None) == (given.synthetic is None):
        arguments.error("give a wheel, or --synthetic with a number")
    models, datasets = read(given.wheel) if given.wheel else invent(given.synthetic, given.seed)
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
        everybody = most_named(truth, [""] * len(truth))
        same_task = most_named(truth, [said.get("task", "") for said in models.values()])
        seconds.sort()
        print(json.dumps({
            "models": len(models), "links": sum(map(len, truth)), "datasets": linked + others, "of them named by no model": others,
            "hub": measure(ranked, truth), "the most named, for everybody": measure(everybody, truth),
            "the most named for the true task": measure(same_task, truth), "hub, by task": by_task(models, ranked, truth),
            "ms p50": round(1000 * seconds[len(seconds) // 2]), "ms p99": round(1000 * seconds[int(len(seconds) * 0.99)]),
        }, indent=1))
    finally:
        hub.stop()


if __name__ == "__main__":
    main()
