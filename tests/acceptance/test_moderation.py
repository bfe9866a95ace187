"""A repository that moderators disabled: clients say so, and it comes back."""

import re
import subprocess

import pytest
from harness.people import PASSWORD
from harness.visitor import Visitor
from huggingface_hub import hf_hub_url
from huggingface_hub.errors import DisabledRepoError, LocalEntryNotFoundError

calls = pytest.mark.calls


def person(url, name):
    """Returns somebody at a browser who has logged in."""
    visitor = Visitor(url)
    visitor.submit("/login", "/login", username=name, password=PASSWORD, next="/models")
    return visitor


def take_down(url, repo_id, repo_type):
    """Has dave report a repository and ada disable it; returns how she takes that back."""
    prefix = "" if repo_type == "model" else f"{repo_type}s/"
    page = "/report"
    person(url, "dave").submit(page, page, thing=f"/{prefix}{repo_id}", category="copyright", text="It is mine.")
    ada = person(url, "ada")
    queue = ada.open("/moderation")
    case = re.search(rf'href="(/moderation/cases/\d+)">{repo_type} {repo_id}<', queue)[1]
    ada.submit(case, case, do="decide", act="disable_repo", category="copyright", reason="")

    def back():
        # The case tells of all that was done about its owner.
        undo = re.search(rf'{repo_id}</a></h3>.*?action="(/moderation/acts/\d+/undo)"', ada.open(case), re.DOTALL)[1]
        ada.submit(case, undo)

    return back


@calls("HfApi.model_info (of a disabled repository)", "HfApi.hf_hub_download (of a disabled repository)")
@calls("HfApi.snapshot_download (of a disabled repository)", "HfApi.dataset_info (of a disabled repository)")
@pytest.mark.parametrize("repo_type", ["model", "dataset"])
def test_clients_raise_that_it_is_disabled(url, api, api_of, new_repo, tmp_path, repo_type):
    repo_id = new_repo(repo_type, files={"w.bin": b"\0weights" * 3000, "a.txt": b"one\n"})
    back = take_down(url, repo_id, repo_type)
    for somebody in (api_of("dave"), api_of(None)):
        for ask in (
            lambda who: who.repo_info(repo_id, repo_type=repo_type),
            lambda who: who.list_repo_files(repo_id, repo_type=repo_type),
            lambda who: who.get_hf_file_metadata(url=hf_hub_url(repo_id, "w.bin", repo_type=repo_type)),
        ):
            with pytest.raises(DisabledRepoError, match="Access to this resource is disabled"):
                ask(somebody)
        for ask in (
            lambda who: who.hf_hub_download(repo_id, "w.bin", repo_type=repo_type, cache_dir=tmp_path / "one"),
            lambda who: who.snapshot_download(repo_id, repo_type=repo_type, cache_dir=tmp_path / "all"),
        ):
            # The client looks in its cache when it cannot download, and says so; why is the cause.
            with pytest.raises(LocalEntryNotFoundError) as missing:
                ask(somebody)
            assert isinstance(missing.value.__cause__, DisabledRepoError)
    prefix = "" if repo_type == "model" else f"{repo_type}s/"
    clone = ["git", "clone", f"{url}/{prefix}{repo_id}", str(tmp_path / "clone")]
    done = subprocess.run(clone, env={"GIT_TERMINAL_PROMPT": "0", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "403" in done.stderr, done.stderr
    assert repo_id not in [found.id for found in getattr(api_of("dave"), f"list_{repo_type}s")(author="bob")]
    # Its owner reads it and changes nothing.
    assert api.repo_info(repo_id, repo_type=repo_type).disabled is True
    with pytest.raises(DisabledRepoError):
        api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo_id, repo_type=repo_type)
    back()
    path = api_of("dave").hf_hub_download(repo_id, "a.txt", repo_type=repo_type, cache_dir=tmp_path / "again")
    assert open(path, "rb").read() == b"one\n"
