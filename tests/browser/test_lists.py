"""Lists of models: found by words and facets, with and without JavaScript."""

import re
import time

import pytest
from conftest import DESKTOP, PHONE, log_in, picture, safetensors
from harness.people import TOKENS
from test_pages import axe, overflow, structure

# name: task, library, licence, languages, base model, text
MODELS = {
    "harbour-7b-instruct": ("text-generation", "transformers", "apache-2.0", ["en", "de"], None, "Answers questions about tides and harbours."),
    "harbour-7b-instruct-de": ("text-generation", "peft", "apache-2.0", ["de"], "acme/harbour-7b-instruct", "An adapter for harbour announcements."),
    "lighthouse-embed": ("sentence-similarity", "sentence-transformers", "mit", ["en", "fr"], None, "Embeds sentences of ship logs."),
    "seagull-detector": ("object-detection", "transformers", "mit", [], None, "Finds gulls in photographs of piers."),
    "whisper-foghorn": ("automatic-speech-recognition", "transformers", "cc-by-4.0", ["en"], None, "Hears radio calls through wind."),
    "tide-forecaster": ("time-series-forecasting", "sklearn", "bsd-3-clause", [], None, "Predicts the tide from yesterday's tide."),
    "pier-painter": ("text-to-image", "diffusers", "openrail", ["en"], None, "Paints piers at dusk."),
    "kelp-translator": ("translation", "transformers", "mit", ["en", "fr", "ja"], None, "Translates 海藻 recipes."),
}


@pytest.fixture(scope="session")
def shelf(hub):
    """Eight models of acme's, which the search index knows."""
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    for name, (task, library, licence, languages, base, text) in MODELS.items():
        lines = [f"pipeline_tag: {task}", f"library_name: {library}", f"license: {licence}"]
        lines += [f"language: [{', '.join(languages)}]"] if languages else []
        lines += [f"base_model: {base}"] if base else []
        card = "---\n" + "\n".join(lines) + f"\n---\n# {name}\n\n{text}\n"
        weights = safetensors([[0.5] * 64 * 64] * (1 + len(name) % 4))
        api.create_repo(f"acme/{name}")
        files = [("README.md", card.encode()), ("config.json", b'{"model_type": "bert"}'), ("model.safetensors", weights)]
        adds = [CommitOperationAdd(path, content) for path, content in files]
        api.create_commit(f"acme/{name}", adds, commit_message="Add the model")
    return list(MODELS)


@pytest.fixture
def models(open_browser, shelf):
    """Opens the list of these models when the index has all of them."""

    def open_list(query="", viewport=DESKTOP, **options):
        page = open_browser(viewport, **options)
        deadline = time.monotonic() + 20
        while page.goto("/models?author=acme&hardware=phone-4gb") and len(names(page)) < len(shelf):
            assert time.monotonic() < deadline, "the index does not know them all"
            time.sleep(0.2)
        page.goto(f"/models?author=acme&{query}")
        return page

    return open_list


def names(page):
    """Which of these models are shown, in order; other tests make some of their own."""
    links = page.locator(".repo-card-link").all_inner_texts()
    return [name for link in links if (name := link.split("/")[1].strip()) in MODELS]


def wait_for(page, condition):
    """Waits until the names shown fulfil a condition; the page's security policy forbids Playwright's own way."""
    deadline = time.monotonic() + 10
    while not condition(shown := names(page)):
        assert time.monotonic() < deadline, shown
        page.wait_for_timeout(50)


def choose(page, group, value):
    facet = page.locator("details.facet", has=page.locator("summary", has_text=re.compile(f"^{group}$")))
    if facet.get_attribute("open") is None:
        facet.locator("summary").first.click()
    facet.get_by_label(value).first.click()


def test_a_newcomer_narrows_the_list_without_losing_the_page(models):
    page = models()
    page.evaluate("window.mark = 1")
    choose(page, "Licence", "mit")
    page.wait_for_url("**license=mit*")
    assert sorted(names(page)) == ["kelp-translator", "lighthouse-embed", "seagull-detector"]
    choose(page, "Language", "French")
    page.wait_for_url("**language=fr*")
    assert sorted(names(page)) == ["kelp-translator", "lighthouse-embed"]
    assert page.evaluate("window.mark") == 1, "the page was not loaded anew"
    picture(page, "1440-light-list-narrowed")
    page.go_back()
    wait_for(page, lambda shown: len(shown) == 3)
    page.get_by_role("link", name="Remove the filter Licence: mit").click()
    wait_for(page, lambda shown: len(shown) > 3)
    assert "license" not in page.url and page.evaluate("window.mark") == 1


