"""Discussions and pull requests: one proposes, another merges."""

import base64
import json
import re
import urllib.error
import urllib.request

import pytest
from harness.people import TOKENS
from huggingface_hub import CommitOperationAdd, EvalResult, ModelCard, ModelCardData
from huggingface_hub.errors import HfHubHTTPError

calls = pytest.mark.calls


@pytest.fixture
def repo_id(new_repo):
    """A model of bob's with a file."""
    return new_repo(files={"a.txt": b"one\n", "dir/b.txt": b"two\n"})


@calls("HfApi.create_discussion", "HfApi.get_repo_discussions", "HfApi.get_discussion_details")
@calls("HfApi.comment_discussion", "HfApi.edit_discussion_comment", "HfApi.hide_discussion_comment")
@calls("HfApi.rename_discussion", "HfApi.change_discussion_status")
@pytest.mark.parametrize("repo_type", ["model", "dataset", "space"])
def test_a_discussion_from_its_first_word_to_its_last(api, api_of, new_repo, repo_type):
    repo_id, dave = new_repo(repo_type), api_of("dave")
    where = {"repo_id": repo_id, "repo_type": repo_type}
    made = dave.create_discussion(title="How was it made?", description="Tell **me**.", **where)
    assert (made.num, made.status, made.author, made.is_pull_request) == (1, "open", "dave", False)
    assert made.url == f"{api.endpoint}/{'' if repo_type == 'model' else repo_type + 's/'}{repo_id}/discussions/1"
    comment = api.comment_discussion(discussion_num=1, comment="By hand.", **where)
    assert (comment.content, comment.author, comment.edited, comment.hidden) == ("By hand.", "bob", False, False)
    edited = api.edit_discussion_comment(discussion_num=1, comment_id=comment.id, new_content="By machine.", **where)
    assert edited.content == "By machine." and edited.edited and edited.number_of_edits == 1
    assert "machine" in edited.rendered
    with pytest.raises(HfHubHTTPError) as refused:
        dave.edit_discussion_comment(discussion_num=1, comment_id=comment.id, new_content="Mine", **where)
    assert refused.value.response.status_code == 403
    hidden = api.hide_discussion_comment(discussion_num=1, comment_id=comment.id, **where)
    assert hidden.hidden and hidden.content == ""
    renamed = dave.rename_discussion(discussion_num=1, new_title="How it was made", **where)
    assert (renamed.old_title, renamed.new_title) == ("How was it made?", "How it was made")
    changed = dave.change_discussion_status(discussion_num=1, new_status="closed", comment="Thanks", **where)
    assert changed.new_status == "closed"
    details = api_of(None).get_discussion_details(discussion_num=1, **where)
    assert (details.title, details.status, details.repo_type) == ("How it was made", "closed", repo_type)
    assert [event.type for event in details.events] == ["comment", "comment", "title-change", "comment", "status-change"]


@calls("HfApi.get_repo_discussions")
def test_discussions_are_listed_by_kind_state_and_author(api, api_of, repo_id):
    for number in range(55):
        api.create_discussion(repo_id, title=f"Question {number}")
    api_of("dave").create_pull_request(repo_id, title="A change")
    api.change_discussion_status(repo_id, 3, "closed")
    assert len(list(api.get_repo_discussions(repo_id))) == 56
    assert [row.num for row in api.get_repo_discussions(repo_id, discussion_status="closed")] == [3]
    assert [row.title for row in api.get_repo_discussions(repo_id, discussion_type="pull_request")] == ["A change"]
    assert [row.author for row in api.get_repo_discussions(repo_id, author="dave")] == ["dave"]


@calls("HfApi.create_pull_request", "HfApi.merge_pull_request", "HfApi.upload_file")
def test_an_empty_pull_request_is_filled_opened_and_merged(api, api_of, repo_id):
    dave = api_of("dave")
    pull = dave.create_pull_request(repo_id, title="Better text", description="It is shorter.")
    assert (pull.status, pull.git_reference, pull.target_branch) == ("draft", "refs/pr/1", "refs/heads/main")
    dave.upload_file(path_or_fileobj=b"1\n", path_in_repo="a.txt", repo_id=repo_id, revision="refs/pr/1")
    assert open(api.hf_hub_download(repo_id, "a.txt", revision="refs/pr/1"), "rb").read() == b"1\n"
    details = api.get_discussion_details(repo_id, 1)
    assert "+1" in details.diff and details.conflicting_files == [] and details.events[-1].type == "commit"
    with pytest.raises(HfHubHTTPError, match="draft"):
        api.merge_pull_request(repo_id, 1)
    api.change_discussion_status(repo_id, 1, "open")
    with pytest.raises(HfHubHTTPError):
        dave.merge_pull_request(repo_id, 1)
    api.merge_pull_request(repo_id, 1, comment="Good.")
    details = api.get_discussion_details(repo_id, 1)
    assert details.status == "merged" and details.merge_commit_oid == api.model_info(repo_id).sha
    assert api.list_repo_commits(repo_id)[0].title == "Better text (#1)"


