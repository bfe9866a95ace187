"""Text from right to left on real pages, and pages for those who asked for less motion."""

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from harness.people import TOKENS
from test_pages import axe, overflow, structure

CARD = """---
license: apache-2.0
language: ar
pipeline_tag: text-generation
tags: [لغة-عربية]
---
# نموذج الميناء

نموذج لغوي صغير يجيب عن أسئلة حول البراكين والموانئ، وقد دُرّب على رسائل البحارة.

- النقطة الأولى
- النقطة الثانية

> اقتباس قصير من البحر.

This paragraph is English and goes from left to right.

שלום לכל המלחים.

```python
print("harbour")
```
"""


@pytest.fixture(scope="module")
def harbour(hub):
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    api.create_repo("ada/harbour-ar")
    adds = [CommitOperationAdd("README.md", CARD.encode()), CommitOperationAdd("بيانات/ملف.txt", "سطر أول\n".encode())]
    api.create_commit("ada/harbour-ar", adds, commit_message="إضافة النموذج")
    api.create_discussion("ada/harbour-ar", title="كيف دُرّب هذا النموذج؟ (bert)", description="سؤال قصير عن **البيانات**.")
    api.create_collection("رفّ الموانئ", description="ما يخصّ البحر والموانئ.")
    return "/ada/harbour-ar"


def side(page, text):
    """Says on which side of its line a text begins: the one on which its first letter stands."""
    script = """(element) => {
      const range = document.createRange();
      range.selectNodeContents(element);
      const [box, around] = [range.getBoundingClientRect(), element.getBoundingClientRect()];
      return Math.abs(box.left - around.left) <= Math.abs(around.right - box.right) ? "left" : "right";
    }"""
    return page.locator(".prose").get_by_text(text, exact=True).first.evaluate(script)


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_card_goes_the_way_of_its_script(open_browser, harbour, viewport):
    page = open_browser(viewport)
    page.goto(harbour)
    for text in ("نموذج الميناء", "שלום לכל המלחים."):
        assert side(page, text) == "right", text
    assert side(page, "This paragraph is English and goes from left to right.") == "left"
    # Points, the line beside a quotation, and code.
    style = lambda selector, name: page.locator(f".prose {selector}").first.evaluate(f"element => getComputedStyle(element).{name}")  # noqa: E731 - a name for one expression
    assert style("ul", "direction") == "rtl" and style("ul", "paddingRight") != "0px"
    assert style("blockquote", "borderRightWidth") == "3px"
    assert style("pre", "direction") == "ltr"
    picture(page, f"rtl-card-{viewport['width']}")


def test_pages_with_arabic_fit_and_are_accessible(open_browser, harbour):
    problems = []
    for viewport in (PHONE, DESKTOP):
        page = open_browser(viewport)
        for path in (
            harbour,
            f"{harbour}/tree/main",
            f"{harbour}/tree/main/%D8%A8%D9%8A%D8%A7%D9%86%D8%A7%D8%AA",
            f"{harbour}/commits/main",
            f"{harbour}/discussions",
            f"{harbour}/discussions/1",
            "/models?search=%D8%A7%D9%84%D8%A8%D8%B1%D8%A7%D9%83%D9%8A%D9%86",
            "/collections",
            "/ada",
        ):
            assert page.goto(path).status == 200, path
            picture(page, f"rtl-{viewport['width']}-{path.strip('/').replace('/', '_')[:40]}")
            problems += [f"{path}: {problem}" for problem in [*axe(page), *overflow(page), *structure(page)]]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("path", ["/", "/models", "/ada/shown", "/design", "/tasks/text-classification"])
def test_nothing_moves_for_those_who_asked_for_less(open_browser, shown, path):
    moving = """() => [...document.querySelectorAll('*')].flatMap((element) => [null, '::before', '::after'].map((part) => {
      const style = getComputedStyle(element, part);
      const longest = (text) => Math.max(...text.split(',').map((time) => parseFloat(time) * (time.trim().endsWith('ms') ? 1 : 1000)));
      const moves = longest(style.transitionDuration) > 1 || (style.animationName !== 'none' && longest(style.animationDuration) > 1);
      return moves || style.scrollBehavior === 'smooth' ? element.outerHTML.slice(0, 120) : null;
    })).filter(Boolean)"""
    still = open_browser(reduced_motion="reduce")
    log_in(still)
    still.goto(path)
    assert still.evaluate(moving) == []
    lively = open_browser(reduced_motion="no-preference")
    log_in(lively)
    lively.goto(path)
    assert lively.evaluate(moving), "what is looked for is there at all"


def test_a_toast_and_a_dialog_come_at_once_with_less_motion(open_browser, shown):
    page = open_browser(reduced_motion="reduce")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/ada/shown")
    page.get_by_role("link", name="Use this model").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Copy").first.click()
    page.get_by_role("status").filter(has_text="Copied").wait_for()
    assert page.evaluate("document.getAnimations().filter((animation) => animation.effect.getTiming().duration > 1).length") == 0
