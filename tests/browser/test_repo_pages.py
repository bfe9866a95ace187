"""The pages of a repository as people use them: code to copy, going to a file, previews, writing a card."""

import json
import time

import pytest
from conftest import PHONE, log_in, picture
from harness.people import TOKENS
from playwright.sync_api import expect

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
    deadline = time.monotonic() + 60
    panel = page.get_by_role("region", name="Not in the card, read from the files")
    while page.goto(path) and panel.get_by_text("the words of MIT").count() == 0:
        assert time.monotonic() < deadline, "the texts are not read"
        page.wait_for_timeout(200)
    return panel


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
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_images_from_elsewhere_are_links(open_browser, rich):
    page = open_browser()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/ada/rich")
    card = page.get_by_role("article")
    figure = card.get_by_role("link", name="The architecture, image at example.org", exact=True)
    assert figure.get_attribute("href") == "https://example.org/architecture.png"
    badge = card.get_by_role("link", name="License: MIT", exact=True)
    assert badge.get_attribute("href") == "/ada/rich/blob/main/LICENSE"
    assert not card.locator("img").count() and not [url for url in asked if "shields" in url or "example.org" in url]


def test_a_file_is_found_by_the_keyboard(open_browser, rich):
    page = open_browser()
    page.goto("/ada/rich/tree/main")
    page.keyboard.press("t")
    page.wait_for_url("**/find/main")
    # The focus comes with the first picture of a page, which may be later than its end.
    expect(page.get_by_role("searchbox", name="Go to file")).to_be_focused()
    page.keyboard.type("vdconf")
    file = page.locator("[data-find-results] a").filter(has_text="src/very/deep/down/config.json")
    file.wait_for()
    page.keyboard.press("ArrowDown")
    expect(file).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/blob/main/src/very/deep/down/config.json")


def test_an_author_edits_a_card_with_the_form(open_browser, rich):
    page = open_browser()
    log_in(page)
    page.goto("/ada/rich")
    page.get_by_role("link", name="Edit card").click()
    page.wait_for_url("**/edit-card")
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
    expect(main.get_by_text("A new end.")).to_be_visible()
    expect(main.get_by_role("link", name="apache-2.0").first).to_be_visible()
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
    page.get_by_role("article", name="Preview of the card").get_by_text("Parts, told").wait_for()
    page.get_by_role("button", name="Save and commit").click()
    page.wait_for_url("**/datasets/ada/parts")
    page.get_by_role("main").get_by_text("Parts, told").wait_for()


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
    expect(page.get_by_role("main").get_by_role("link", name="mit").first).to_be_visible()
    panel.get_by_role("button", name="Add all that are certain").click()
    page.get_by_text("Added to the card: library_name, pipeline_tag.").wait_for()
    expect(panel.get_by_text("written in German")).to_be_visible()
    expect(panel.get_by_role("button")).to_have_count(1)
    page.goto("/ada/silent/raw/main/README.md")
    text = page.locator("body").inner_text()
    assert text.startswith("---\nlicense: mit\nlibrary_name: transformers\npipeline_tag: text-classification\n---\n\n# Letters")