@calls("HfApi.create_commit (create_pr)", "HfApi.upload_file (create_pr)", "HfApi.upload_folder (create_pr)")
def test_uploads_open_pull_requests(api, api_of, repo_id, tmp_path):
    dave, before = api_of("dave"), api.model_info(repo_id).sha
    made = dave.create_commit(
        repo_id, [CommitOperationAdd("c.txt", b"three\n")], commit_message="Add c", commit_description="Why", create_pr=True
    )
    assert made.pr_num == 1 and made.pr_revision == "refs/pr/1" and made.pr_url.endswith(f"{repo_id}/discussions/1")
    made = dave.upload_file(path_or_fileobj=b"4", path_in_repo="d.txt", repo_id=repo_id, create_pr=True)
    assert made.pr_num == 2
    for name in ("e.txt", "f/g.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    made = dave.upload_folder(folder_path=tmp_path, repo_id=repo_id, create_pr=True)
    assert made.pr_num == 3
    dave.upload_folder(folder_path=tmp_path, repo_id=repo_id, path_in_repo="more", revision="refs/pr/3")
    files = set(api.list_repo_files(repo_id, revision="refs/pr/3"))
    assert {"e.txt", "f/g.txt", "more/e.txt", "more/f/g.txt"} <= files
    refs = api.list_repo_refs(repo_id, include_pull_requests=True).pull_requests
    assert [ref.ref for ref in refs] == ["refs/pr/1", "refs/pr/2", "refs/pr/3"]
    assert api.model_info(repo_id).sha == before
    with pytest.raises(HfHubHTTPError):
        dave.upload_file(path_or_fileobj=b"5", path_in_repo="d.txt", repo_id=repo_id)


@calls("HfApi.upload_file (create_pr, a large file)")
def test_large_files_are_proposed_by_those_who_may_not_write(api, api_of, repo_id):
    dave, content = api_of("dave"), b"\0proposed" * 5000
    made = dave.upload_file(path_or_fileobj=content, path_in_repo="w.bin", repo_id=repo_id, create_pr=True)
    assert open(api.hf_hub_download(repo_id, "w.bin", revision=made.pr_revision), "rb").read() == content
    dave.upload_file(path_or_fileobj=content + b"2", path_in_repo="w2.bin", repo_id=repo_id, revision=made.pr_revision)
    api.merge_pull_request(repo_id, made.pr_num)
    assert open(api.hf_hub_download(repo_id, "w2.bin"), "rb").read() == content + b"2"


@calls("HfApi.merge_pull_request")
def test_a_conflict_is_explained(api, api_of, repo_id):
    made = api_of("dave").upload_file(path_or_fileobj=b"dave\n", path_in_repo="a.txt", repo_id=repo_id, create_pr=True)
    api.upload_file(path_or_fileobj=b"bob\n", path_in_repo="a.txt", repo_id=repo_id)
    assert api.get_discussion_details(repo_id, made.pr_num).conflicting_files == ["a.txt"]
    with pytest.raises(HfHubHTTPError, match="a.txt") as refused:
        api.merge_pull_request(repo_id, made.pr_num)
    assert refused.value.response.status_code == 409


@calls("HfApi.merge_pull_request")
def test_cards_that_two_change_merge_key_by_key(api, api_of, repo_id):
    def card(licence, tags, results):
        evaluated = [EvalResult("text-classification", name, name, "accuracy", value) for name, value in results.items()]
        data = ModelCardData(license=licence, tags=tags, model_name="m", eval_results=evaluated or None)
        return CommitOperationAdd("README.md", str(ModelCard(f"---\n{data.to_yaml()}\n---\n# A model\n")).encode())

    api.create_commit(repo_id, [card("mit", ["a"], {"glue": 0.5})], commit_message="A card")
    theirs = card("mit", ["a", "dave"], {"glue": 0.5, "squad": 0.7})
    made = api_of("dave").create_commit(repo_id, [theirs], commit_message="More results", create_pr=True)
    api.create_commit(repo_id, [card("apache-2.0", ["a", "bob"], {"glue": 0.6, "mmlu": 0.8})], commit_message="Also results")
    assert api.get_discussion_details(repo_id, made.pr_num).conflicting_files == []
    api.merge_pull_request(repo_id, made.pr_num)
    assert api.get_discussion_details(repo_id, made.pr_num).status == "merged"
    data = ModelCard(open(api.hf_hub_download(repo_id, "README.md")).read()).data
    assert (data.license, data.tags) == ("apache-2.0", ["a", "bob", "dave"])
    assert {result.dataset_type: result.metric_value for result in data.eval_results} == {"glue": 0.6, "mmlu": 0.8, "squad": 0.7}


@calls("hf discussions")
def test_discussions_by_command(hf, api, repo_id):
    assert "#1" in hf("discussions", "create", repo_id, "--title", "A question", "--body", "Why?", token="dave")
    hf("discussions", "create", repo_id, "--title", "A change", "--pull-request", token="dave")
    assert "A question" in hf("discussions", "list", repo_id)
    assert "A change" in hf("discussions", "list", repo_id, "--status", "draft")
    hf("discussions", "comment", repo_id, "1", "--body", "Because.")
    assert "Because." in hf("discussions", "info", repo_id, "1")
    hf("discussions", "rename", repo_id, "1", "Another question", token="dave")
    hf("discussions", "close", repo_id, "1", "--yes")
    hf("discussions", "reopen", repo_id, "1", "--yes")
    hf("upload", repo_id, __file__, "test.py", "--revision", "refs/pr/2", token="dave")
    hf("discussions", "reopen", repo_id, "2", "--yes")
    assert "+" in hf("discussions", "diff", repo_id, "2")
    hf("discussions", "merge", repo_id, "2", "--yes")
    assert api.file_exists(repo_id, "test.py")


# One pixel, and the beginning of a film.
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
FILM = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + b"film" * 5000


def fetch(address, person=None):
    """Returns the status and the bytes that somebody gets."""
    headers = {"Authorization": f"Bearer {TOKENS[person]}"} if person else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, b""


@calls("HfApi.upload_attachment", "hf discussions create (--attach)", "hf discussions comment (--attach)")
def test_files_come_with_what_is_said(hf, api, api_of, url, repo_id, tmp_path):
    if not hasattr(api, "upload_attachment"):
        pytest.skip("this version of the client attaches nothing")
    (tmp_path / "plot.png").write_bytes(PIXEL)
    (tmp_path / "clip.mp4").write_bytes(FILM)
    address = api.upload_attachment(tmp_path / "plot.png")
    assert address.startswith(f"{url}/uploads/") and address.endswith(".png")
    assert [fetch(address, person)[0] for person in ("bob", "dave", None)] == [200, 404, 404]
    api.create_discussion(repo_id, title="Rendering bug", description=f"![screenshot]({address})")
    assert fetch(address) == (200, PIXEL)
    with pytest.raises(HfHubHTTPError) as refused:
        api_of("bob-read").upload_attachment(tmp_path / "plot.png")
    assert refused.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError) as refused:
        api.upload_attachment(tmp_path / "plot.png", token=False)
    assert refused.value.response.status_code == 401

    files = ("--attach", "plot.png", "--attach", "clip.mp4#A clip")
    hf("discussions", "comment", repo_id, "1", "--body", "Look: ![the plot](plot.png)", *files, cwd=tmp_path)
    said = api.get_discussion_details(repo_id, 1).events[-1]
    plot, film = re.fullmatch(r"Look: !\[the plot\]\((\S+)\)\n\n(\S+)", said.content).groups()
    assert fetch(plot) == (200, PIXEL) and fetch(film) == (200, FILM)
    path = film.removeprefix(url)
    assert f'<video src="{path}"' in said.rendered and f'<img src="{plot.removeprefix(url)}"' in said.rendered
    hf("discussions", "create", repo_id, "--title", "Another", "--body", "See:", "--attach", "plot.png", cwd=tmp_path, token="dave")
    assert "![plot](" in api.get_discussion_details(repo_id, 2).events[0].content


