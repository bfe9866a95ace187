"""Lists of models: found by words and facets, with and without JavaScript."""

import re
import time

import pytest
from conftest import DESKTOP, PHONE, log_in, picture, safetensors
from harness.people import TOKENS
from playwright.sync_api import expect
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
        deadline = time.monotonic() + 60
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
    deadline = time.monotonic() + 30
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
    page.wait_for_url(lambda address: "license" not in address)
    assert page.evaluate("window.mark") == 1


def test_typing_searches_names_and_cards_and_forgives(models):
    page = models()
    box = page.get_by_role("main").get_by_label("Search in models")
    box.press_sequentially("gulls")
    page.wait_for_url("**search=gulls*")
    wait_for(page, lambda shown: shown == ["seagull-detector"])
    expect(page.locator("mark", has_text="gulls")).to_have_count(1)
    # The box keeps the focus.
    expect(box).to_be_focused()
    box.fill("lihgthouse")
    wait_for(page, lambda shown: shown[:1] == ["lighthouse-embed"])
    box.fill("zzyzx qwrtz")
    page.get_by_text("Nothing matches").wait_for()
    picture(page, "1440-light-list-empty")


def test_back_takes_the_words_out_of_the_box_too(models):
    page = models()
    page.evaluate("window.mark = 1")
    box = page.get_by_role("main").get_by_label("Search in models")
    box.press_sequentially("gulls")
    page.wait_for_url("**search=gulls*")
    wait_for(page, lambda shown: shown == ["seagull-detector"])
    expect(box).to_have_value("gulls")
    expect(box).to_be_focused()
    page.go_back()
    wait_for(page, lambda shown: len(shown) == len(MODELS))
    # The box says what the list is of.
    expect(box).to_have_value("")
    page.go_forward()
    wait_for(page, lambda shown: shown == ["seagull-detector"])
    expect(box).to_have_value("gulls")
    page.go_back()
    wait_for(page, lambda shown: len(shown) == len(MODELS))
    choose(page, "Licence", "mit")
    page.wait_for_url("**license=mit*")
    wait_for(page, lambda shown: len(shown) == 3)
    assert "search" not in page.url and page.evaluate("window.mark") == 1


def test_a_page_after_the_last_one_leads_back(models):
    page = models("license=mit&p=7")
    page.get_by_role("heading", name="This list has one page").wait_for()
    assert not list(axe(page))
    page.get_by_role("link", name="Go to the last page").click()
    wait_for(page, lambda shown: len(shown) == 3)
    page.wait_for_url(lambda address: "license=mit" in address and "p=7" not in address)


def test_the_keyboard_keeps_its_place(models):
    page = models()
    box = page.locator("input[name=license][value=mit]")
    box.focus()
    page.keyboard.press("Space")
    page.wait_for_url("**license=mit*")
    wait_for(page, lambda shown: len(shown) == 3)
    expect(box).to_be_focused()


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


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_lists_are_narrowed_by_time(models, scripts):
    page = models(java_script_enabled=scripts)
    for facet in ("updated", "created"):
        page.locator(f"#facet-{facet} > summary").click()
    page.get_by_label("Updated", exact=True).select_option("week")
    if scripts:
        page.wait_for_url("**updated=week*")
        page.get_by_role("link", name="Remove the filter Updated in the past week").wait_for()
    page.get_by_label("Or since, Created").fill("2999-01-01")
    if not scripts:
        page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url("**updated=week*created_since=2999-01-01*")
    wait_for(page, lambda shown: not shown)
    picture(page, f"1440-light-list-by-time-{scripts}")
    page.get_by_role("link", name="Remove the filter Created since 1 January 2999").click()
    wait_for(page, lambda shown: len(shown) == len(MODELS))
    expect(page.get_by_label("Updated", exact=True)).to_have_value("week")


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
    expect(page.locator("#slider-min_parameters")).to_be_focused()
    page.keyboard.press("End")
    page.wait_for_url("**min_parameters=500000000000**")
    expect(least).to_have_attribute("aria-valuetext", "500B")
    # A thumb does not pass the other.
    most.focus()
    page.keyboard.press("Home")
    page.wait_for_url("**max_parameters=500000000000**")
    expect(page.locator("output.range-said")).to_have_text("500B to 500B")
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
    expect(page.locator("output.range-said")).to_have_text("At most 100M")
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


