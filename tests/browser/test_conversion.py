"""A pickle's page offers safetensors; the press of a button leads to a pull request, with scripts and without."""

import re
import time
import uuid

import pytest
from conftest import DESKTOP, PHONE, log_in, picture
from harness.people import TOKENS
from harness.torch_checkpoint import Evil, floats, save, state, tensor_of
from huggingface_hub import CommitOperationAdd, HfApi
from test_pages import axe, overflow, structure


@pytest.fixture(scope="module")
def pickled(hub, tmp_path_factory):
    """A model of ada's in pickles, one of which cannot be converted; it takes none any more."""
    folder, repo = tmp_path_factory.mktemp("pickles"), f"ada/pickled-{uuid.uuid4().hex[:8]}"
    save(folder / "pytorch_model.bin", state())
    save(folder / "evil.pt", {"weight": tensor_of("F32", (2,), floats(1, 2)), "hook": Evil()})
    api = HfApi(endpoint=hub.url, token=TOKENS["ada"])
    api.create_repo(repo)
    adds = [CommitOperationAdd(path.name, path) for path in folder.iterdir()]
    api.create_commit(repo, [*adds, CommitOperationAdd("README.md", b"# A model\n")], commit_message="Add files")
    return repo


def wait_for(page, text):
    """Looks again until it says so."""
    deadline = time.monotonic() + 60
    while not page.get_by_role("region", name="Safetensors").get_by_text(text).count():
        assert time.monotonic() < deadline, text
        time.sleep(0.1)
        page.reload()


def convert(page):
    """Presses the button and waits until the hub has heard of it."""
    page.get_by_role("button", name="Convert to safetensors").click()
    page.get_by_text("The file is being converted. A pull request comes when it is done.").wait_for()


def test_from_the_button_to_the_pull_request(open_browser, pickled):
    page = open_browser(java_script_enabled=False)
    log_in(page)
    page.goto(f"/{pickled}/settings")
    page.get_by_text("Refused", exact=True).check()
    page.get_by_role("button", name="Save pickles").click()
    page.get_by_text("This repository takes no pickles from now on.").wait_for()
    page.goto(f"/{pickled}/blob/main/pytorch_model.bin")
    panel = page.get_by_role("region", name="Safetensors")
    assert panel.get_by_role("checkbox", name="Delete this pickle").is_checked()
    looks = open_browser()
    log_in(looks)
    looks.goto(page.url)
    for size in [DESKTOP, PHONE]:
        for scheme in ["light", "dark"]:
            looks.set_viewport_size(size)
            looks.emulate_media(color_scheme=scheme)
            picture(looks, f"conversion-offer-{size['width']}-{scheme}")
            assert not [*structure(looks), *overflow(looks), *axe(looks)], (size, scheme)
    convert(page)
    wait_for(page, "are proposed in")
    picture(page, "conversion-proposed")
    panel.get_by_role("link", name="pull request #1").click()
    page.get_by_role("heading", name=re.compile("Adding .*safetensors.* variant of this model")).wait_for()
    page.locator("li li", has_text="The bytes of all 9 tensors are those of the checkpoint.").wait_for()
    picture(page, "conversion-pull-request")


def test_what_cannot_be_converted_says_why(open_browser, pickled):
    page = open_browser()
    log_in(page)
    page.goto(f"/{pickled}/blob/main/evil.pt")
    convert(page)
    wait_for(page, "posix.system")
    page.get_by_role("button", name="Try again").wait_for()
    picture(page, "conversion-refused")
    assert not [*structure(page), *overflow(page), *axe(page)]
