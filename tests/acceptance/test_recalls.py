"""A file that was recalled: clients say why and go on with no copy, and whoever has it is told."""

import re
import time

import pytest
from harness.people import PASSWORD
from harness.process import status_of
from harness.visitor import Visitor
from harness.waiting import wait_until
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

calls = pytest.mark.calls


@calls("hf_hub_download (of a recalled file)")
def test_a_recalled_file_is_refused_also_from_the_cache(url, api, api_of, new_repo, tmp_path):
    repo_id = new_repo(files={"w.bin": b"\0weights" * 3000, "config.json": b"{}"})
    dave = api_of("dave")
    kept = dave.hf_hub_download(repo_id, "w.bin", cache_dir=tmp_path / "kept")
    bob = Visitor(url)
    bob.submit("/login", "/login", username="bob", password=PASSWORD, next="/models")
    form = f"/recalls/new?repo={repo_id}"
    why = "It sends passwords to somebody else when it is loaded."
    bob.submit(form, "/recalls/new", repo=repo_id, revision="main", files="w.bin", category="malicious", body=why)
    number = re.search(rf'href="/recalls/(\d+)">w.bin of {repo_id}<', bob.open("/recalls"))[1]

    # The other node hears of it a moment later.
    address = f"{url}/{repo_id}/resolve/main/w.bin"
    wait_until(lambda: [status_of(address) for _ in range(4)] == [451] * 4)
    # What is in the cache is not given out either: the client hears that there is no such file.
    sentence = "This file was recalled because it is malicious: do not use copies of it."
    for ask in (
        lambda: dave.hf_hub_download(repo_id, "w.bin", cache_dir=tmp_path / "kept"),
        lambda: dave.hf_hub_download(repo_id, "w.bin", cache_dir=tmp_path / "new"),
    ):
        with pytest.raises(EntryNotFoundError) as refused:
            ask()
        assert isinstance(refused.value, HfHubHTTPError) and refused.value.response.status_code == 451
        assert sentence in str(refused.value) and f"{url}/recalls/{number}" in str(refused.value)
    assert dave.hf_hub_download(repo_id, "config.json", cache_dir=tmp_path / "new")

    # Dave is told, also of what another node sent just before.
    reader = Visitor(url)
    reader.submit("/login", "/login", username="dave", password=PASSWORD, next="/models")
    deadline = time.monotonic() + 120
    while f"w.bin of {repo_id} was recalled" not in (inbox := reader.open("/notifications")):
        assert time.monotonic() < deadline, inbox
        time.sleep(0.2)
    page = f"/recalls/{number}"
    assert "1 person was told" in bob.open(page)
    bob.submit(page, page, why="The finding was wrong.")
    wait_until(lambda: 451 not in [status_of(address) for _ in range(4)])
    again = dave.hf_hub_download(repo_id, "w.bin", cache_dir=tmp_path / "kept")
    assert open(again, "rb").read() == open(kept, "rb").read()
