"""Every main page: accessible by axe's rules, no wider than the phone, readable without JavaScript."""

import json
import re
from pathlib import Path

import pytest
from conftest import AXE, DESKTOP, PHONE, log_in, picture
from page_list import ELSEWHERE, PAGES
from playwright.sync_api import expect

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
WHO = sorted({page[1] for page in PAGES}, key=str)
# Between the phone and the desktop, and beyond it: looked at in the same visit.
BETWEEN = {PHONE["width"]: {"width": 820, "height": 1180}, DESKTOP["width"]: {"width": 1920, "height": 1080}}
# A line that is longer is lost on the way back to its beginning.
MOST_CHARACTERS_A_LINE = 140
# What a first visit takes, compressed: HTML, styles and scripts, without fonts and images. The editor of files is a large part of its
# own (docs/design.md).
MOST_BYTES = 250_000
MOST_BYTES_WITH_EDITOR = 330_000
READING = [page[2] for page in PAGES if page[1] is None and len(page) == 3]


def test_every_template_is_looked_at():
    pages = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html") if "{% extends" in path.read_text()}
    pages -= {f"layouts/{name}.html" for name in ("base", "repo", "settings", "ask")}
    assert pages == {page[0] for page in PAGES} | ELSEWHERE


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("person", WHO, ids=str)
def test_pages_are_accessible_and_fit(open_browser, shown, related, buckets, rich, collected, gallery, viewport, scheme, person):
    page = open_browser(viewport, color_scheme=scheme)
    # What a page that is not there makes the browser say, and the media that are none.
    page.watch.expected += ["Failed to load resource"]
    if person:
        log_in(page, person)
    problems = []
    for template, _, address, *status in (entry for entry in PAGES if entry[1] == person):
        path = address.format(collected=collected)
        answer = page.goto(path)
        assert answer.status == (status or [200])[0], f"{path} answered {answer.status}"
        name = f"{template.removesuffix('.html')}-{address}".replace("/", "_")
        picture(page, f"{viewport['width']}-{scheme}-{person}-{re.sub('[^a-z0-9.-]+', '_', name)[:90]}")
        problems += [f"{path}: {problem}" for problem in [*axe(page), *overflow(page), *structure(page), *hidden_columns(page)]]
        if scheme == "light":
            other = BETWEEN[viewport["width"]]
            page.set_viewport_size(other)
            problems += [f"{path} at {other['width']} px: {problem}" for problem in [*overflow(page), *long_lines(page)]]
            page.set_viewport_size(viewport)
    assert not problems, "\n".join(problems)


# A colour that is still on its way from one scheme to the other has the contrast of neither.
COME_TO_REST = """() => document.getAnimations()
    .filter(moving => moving.effect.getComputedTiming().endTime !== Infinity)
    .forEach(moving => moving.finish())"""


def axe(page):
    assert getattr(page, "has_scripts", True), "axe waits for timers, which do not run without scripts"
    # Half of a page that somebody came to by a click is not what is looked at.
    page.wait_for_load_state()
    page.evaluate(COME_TO_REST)
    # Nor does anything begin to change meanwhile, such as what has come to lie under the mouse.
    page.emulate_media(reduced_motion="reduce")
    # `evaluate` is not bound by the page's content security policy; a script tag would be.
    page.evaluate(AXE.read_text() + "\n;0")
    found = page.evaluate("async () => (await axe.run(document)).violations")
    for violation in found:
        for node in violation["nodes"][:3]:
            yield f"axe {violation['id']}: {json.dumps(node['target'])} {node['failureSummary']}"


def overflow(page):
    page.wait_for_load_state()
    wide = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
    if wide > 0:
        yield f"is {wide} px wider than the window"


# How many characters of each long paragraph stand on a line, by its height; code and tables may be as wide as they are.
LINES = """() => [...document.querySelectorAll("main p")]
    .filter(text => text.checkVisibility() && !text.closest("table, pre") && text.innerText.length > 240)
    .map(text => {
        const line = parseFloat(getComputedStyle(text).lineHeight) || parseFloat(getComputedStyle(text).fontSize) * 1.5;
        return [text.innerText.length / Math.max(1, Math.round(text.clientHeight / line)), text.innerText.slice(0, 60)];
    })"""


def long_lines(page):
    for characters, text in page.evaluate(LINES):
        if characters > MOST_CHARACTERS_A_LINE:
            yield f"has {characters:.0f} characters on a line of “{text}…”"


def hidden_columns(page):
    """Tables of lists and settings fit the phone: only rows of data, which may be as wide as they like, scroll sideways."""
    if page.viewport_size["width"] == PHONE["width"]:
        script = "frames => frames.map(frame => [frame.scrollWidth - frame.clientWidth, frame.ariaLabel || frame.className])"
        for wide, name in page.locator(".data-table-frame, .panel-table").evaluate_all(script):
            if wide > 1:
                yield f"the table {name} is {wide} px wider than the phone"


def structure(page):
    page.wait_for_load_state()
    if page.locator("h1").count() != 1:
        yield f"has {page.locator('h1').count()} h1"
    if page.get_by_role("main").count() != 1:
        yield "has no single main"


@pytest.mark.parametrize("person", WHO, ids=str)
def test_first_visits_take_little(open_browser, shown, related, buckets, rich, collected, gallery, person):
    page = open_browser()
    page.watch.expected += ["Failed to load resource"]
    if person:
        log_in(page, person)
    # Every visit is a first one.
    page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
    finished = []
    page.on("requestfinished", lambda request: finished.append(request))
    problems, seen = [], set()
    for template, _, address, *_ in (entry for entry in PAGES if entry[1] == person):
        path = address.format(collected=collected)
        finished.clear()
        page.goto(path, wait_until="load")
        kinds = {}
        for request in list(finished):
            if request.resource_type in ("document", "stylesheet", "script"):
                size = request.sizes()["responseBodySize"]
                kinds[request.resource_type] = kinds.get(request.resource_type, 0) + size
        seen |= set(kinds)
        most = MOST_BYTES_WITH_EDITOR if page.locator("[data-editor-module]").count() else MOST_BYTES
        if sum(kinds.values()) > most:
            problems.append(f"{path} takes {sum(kinds.values())} bytes, {most} at most: {kinds}")
    assert seen == {"document", "stylesheet", "script"}, "something was not measured"
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("path", READING)
def test_reading_works_without_javascript(open_browser, shown, related, buckets, rich, collected, gallery, path):
    page = open_browser(java_script_enabled=False)
    page.watch.expected += ["Failed to load resource"]
    assert page.goto(path.format(collected=collected)).status == 200
    assert page.get_by_role("main").inner_text().strip()
    if path == "/ada/shown":
        expect(page.get_by_role("cell", name="0.93")).to_be_visible()
    if path == "/ada/shown/tree/main":
        page.get_by_role("main").get_by_role("link", name="src").first.click()
        page.get_by_role("link", name="train.py").first.click()
        expect(page.get_by_role("main")).to_contain_text("print(1)", use_inner_text=True)
    if path == "/buckets":
        page.get_by_label("Sort").select_option("created")
        page.get_by_role("main").get_by_role("button", name="Search").click()
        page.wait_for_url("**sort=created**")
        assert page.get_by_role("link", name="training-run").count()
    if "tensor-diff" in path:
        expect(page.get_by_role("cell", name="encoder.layer.5.weight")).to_be_visible()


def test_writing_works_without_javascript_too(open_browser, shown):
    page = open_browser(java_script_enabled=False)
    log_in(page)
    page.goto("/new")
    page.get_by_role("main").get_by_label(re.compile("name", re.I)).last.fill("without-js")
    page.get_by_role("button", name="Create model").click()
    page.wait_for_url("**/ada/without-js")


def test_a_private_model_looks_like_a_missing_one(open_browser, hub):
    from harness.people import TOKENS
    from huggingface_hub import HfApi

    HfApi(endpoint=hub.url, token=TOKENS["ada"]).create_repo("ada/hidden", private=True, exist_ok=True)
    page = open_browser()
    page.watch.expected.append("404")
    hidden, missing = [(page.goto(path).status, page.get_by_role("main").inner_text()) for path in ("/ada/hidden", "/ada/missing")]
    assert hidden[0] == missing[0] == 404
    assert hidden[1].replace("hidden", "") == missing[1].replace("missing", "")
    log_in(page)
    assert page.goto("/ada/hidden").status == 200


def test_the_keyboard_reaches_the_content_first(open_browser, shown):
    page = open_browser()
    page.goto("/ada/shown")
    page.keyboard.press("Tab")
    # The first stop skips to the content.
    expect(page.locator("a:focus")).to_have_attribute("href", re.compile("^#"))
