"""What the client does when a hub takes no more requests for a while."""

import pytest
from harness.hub import Hub
from harness.people import TOKENS
from huggingface_hub import HfApi

calls = pytest.mark.calls


@pytest.fixture
def hub():
    """A hub that takes two requests of files in three seconds: ten take longer than a busy machine does, and not long."""
    hub = Hub(settings={"HUB_RATE_LIMITS_RESOLVERS": "2", "HUB_RATE_LIMITS_WINDOW_SECS": "3"})
    yield hub
    hub.stop()


@calls("hf_hub_download")
def test_downloads_wait_for_the_limit_and_go_on(hub, tmp_path):
    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    api.create_repo("bob/limited")
    names = [f"{number}.txt" for number in range(5)]
    for name in names:
        api.upload_file(path_or_fileobj=name.encode(), path_in_repo=name, repo_id="bob/limited")
    for name in names:
        path = api.hf_hub_download("bob/limited", name, cache_dir=tmp_path)
        assert open(path).read() == name
    assert any("429" in line and "/resolve/" in line for line in hub.tail(1000).splitlines()), hub.tail(60)
