"""What the pages that tests look at have on them, besides what conftest makes."""

import json
import struct
import urllib.request
import zlib
from pathlib import Path

import pytest
from harness.people import TOKENS

PARQUET = Path(__file__).resolve().parents[2] / "crates/hub-cards/testdata/snappy-1.parquet"
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": "# A notebook\n\nWith text."},
        {
            "cell_type": "code",
            "execution_count": 1,
            "source": "import math\nprint(math.pi)",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "3.14159\n"}],
        },
    ],
    "metadata": {"language_info": {"name": "python"}},
    "nbformat": 4,
}


def post(address, body):
    """Sends JSON as dave; what the client library has no call for."""
    headers = {"Authorization": f"Bearer {TOKENS['dave']}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), headers), timeout=30) as answer:
        return json.load(answer)


@pytest.fixture(scope="session")
def rich(hub):
    """A model of ada's with something in every section of its page."""
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    card = """---
license: mit
library_name: transformers
pipeline_tag: text-classification
base_model: ada/root
datasets: [acme/shown-data, elsewhere/rows]
co2_eq_emissions: {emissions: 1500, source: a meter, hardware_used: one laptop}
model-index:
- name: rich
  results:
  - task: {type: text-classification}
    dataset: {name: GLUE, type: glue, split: test}
    metrics:
    - {type: accuracy, value: 0.934, verified: true}
    - {type: f1, value: 0.921}
    source: {url: "https://example.org/board", name: The board}
---
# Rich

[![License: MIT](https://img.shields.io/badge/license-MIT-blue.svg)](LICENSE) [![Paper](https://img.shields.io/badge/arXiv-red.svg)](https://arxiv.org/abs/1706.03762) ![Downloads](https://img.shields.io/badge/downloads-7.svg)

<p align="center"><img src="https://example.org/architecture.png" alt="The architecture" width="60%"></p>

See [the paper](https://arxiv.org/abs/1706.03762).

## One

Text.

## Two

## Three

```bibtex
@article{rich2026,
  title={Rich}
}
```
"""
    files = {
        "README.md": card,
        "notes/table.csv": "name,size\nx,1\ny,2\n",
        "notes/walk.ipynb": json.dumps(NOTEBOOK),
        "notes/rows.jsonl": '{"name": "x", "list": [1, 2]}\n',
        "src/very/deep/down/config.json": "{}",
    }
    night = "---\ntags: [not-for-all-audiences]\n---\n# Night\n"
    for repo_id, content in (("ada/root", {"README.md": "# Root\n"}), ("ada/rich", files), ("ada/night", {"README.md": night})):
        api.create_repo(repo_id, exist_ok=True)
        adds = [CommitOperationAdd(path, text.encode()) for path, text in content.items()]
        api.create_commit(repo_id, adds, commit_message="Add files")
    api.create_discussion("ada/rich", title="How was it trained?", description="On `text`, or on **more**? cc @bob")
    HfApi(endpoint=hub.url, token=TOKENS["dave"]).comment_discussion("ada/rich", 1, "> On text\n\nThanks, @ada!")
    api.rename_discussion("ada/rich", 1, "What was it trained on?")
    proposal = [CommitOperationAdd("notes/table.csv", b"name,size\nx,1\ny,3\nz,4\n")]
    HfApi(endpoint=hub.url, token=TOKENS["dave"]).create_commit(
        "ada/rich", proposal, commit_message="Mend the table", commit_description="It had a wrong size.", create_pr=True
    )
    talk = f"{hub.url}/api/models/ada/rich/discussions/2/comment"
    remark = {"comment": "Measured **twice**.", "anchor": {"path": "notes/table.csv", "line": 3}}
    said = post(talk, remark)["newMessage"]["id"]
    post(talk, {"comment": "And once more.", "replyTo": said})
    removed = {"comment": "It was wrong.", "anchor": {"path": "notes/table.csv", "side": "old", "line": 3}}
    settled = post(talk, removed)["newMessage"]["id"]
    post(f"{talk}/{settled}/resolve", {"resolved": True})
    dataset = """---
configs:
- config_name: default
  default: true
  data_files: [{split: train, path: data.csv}]
dataset_info:
- config_name: default
  features: [{name: a, dtype: int64}, {name: b, dtype: {class_label: {names: {'0': no, '1': yes}}}}]
  splits: [{name: train, num_examples: 12345, num_bytes: 123456}]
---
# Parts
"""
    api.create_repo("ada/parts", repo_type="dataset", exist_ok=True)
    adds = [CommitOperationAdd("README.md", dataset.encode()), CommitOperationAdd("data.csv", b"a,b\n1,0\n")]
    adds += [CommitOperationAdd("data.parquet", PARQUET.read_bytes())]
    api.create_commit("ada/parts", adds, commit_message="Add files", repo_type="dataset")
    return "/ada/rich"


@pytest.fixture(scope="session")
def collected(hub, shown):
    """Collections of ada's, the first with two items and a note; likes and downloads of what is in them."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    made = [api.create_collection(f"Shelf {name}", description="What belongs together") for name in ("one", "two", "three")]
    for collection, theme in zip(made, ("green", "pink", "indigo")):
        api.update_collection_metadata(collection.slug, theme=theme)
    api.add_collection_item(made[0].slug, "ada/shown", "model", note="The one to begin with.\nThen read on.")
    api.add_collection_item(made[0].slug, "acme/shown-data", "dataset")
    api.add_collection_item(made[0].slug, "2307.09288", "paper")
    for person in ("bob", "carol"):
        headers = {"Authorization": f"Bearer {TOKENS[person]}"}
        for path in ("models/ada/shown/like", "users/ada/follow", "organizations/acme/follow"):
            urllib.request.urlopen(urllib.request.Request(f"{hub.url}/api/{path}", method="POST", headers=headers))
        file = urllib.request.Request(f"{hub.url}/ada/shown/resolve/main/w.bin", headers=headers)
        urllib.request.urlopen(file).read()
    return f"/collections/{made[0].slug}"


def gguf(embedding=2_560_000):
    """Returns the header of a small GGUF file, as if its tensors came behind it; the first has so many values."""
    text = lambda value: struct.pack("<Q", len(value)) + value.encode()  # noqa: E731 - a name for one expression
    tensors = [("token_embd.weight", embedding, 14), ("blk.0.attn_q.weight", 9_437_184, 12), ("output_norm.weight", 4_096, 0)]
    keys = [("general.architecture", "llama"), ("general.name", "Harbour small")]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    head += b"".join(text(name) + struct.pack("<I", 8) + text(value) for name, value in keys)
    return head + b"".join(text(name) + struct.pack("<IQIQ", 1, size, kind, 0) for name, size, kind in tensors)


def png(side=240):
    """Returns a picture: a slope from dark to light."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731 - a name for one expression
    line = lambda y: b"\0" + b"".join(bytes((11 + x * 180 // side, 107 + y * 90 // side, 84)) for x in range(side))  # noqa: E731 - a name for one expression
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(line(y) for y in range(side)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.fixture(scope="session")
def gallery(hub):
    """Repositories with what is seldom there: nothing at all, a gate, media, splits, a GGUF file, many branches."""
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])

    def make(repo_id, repo_type="model", **files):
        api.create_repo(repo_id, repo_type=repo_type, space_sdk="static" if repo_type == "space" else None)
        adds = [CommitOperationAdd(path, data if isinstance(data, bytes) else data.encode()) for path, data in files.items()]
        if adds:
            api.create_commit(repo_id, adds, commit_message="Add files", repo_type=repo_type)

    make("ada/empty")
    make("ada/demo", "space", **{"README.md": "---\ntitle: A demo\nsdk: static\nmodels: [ada/shown]\n---\n# A demo\n", "index.html": "<p>Hello</p>\n"})
    make("ada/offspring", **{"README.md": "---\nbase_model: ada/shown\n---\n"})
    make("ada/bird", **{"README.md": "# Bird\n", "bird-q4.gguf": gguf()})
    media = {"paper.pdf": b"%PDF-1.4\n%%EOF\n", "harbour.png": png(), "broken.png": b"no picture", "film.mp4": b"\0"}
    media |= {"horn.wav": b"RIFF\0\0\0\0WAVE", "archive.zip": b"PK\5\6", "notes.md": "# Notes\n", "code.py": "print(1)\n", "rows.csv": "a,b\n1,2\n"}
    make("ada/media", "dataset", **{"README.md": "# Media\n", **media})
    rows = "ship,tons,built,note\n" + "".join(f"Ship {n},{n * 37},18{n:02},A note on this one\n" for n in range(40))
    card = "---\nconfigs:\n- config_name: ships\n  data_files: [{split: train, path: ships/train*}, {split: test, path: ships/test*}]\n"
    card += "- config_name: years\n  data_files: years.jsonl\nlicense: cc-by-4.0\n---\n# Ships of the northern harbours\n\nWhat was written down.\n"
    years = "".join(json.dumps({"year": 1850 + n, "ships": n * 3, "text": "A long winter. " * 20}) + "\n" for n in range(30))
    make("acme/ships", "dataset", **{"README.md": card, "ships/train-0.csv": rows, "ships/test-0.csv": rows, "years.jsonl": years})
    make("acme/gated", "dataset", **{"README.md": "# Behind a gate\n", "train.csv": rows})
    api.update_repo_settings("acme/gated", repo_type="dataset", gated="manual")
    for name in ("experiment", "release/1.0"):
        api.create_branch("ada/bird", branch=name)
    api.create_tag("ada/bird", tag="v1.0")
    return "/datasets/acme/ships"