@pytest.fixture(scope="session")
def many_values(hub):
    """A model with more data, tags and languages than a page has room for."""
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    corpora = ", ".join(f"acme/corpus-{number:03}" for number in range(120))
    card = f"---\ndatasets: [{corpora}]\nlanguage: [nn, se, de]\npipeline_tag: translation\n---\n# Much\n"
    api.create_repo("acme/much-data")
    api.create_commit("acme/much-data", [CommitOperationAdd("README.md", card.encode())], commit_message="Add the card")
    return "much-data"


def find_facet(page, many_values):
    """Opens a list that is only of the model, as soon as the index knows its card, and returns the facet."""
    facet = page.locator("#facet-dataset")
    deadline = time.monotonic() + 60
    while page.goto(f"/models?search={many_values}") and not facet.count():
        assert time.monotonic() < deadline, "the index does not know it"
        time.sleep(0.2)
    return facet


def open_facet(page, many_values):
    facet = find_facet(page, many_values)
    facet.evaluate("details => { details.open = true; }")
    facet.locator("#more-dataset > summary").click()
    return facet


def test_a_value_that_the_page_does_not_have_is_found_while_one_types(open_browser, many_values):
    page = open_browser()
    facet = open_facet(page, many_values)
    page.evaluate("window.mark = 1")
    assert facet.get_by_label("acme/corpus-117").count() == 0
    assert facet.get_by_role("button", name="Find").count() == 0, "a script needs no button"
    box = facet.get_by_label("Find a value of Trained on")
    box.press_sequentially("CORPUS-11", delay=20)
    facet.get_by_label("acme/corpus-117").wait_for()
    expect(facet.locator(".facet-more input[type=checkbox]")).to_have_count(10)
    expect(box).to_be_focused()
    picture(page, "1440-light-facet-found")
    facet.get_by_label("acme/corpus-117").check()
    page.wait_for_url("**dataset=acme%2Fcorpus-117**")
    wait_for_total(page, "1")
    expect(facet.get_by_label("acme/corpus-117")).to_be_checked()
    assert page.evaluate("window.mark") == 1
    # What is looked for stays, and nothing that fits is said.
    expect(box).to_have_value("CORPUS-11")
    box.fill("no such thing")
    facet.get_by_text("No other value").wait_for()
    box.fill("")
    facet.get_by_label("acme/corpus-000").first.wait_for()


def wait_for_total(page, total):
    page.locator(".list-total", has_text=re.compile(rf"\b{total}\b")).wait_for()


def test_a_value_is_found_without_javascript(open_browser, many_values):
    page = open_browser(java_script_enabled=False)
    facet = find_facet(page, many_values)
    if facet.get_attribute("open") is None:
        facet.locator("summary").first.click()
    facet.locator("#more-dataset > summary").click()
    facet.get_by_label("Find a value of Trained on").fill("corpus-11")
    facet.get_by_role("button", name="Find").click()
    page.wait_for_url("**find_dataset=corpus-11**")
    assert "search=much-data" in page.url, "the rest of what was asked for stays"
    facet.get_by_label("acme/corpus-117").check()
    page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url("**dataset=acme%2Fcorpus-117**")
    assert page.locator(".repo-card").count() == 1


def test_the_numbers_of_a_facet_are_explained(models):
    page = models("language=en")
    page.evaluate("window.mark = 1")
    facet = page.locator("#facet-license")
    facet.get_by_role("link", name="Why these numbers of Licence").click()
    panel = page.get_by_role("region", name="Why these numbers: Licence")
    panel.wait_for()
    page.wait_for_url("**count=license**")
    assert page.evaluate("window.mark") == 1
    expect(panel.get_by_role("row").filter(has_text="Owner: acme")).to_have_count(1)
    picture(page, "1440-light-list-counts")
    panel.get_by_role("link", name="Close").click()
    panel.wait_for(state="detached")