@calls("HfApi.get_discussion_details", "HfApi.comment_discussion")
def test_comments_on_lines_are_comments_for_clients_that_know_of_no_lines(api, api_of, repo_id):
    dave = api_of("dave")
    made = dave.upload_file(path_or_fileobj=b"1\n", path_in_repo="a.txt", repo_id=repo_id, create_pr=True)
    address = f"{api.endpoint}/api/models/{repo_id}/discussions/{made.pr_num}/comment"
    headers = {"Authorization": f"Bearer {TOKENS['dave']}", "Content-Type": "application/json"}

    def post(path, body):
        request = urllib.request.Request(address + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def say(body):
        return post("", body)["newMessage"]

    said = say({"comment": "Why 1?", "anchor": {"path": "a.txt", "line": 1}})
    say({"comment": "One is longer.", "replyTo": said["id"]})
    api.comment_discussion(repo_id, made.pr_num, "Thanks")
    events = api.get_discussion_details(repo_id, made.pr_num).events
    comments = [event.content for event in events if event.type == "comment"]
    assert comments[1:] == ["Why 1?", "One is longer.", "Thanks"]
    anchors = [event._event["data"].get("anchor", {}).get("line") for event in events if event.type == "comment"]
    assert anchors == [None, 1, 1, None]
    # Of what they do not know they keep who did it, and what else it says.
    for resolved in (True, False):
        post(f"/{said['id']}/resolve", {"resolved": resolved})
    *_, settled, again = api.get_discussion_details(repo_id, made.pr_num).events
    for event, resolved in ((settled, True), (again, False)):
        assert type(event).__name__ == "DiscussionEvent" and (event.type, event.author) == ("thread-change", "dave")
        assert event._event["data"] == {"resolved": resolved, "thread": said["id"], "path": "a.txt"}