def test_typing_searches_names_and_cards_and_forgives(models):
    page = models()
    box = page.get_by_role("main").get_by_label("Search in models")
    box.press_sequentially("gulls")
    wait_for(page, lambda shown: shown == ["seagull-detector"])
    assert page.locator("mark", has_text="gulls").count() == 1
    assert box.evaluate("box => document.activeElement === box"), "the box keeps the focus"
    box.fill("lihgthouse")
    wait_for(page, lambda shown: shown[:1] == ["lighthouse-embed"])
    box.fill("zzyzx qwrtz")
    page.get_by_text("Nothing matches").wait_for()
    picture(page, "1440-light-list-empty")


def test_the_keyboard_keeps_its_place(models):
    page = models()
    box = page.locator("input[name=license][value=mit]")
    box.focus()
    page.keyboard.press("Space")
    page.wait_for_url("**license=mit*")
    wait_for(page, lambda shown: len(shown) == 3)
    assert page.evaluate("document.activeElement.value") == "mit"


def test_lists_work_without_javascript(models):
    page = models(java_script_enabled=False)
    choose(page, "Licence", "mit")
    page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url("**license=mit*")
    wait_for(page, lambda shown: len(shown) == 3)
    page.get_by_role("main").get_by_label("Search in models").fill("ship logs")
    page.get_by_role("main").get_by_role("button", name="Search").click()
    page.wait_for_url("**ship*")
    wait_for(page, lambda shown: shown == ["lighthouse-embed"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_lists_are_accessible_and_fit(models, viewport, scheme):
    page = models("search=harbour&license=apache-2.0&min_parameters=100", viewport, color_scheme=scheme)
    log_in(page)
    problems = []
    for path in ("/models", "/models?author=acme&search=harbour&license=apache-2.0", "/models?license=never-heard-of&search=zzz", "/datasets"):
        page.goto(path)
        if viewport == PHONE:
            page.get_by_text("Filters").first.click()
        for details in page.locator("details.facet").all():
            details.evaluate("details => { details.open = true; }")
        picture(page, f"{viewport['width']}-{scheme}-list-{re.sub('[^a-z0-9]+', '_', path)}")
        problems += [f"{path}: {problem}" for problem in [*axe(page), *overflow(page), *structure(page)]]
    assert not problems, "\n".join(problems)


def test_parameters_are_narrowed_with_a_slider(models):
    everything = len(names(models()))
    page = models("min_parameters=5000")
    least = page.get_by_role("slider", name="Parameters, at least")
    most = page.get_by_role("slider", name="Parameters, at most")
    assert least.get_attribute("aria-valuetext") == "5k" and most.get_attribute("aria-valuetext") == "Any"
    some = len(names(page))
    assert 0 < some < everything, "the smallest are left out"
    least.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(lambda address: "min_parameters" not in address)
    wait_for(page, lambda shown: len(shown) == everything)
    # The list was exchanged, and the keys still go to the same thumb.
    assert page.evaluate("document.activeElement.id") == "slider-min_parameters"
    page.keyboard.press("End")
    page.wait_for_url("**min_parameters=500000000000**")
    assert least.get_attribute("aria-valuetext") == "500B"
    # A thumb does not pass the other.
    most.focus()
    page.keyboard.press("Home")
    page.wait_for_url("**max_parameters=500000000000**")
    assert page.locator("output.range-said").inner_text() == "500B to 500B"
    page.go_back()
    page.wait_for_url(lambda address: "max_parameters" not in address)
    page.locator("#slider-max_parameters[aria-valuetext=Any]").wait_for()


def test_a_thumb_is_dragged(models):
    page = models()
    box = page.locator(".range-track").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 9, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 9, middle, steps=8)
    assert page.locator("output.range-said").inner_text() == "At most 100M"
    page.mouse.up()
    page.wait_for_url("**max_parameters=100000000**")


def test_parameters_are_chosen_without_javascript(models):
    page = models(java_script_enabled=False)
    everything = len(names(page))
    assert page.get_by_role("slider").count() == 0
    page.get_by_label("At most").select_option("100M")
    page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url("**max_parameters=100000000**")
    assert len(names(page)) == everything
