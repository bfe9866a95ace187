"""The pages of a repository as people use them: code to copy, going to a file, previews, writing a card."""

import json
import re
import time
from pathlib import Path

import pytest
from conftest import PHONE, log_in, picture
from harness.people import TOKENS

PARQUET = Path(__file__).resolve().parents[2] / "crates/hub-cards/testdata/snappy-1.parquet"
MIT = """MIT License

Copyright (c) 2026 Ada

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files
(the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge,
publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do
so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE
FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
SILENT = """# Letters

Dieses Modell erkennt, wovon eine Anfrage an die Verwaltung handelt, und leitet sie an das richtige Amt weiter. Es wurde mit Briefen
trainiert, die Bürgerinnen und Bürger über mehrere Jahre geschrieben haben, und irrt sich vor allem dann, wenn eine Frage mehrere
Ämter zugleich betrifft.
"""

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
    for repo_id, content in (("ada/root", {"README.md": "# Root\n"}), ("ada/rich", files)):
        api.create_repo(repo_id, exist_ok=True)
        adds = [CommitOperationAdd(path, text.encode()) for path, text in content.items()]
        api.create_commit(repo_id, adds, commit_message="Add files")
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


@pytest.fixture
def silent(hub):
    """A model of ada's whose card leaves out what its files say; the hub has read them."""
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    files = {
        "README.md": SILENT,
        "LICENSE": MIT,
        "config.json": json.dumps({"architectures": ["BertForSequenceClassification"], "model_type": "bert"}),
        "tokenizer.json": "{}",
    }
    api.create_repo("ada/silent", exist_ok=True)
    adds = [CommitOperationAdd(path, text.encode()) for path, text in files.items()]
    api.create_commit("ada/silent", adds, commit_message="Add files")
    return "/ada/silent"


def facts_of(page, path):
    """Opens a page when the hub has read the texts of its repository."""
    deadline = time.monotonic() + 20
    panel = page.get_by_role("region", name="Not in the card, read from the files")
    while page.goto(path) and panel.get_by_text("the words of MIT").count() == 0:
        assert time.monotonic() < deadline, "the texts are not read"
        page.wait_for_timeout(200)
    return panel


PAGES = [
    "/ada/rich",
    "/datasets/ada/parts",
    "/ada/rich/use",
    "/ada/rich/find/main?q=conf",
    "/ada/rich/compare?base=main&head=main",
    "/ada/rich/blob/main/notes/table.csv",
    "/ada/rich/blob/main/notes/walk.ipynb",
    "/ada/rich/blob/main/notes/rows.jsonl",
    "/datasets/ada/parts/blob/main/data.parquet",
    "/ada/tuned/blob/main/model.safetensors",
    "/ada/tuned/tensors/main/model.safetensors",
    "/ada?tab=models",
]
WRITING = ["/ada/rich/edit-card", "/datasets/ada/parts/edit-card", "/ada/rich/refs"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE["width"], 1440], ids=["phone", "desktop"])
def test_pages_are_accessible_and_fit(open_browser, shown, related, rich, width, scheme):
    from test_pages import axe, overflow, structure

    page = open_browser({"width": width, "height": 900}, color_scheme=scheme)
    problems = []
    for person, paths in ((None, PAGES), ("ada", WRITING)):
        if person:
            log_in(page, person)
        for path in paths:
            assert page.goto(path).status == 200, path
            picture(page, f"repo-{width}-{scheme}-{re.sub('[^a-z0-9.-]+', '_', path.strip('/'))}")
            problems += [f"{path}: {problem}" for problem in [*axe(page), *overflow(page), *structure(page)]]
    assert not problems, "\n".join(problems)


def test_code_is_shown_in_a_dialog(open_browser, rich):
    page = open_browser()
    page.goto("/ada/rich")
    page.get_by_role("link", name="Use this model").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("heading", name="Transformers").wait_for()
    dialog.get_by_role("link", name="git", exact=True).click()
    dialog.get_by_text("git clone").first.wait_for()
    assert page.url.endswith("/ada/rich"), "the page stays"
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0


def test_a_file_is_found_by_the_keyboard(open_browser, rich):
    page = open_browser()
    page.goto("/ada/rich/tree/main")
    page.keyboard.press("t")
    page.wait_for_url("**/find/main")
    page.keyboard.type("vdconf")
    page.locator("[data-find-results] a").filter(has_text="src/very/deep/down/config.json").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/blob/main/src/very/deep/down/config.json")


def test_an_author_edits_a_card_with_the_form(open_browser, rich):
    page = open_browser()
    log_in(page)
    page.goto("/ada/rich")
    page.get_by_role("link", name="Edit card").click()
    page.get_by_label("Licence").select_option("apache-2.0")
    page.get_by_label("Tags").fill("one, two")
    page.get_by_label("Text", exact=True).press("Control+End")
    page.keyboard.type("\n\nA **new** end.")
    preview = page.get_by_role("article", name="Preview of the card")
    preview.get_by_text("A new end.").wait_for()
    page.get_by_label("Commit message").fill("Say more")
    page.get_by_role("button", name="Save and commit").click()
    page.wait_for_url("**/ada/rich")
    main = page.get_by_role("main")
    assert main.get_by_text("A new end.").is_visible() and main.get_by_role("link", name="apache-2.0").first.is_visible()
    page.goto("/ada/rich/raw/main/README.md")
    text = page.locator("body").inner_text()
    assert "license: apache-2.0" in text and "- one" in text and "hardware_used: one laptop" in text


def test_a_card_is_edited_without_javascript(open_browser, rich):
    page = open_browser(java_script_enabled=False)
    log_in(page)
    page.goto("/datasets/ada/parts/edit-card")
    page.get_by_label("Title").fill("Parts of a whole")
    page.get_by_label("Text", exact=True).fill("# Parts, told\n")
    page.get_by_role("button", name="Preview").click()
    assert page.get_by_role("article", name="Preview of the card").get_by_text("Parts, told").is_visible()
    page.get_by_role("button", name="Save and commit").click()
    page.wait_for_url("**/datasets/ada/parts")
    assert page.get_by_role("main").get_by_text("Parts, told").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE["width"], 1440], ids=["phone", "desktop"])
def test_what_the_card_leaves_out_is_accessible(open_browser, silent, width, scheme):
    from test_pages import axe, overflow, structure

    page = open_browser({"width": width, "height": 900}, color_scheme=scheme)
    log_in(page)
    facts_of(page, silent)
    picture(page, f"facts-{width}-{scheme}")
    problems = [*axe(page), *overflow(page), *structure(page)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_fact_is_added_to_the_card(open_browser, silent, script):
    page = open_browser(java_script_enabled=script)
    log_in(page)
    panel = facts_of(page, silent)
    panel.get_by_role("button", name="Add to the card (licence)").click()
    page.get_by_text("Added to the card: license.").wait_for()
    assert page.get_by_role("main").get_by_role("link", name="mit").first.is_visible()
    panel.get_by_role("button", name="Add all that are certain").click()
    page.get_by_text("Added to the card: library_name, pipeline_tag.").wait_for()
    assert panel.get_by_text("written in German").is_visible() and panel.get_by_role("button").count() == 1
    page.goto("/ada/silent/raw/main/README.md")
    text = page.locator("body").inner_text()
    assert text.startswith("---\nlicense: mit\nlibrary_name: transformers\npipeline_tag: text-classification\n---\n\n# Letters")
