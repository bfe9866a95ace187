"""A newcomer's first walk with nothing but a keyboard, and without JavaScript: from the home page to a dataset with a card."""

import pytest
from harness.people import PASSWORD
from playwright.sync_api import expect

# Each stop of the keyboard is seen: the element itself or what stands around it has an outline.
SEEN = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  // The thumb of a slider has the outline, which no script can read.
  if (element.type === "range") return [true, ""];
  const outlined = (node) => getComputedStyle(node).outlineStyle !== "none" && parseFloat(getComputedStyle(node).outlineWidth) > 0;
  let node = element;
  for (let step = 0; node && step < 6; step += 1, node = node.parentElement) if (outlined(node)) return [true, ""];
  return [false, element.outerHTML.slice(0, 160)];
}"""
NAME = """() => {
  const element = document.activeElement;
  const label = element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent || "";
  return label.trim().replace(/\\s+/g, " ");
}"""


def tab_to(page, name, stops=120):
    """Presses Tab until what is called so has the focus."""
    for _ in range(stops):
        page.keyboard.press("Tab")
        if page.evaluate(NAME) == name:
            return
    raise AssertionError(f"the keyboard does not reach {name!r} on {page.url}")


def follow(page, name):
    tab_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_the_way_from_home_to_a_dataset(open_browser):
    page = open_browser(java_script_enabled=False)
    page.goto("/")
    follow(page, "Create an account")
    for label, text in (("Username", "newcomer"), ("Email", "newcomer@example.org"), ("Password", PASSWORD)):
        tab_to(page, label)
        page.keyboard.type(text)
    follow(page, "Sign up")
    assert page.get_by_label("Account menu of newcomer").count(), page.url
    tab_to(page, "New")
    page.keyboard.press("Enter")
    follow(page, "New dataset")
    tab_to(page, "Dataset name")
    page.keyboard.type("first-rows")
    follow(page, "Create dataset")
    assert page.url.endswith("/datasets/newcomer/first-rows")
    assert page.get_by_role("heading", name="This dataset has no files yet").is_visible()
    follow(page, "Files")
    assert page.get_by_role("main").inner_text().strip()
    page.go_back()
    follow(page, "Settings")
    tab_to(page, "Account menu of newcomer")
    page.keyboard.press("Enter")
    follow(page, "Log out")
    page.goto("/datasets/newcomer/first-rows")
    assert page.get_by_role("link", name="Log in").is_visible()


@pytest.mark.parametrize("path", ["/", "/models", "/ada/shown", "/datasets/acme/ships", "/ada/shown/tree/main", "/licences", "/tasks", "/collections"])
def test_every_stop_of_the_keyboard_is_seen(open_browser, shown, gallery, path):
    page = open_browser()
    page.goto(path)
    unseen, stops = [], 0
    for _ in range(80):
        page.keyboard.press("Tab")
        found = page.evaluate(SEEN)
        if found is None:
            break
        stops += 1
        if not found[0]:
            unseen.append(found[1])
    assert stops > 10 and not unseen, "\n".join(unseen)


def test_a_copy_is_told_of_in_a_toast(open_browser, shown):
    page = open_browser()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/ada/shown")
    page.get_by_role("button", name="Copy", exact=False).first.click()
    toast = page.get_by_role("status").filter(has_text="Copied")
    toast.wait_for()
    toast.wait_for(state="hidden")


def test_a_copy_that_fails_stays_on_the_page_until_it_is_closed(open_browser, shown):
    page = open_browser()
    page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    page.goto("/ada/shown")
    page.get_by_role("button", name="Copy", exact=False).first.click()
    toast = page.locator(".toast-error")
    toast.get_by_text("could not be copied").wait_for()
    toast.get_by_role("button", name="Close").press("Enter")
    expect(toast).to_have_count(0)


def test_the_rows_of_a_dataset_are_chosen_on_its_page(open_browser, gallery):
    page = open_browser(java_script_enabled=False)
    page.goto(gallery)
    rows = page.get_by_role("region", name="First rows").first
    assert rows.get_by_role("cell", name="Ship 3", exact=True).is_visible()
    rows.get_by_role("link", name="test").click()
    page.wait_for_url("**split=test**")
    expect(rows.get_by_role("link", name="ships/test-0.csv")).to_be_visible()
    rows.get_by_label("Configuration ships").click()
    rows.get_by_role("link", name="years").click()
    expect(rows.get_by_role("cell", name="1850")).to_be_visible()
    rows.get_by_role("link", name="years.jsonl").click()
    page.wait_for_url("**/datasets/acme/ships/blob/main/years.jsonl")
