"""The pages of tasks: the index, every kind of drawn example, accessible and readable everywhere."""

import pytest
from conftest import DESKTOP, PHONE, picture
from test_pages import axe, overflow, structure
from test_webhooks import reload_until

# Together they show every kind of drawing.
PAGES = [
    "/tasks",
    "/tasks/text-classification",
    "/tasks/token-classification",
    "/tasks/table-question-answering",
    "/tasks/feature-extraction",
    "/tasks/text-generation",
    "/tasks/object-detection",
    "/tasks/image-segmentation",
    "/tasks/mask-generation",
    "/tasks/depth-estimation",
    "/tasks/keypoint-detection",
    "/tasks/image-to-3d",
    "/tasks/image-to-image",
    "/tasks/video-to-video",
    "/tasks/unconditional-image-generation",
    "/tasks/document-question-answering",
    "/tasks/voice-activity-detection",
    "/tasks/time-series-forecasting",
    "/tasks/reinforcement-learning",
    "/tasks/robotics",
    "/tasks/graph-ml",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_task_pages_are_accessible_and_fit(open_browser, shown, viewport, scheme):
    page = open_browser(viewport, color_scheme=scheme)
    problems = []
    for path in PAGES:
        assert page.goto(path).status == 200, path
        picture(page, f"{viewport['width']}-{scheme}-{path.strip('/').replace('/', '_')}")
        problems += [f"{path}: {problem}" for problem in [*axe(page), *overflow(page), *structure(page)]]
    assert not problems, "\n".join(problems)


def test_a_newcomer_goes_from_the_index_to_a_model_without_javascript(open_browser, shown):
    page = open_browser(java_script_enabled=False)
    main = page.get_by_role("main")
    # Once the index knows the model.
    page.goto("/tasks/text-classification")
    reload_until(page, main.get_by_role("link", name="ada/shown", exact=True))
    page.goto("/tasks")
    page.get_by_role("link", name="Text Classification", exact=True).click()
    page.wait_for_url("**/tasks/text-classification")
    assert "How it works" in main.inner_text() and "export HF_ENDPOINT=" in main.inner_text()
    assert 'model="ada/' in main.inner_text(), "the code names a model of this hub"
    main.get_by_role("link", name="ada/shown", exact=True).click()
    page.wait_for_url("**/ada/shown")
    page.get_by_role("main").locator('a[href="/tasks/text-classification"]').click()
    page.wait_for_url("**/tasks/text-classification")


def test_an_unknown_task_suggests_others(open_browser):
    page = open_browser()
    page.watch.expected.append("404")
    assert page.goto("/tasks/object-detecton").status == 404
    assert not [*axe(page), *overflow(page), *structure(page)]
    page.get_by_role("main").get_by_role("link", name="Object Detection", exact=True).click()
    page.wait_for_url("**/tasks/object-detection")
