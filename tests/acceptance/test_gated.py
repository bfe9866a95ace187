"""Gated repositories: one asks for the files, another decides, and the files open."""

import inspect
import json
import urllib.request

import pytest
from harness.people import TOKENS
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

calls = pytest.mark.calls

CARD = b"""---
license: other
extra_gated_prompt: You agree to *nothing bad*.
extra_gated_fields:
  Company: text
  I want to use it for:
    type: select
    options: [Research, Education]
  I agree: checkbox
---
# Behind a gate
"""
ANSWERS = {"Company": "Acme", "I want to use it for": "Research", "I agree": True}


@pytest.fixture
def gated(api, new_repo):
    """Makes a gated repository of bob's with a file."""

    def make(repo_type="model", mode="manual"):
        repo_id = new_repo(repo_type, files={"README.md": CARD, "w.bin": b"\0weights" * 3000, "a.txt": b"one\n"})
        api.update_repo_settings(repo_id, gated=mode, repo_type=repo_type)
        return repo_id

    return make


@pytest.fixture
def ask(url):
    """Asks for access, as the form on the page does."""

    def send(repo_id, person, repo_type="model", answers=ANSWERS):
        prefix = "" if repo_type == "model" else f"{repo_type}s/"
        headers = {"Authorization": f"Bearer {TOKENS[person]}", "Content-Type": "application/json"}
        data = json.dumps(answers).encode()
        answer = urllib.request.urlopen(urllib.request.Request(f"{url}/{prefix}{repo_id}/ask-access", data, headers))
        assert answer.url == f"{url}/{prefix}{repo_id}", "it leads to the page"

    return send


@pytest.fixture
def download(tmp_path):
    """Downloads a file into a cache of its own, so that nothing is there from before."""
    caches = iter(range(100))

    def get(api, repo_id, repo_type="model", file="w.bin"):
        path = api.hf_hub_download(repo_id, file, repo_type=repo_type, cache_dir=tmp_path / f"cache-{next(caches)}")
        return open(path, "rb").read()

    return get


@calls("HfApi.list_pending_access_requests", "HfApi.list_accepted_access_requests", "HfApi.list_rejected_access_requests")
@calls("HfApi.accept_access_request", "HfApi.reject_access_request", "HfApi.cancel_access_request")
@calls("HfApi.hf_hub_download (of a gated repository)", "HfApi.auth_check (of a gated repository)")
@pytest.mark.parametrize("repo_type", ["model", "dataset"])
def test_one_asks_and_the_other_decides(api, api_of, gated, ask, download, url, repo_type):
    repo_id, dave = gated(repo_type), api_of("dave")
    where = {"repo_id": repo_id, "repo_type": repo_type}
    lists = (api.list_pending_access_requests, api.list_accepted_access_requests, api.list_rejected_access_requests)
    names = lambda: [[request.username for request in each(**where)] for each in lists]  # noqa: E731 - a name for one expression
    assert api.repo_info(**where).gated == "manual" and dave.repo_exists(**where)
    page = f"{url}/{'' if repo_type == 'model' else 'datasets/'}{repo_id}"
    with pytest.raises(GatedRepoError, match=f"Visit {page} to ask for access"):
        download(dave, repo_id, repo_type)
    with pytest.raises(GatedRepoError, match="Please log in"):
        download(api_of(None), repo_id, repo_type)
    with pytest.raises(GatedRepoError):
        dave.auth_check(**where)
    ask(repo_id, "dave", repo_type)
    [request] = api.list_pending_access_requests(**where)
    assert (request.username, request.fullname, request.email) == ("dave", "Dave Stranger", "dave@example.org")
    assert (request.status, request.fields) == ("pending", ANSWERS) and request.timestamp.tzinfo
    with pytest.raises(GatedRepoError, match="awaiting a review from the repo authors"):
        download(dave, repo_id, repo_type)
    api.accept_access_request(user="dave", **where)
    assert names() == [[], ["dave"], []]
    dave.auth_check(**where)
    assert download(dave, repo_id, repo_type) == b"\0weights" * 3000
    api.reject_access_request(user="dave", rejection_reason="Not this year", **where)
    with pytest.raises(GatedRepoError, match="rejected by the repo's authors.*Not this year"):
        download(dave, repo_id, repo_type)
    api.cancel_access_request(user="dave", **where)
    assert names() == [["dave"], [], []]
    api.accept_access_request(user="dave", **where)
    assert download(dave, repo_id, repo_type, "a.txt") == b"one\n"


@calls("HfApi.reject_access_request", "HfApi.accept_access_request")
def test_a_decision_is_taken_back(api, api_of, gated, ask, download, url):
    repo_id, dave = gated(), api_of("dave")
    headers = {"Authorization": f"Bearer {TOKENS['bob']}", "Content-Type": "application/json"}

    def undo_last():
        changes = f"{url}/api/models/{repo_id}/changes"
        change = json.load(urllib.request.urlopen(urllib.request.Request(changes, headers=headers)))[0]
        undo = urllib.request.Request(f"{changes}/{change['id']}/undo", b"{}", headers)
        return json.load(urllib.request.urlopen(undo))["message"]

    ask(repo_id, "dave")
    api.accept_access_request(repo_id, "dave")
    api.reject_access_request(repo_id, "dave", rejection_reason=None)
    with pytest.raises(GatedRepoError):
        download(dave, repo_id)
    assert undo_last() == "dave has access again."
    assert download(dave, repo_id) == b"\0weights" * 3000
    assert [request.username for request in api.list_accepted_access_requests(repo_id)] == ["dave"]


@calls("HfApi.grant_access", "HfApi.snapshot_download (of a gated repository)")
def test_people_are_let_in_without_asking(api, api_of, gated, tmp_path):
    repo_id, dave = gated(), api_of("dave")
    with pytest.raises(HfHubHTTPError) as refused:
        dave.grant_access(repo_id, "dave")
    assert refused.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError, match="User not found") as missing:
        api.grant_access(repo_id, "nobody-of-this-name")
    assert missing.value.response.status_code == 404
    api.grant_access(repo_id, "dave")
    folder = dave.snapshot_download(repo_id, cache_dir=tmp_path)
    assert {"README.md", "w.bin", "a.txt"} <= {path.name for path in type(tmp_path)(folder).iterdir()}
    [request] = api.list_accepted_access_requests(repo_id)
    assert (request.username, request.email, request.fields) == ("dave", None, None)
    with pytest.raises(HfHubHTTPError, match="already has access") as twice:
        api.grant_access(repo_id, "dave")
    assert twice.value.response.status_code == 400
    api.update_repo_settings(repo_id, gated=False)
    with pytest.raises(HfHubHTTPError, match="is not gated") as open_to_all:
        api.grant_access(repo_id, "carol")
    assert open_to_all.value.response.status_code == 400


@calls("HfApi.accept_access_request", "HfApi.reject_access_request")
def test_what_cannot_be_decided_is_said(api, api_of, gated, ask):
    repo_id = gated()
    for refused in (
        lambda: api.accept_access_request(repo_id, "nobody-of-this-name"),
        lambda: api.accept_access_request(repo_id, "carol"),
    ):
        with pytest.raises(HfHubHTTPError) as error:
            refused()
        assert error.value.response.status_code == 404
    ask(repo_id, "dave")
    with pytest.raises(HfHubHTTPError, match="not the required permissions") as error:
        api_of("dave").accept_access_request(repo_id, "dave")
    assert error.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError):
        list(api_of("dave").list_pending_access_requests(repo_id))
    api.accept_access_request(repo_id, "dave")
    with pytest.raises(HfHubHTTPError, match="No access request found"):
        api.accept_access_request(repo_id, "dave")


@calls("HfApi.accept_access_request (by the id of the request)")
def test_requests_are_named_by_their_id(api, api_of, gated, ask, download):
    if "request_id" not in inspect.signature(api.accept_access_request).parameters:
        pytest.skip("this version names requests by user only")
    repo_id = gated()
    ask(repo_id, "dave")
    [request] = api.list_pending_access_requests(repo_id)
    api.accept_access_request(repo_id, request_id=request.request_id)
    assert download(api_of("dave"), repo_id, file="a.txt") == b"one\n"
    api.reject_access_request(repo_id, request_id=request.request_id, rejection_reason=None)
    assert [each.request_id for each in api.list_rejected_access_requests(repo_id)] == [request.request_id]


@calls("HfApi.update_repo_settings (gated)")
def test_an_automatic_gate_opens_for_those_who_ask(api, api_of, gated, ask, download):
    repo_id = gated(mode="auto")
    with pytest.raises(GatedRepoError):
        download(api_of("dave"), repo_id)
    ask(repo_id, "dave")
    assert download(api_of("dave"), repo_id) == b"\0weights" * 3000
    with pytest.raises(GatedRepoError):
        download(api_of("carol"), repo_id)
    assert [request.username for request in api.list_accepted_access_requests(repo_id)] == ["dave"]


@calls("hf download (of a gated repository)")
def test_the_command_says_that_one_must_ask(hf, gated, ask, api, url, tmp_path):
    repo_id = gated()
    said = hf("download", repo_id, "--local-dir", str(tmp_path / "refused"), token="dave", ok=False)
    # The older client does not name the repository.
    assert "Access denied." in said and "requires approval." in said
    ask(repo_id, "dave")
    api.accept_access_request(repo_id, "dave")
    hf("download", repo_id, "--local-dir", str(tmp_path / "model"), token="dave")
    assert (tmp_path / "model/w.bin").read_bytes() == b"\0weights" * 3000
