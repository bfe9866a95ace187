"""`create_commit` with every operation, and what happens when two write at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RevisionNotFoundError

calls = pytest.mark.calls


def content(api, repo_id, path, folder, **options):
    return open(api.hf_hub_download(repo_id, path, cache_dir=folder, **options), "rb").read()


@calls("HfApi.create_commit", "CommitOperationAdd (small)", "CommitOperationAdd (large)")
@pytest.mark.parametrize("repo_type", ["model", "dataset", "space"])
def test_small_and_large_files_go_in_together(api, new_repo, tmp_path, repo_type):
    repo_id = new_repo(repo_type)
    large = bytes(range(256)) * 50_000
    on_disk = tmp_path / "on-disk.bin"
    on_disk.write_bytes(large[::-1])
    adds = [
        CommitOperationAdd("notes.txt", b"small\n"),
        CommitOperationAdd("deep/er/empty.txt", b""),
        CommitOperationAdd("w.safetensors", large),
        CommitOperationAdd("deep/w.bin", on_disk),
        CommitOperationAdd("Übergröße und mehr/ça va?.txt", b"names"),
    ]
    done = api.create_commit(
        repo_id, adds, commit_message="Add all\n", commit_description="With words.", repo_type=repo_type
    )
    assert len(done.oid) == 40
    head = api.list_repo_commits(repo_id, repo_type=repo_type)[0]
    assert (head.commit_id, head.title, head.authors) == (done.oid, "Add all", ["bob"])
    assert "With words." in head.message
    tree = {entry.path: entry for entry in api.list_repo_tree(repo_id, recursive=True, repo_type=repo_type)}
    assert tree["w.safetensors"].lfs.size == len(large)
    assert tree["deep/w.bin"].lfs.size == len(large)
    assert getattr(tree["notes.txt"], "lfs", None) is None
    for add, expected in zip(adds, [b"small\n", b"", large, large[::-1], b"names"]):
        assert content(api, repo_id, add.path_in_repo, tmp_path, repo_type=repo_type) == expected


@calls("CommitOperationDelete (file)", "CommitOperationDelete (folder)", "CommitOperationCopy")
def test_delete_copy_and_add_in_one_commit(api, new_repo, tmp_path):
    repo_id = new_repo(
        files={"old.txt": b"old", "dir/a.txt": b"a", "dir/sub/b.txt": b"b", "w.bin": b"\0w", "keep.txt": b"k"}
    )
    api.create_commit(
        repo_id,
        [
            CommitOperationDelete("old.txt"),
            CommitOperationDelete("dir/"),
            CommitOperationCopy("w.bin", "copies/w.bin"),
            CommitOperationCopy("keep.txt", "copies/keep.txt"),
            CommitOperationAdd("new.txt", b"new"),
        ],
        commit_message="Move things",
    )
    files = set(api.list_repo_files(repo_id)) - {".gitattributes"}
    assert files == {"w.bin", "keep.txt", "copies/w.bin", "copies/keep.txt", "new.txt"}
    assert content(api, repo_id, "copies/w.bin", tmp_path) == b"\0w"
    assert content(api, repo_id, "copies/keep.txt", tmp_path) == b"k"


@calls("CommitOperationCopy")
def test_copies_come_from_other_revisions_too(api, new_repo, tmp_path):
    repo_id = new_repo(files={"w.bin": b"\0first"})
    first = api.model_info(repo_id).sha
    api.create_commit(repo_id, [CommitOperationAdd("w.bin", b"\0second")], commit_message="Change")
    copy = CommitOperationCopy("w.bin", "back.bin", src_revision=first)
    api.create_commit(repo_id, [copy], commit_message="Bring back")
    assert content(api, repo_id, "back.bin", tmp_path) == b"\0first"


@calls("HfApi.create_commit")
def test_deleting_what_is_not_there_names_it(api, new_repo):
    repo_id = new_repo()
    with pytest.raises(EntryNotFoundError, match="A file with this name doesn't exist"):
        api.create_commit(repo_id, [CommitOperationDelete("nope.txt")], commit_message="Delete")


@calls("HfApi.delete_file", "HfApi.delete_folder", "HfApi.delete_files")
def test_deleting_by_name_folder_and_pattern(api, new_repo):
    repo_id = new_repo(files={"a.txt": b"a", "d/b.txt": b"b", "c.md": b"c", "e.md": b"e", "stay": b"s"})
    api.delete_file("a.txt", repo_id)
    api.delete_folder("d", repo_id)
    api.delete_files(repo_id, ["*.md"])
    assert set(api.list_repo_files(repo_id)) == {".gitattributes", "stay"}


@calls("HfApi.create_commit (parent_commit)")
def test_a_stale_parent_is_refused(api, new_repo):
    repo_id = new_repo()
    parent = api.model_info(repo_id).sha
    add = CommitOperationAdd("a.txt", b"1")
    api.create_commit(repo_id, [add], commit_message="First", parent_commit=parent)
    with pytest.raises(HfHubHTTPError, match="The branch was updated since you opened this page") as refused:
        add = CommitOperationAdd("a.txt", b"2")
        api.create_commit(repo_id, [add], commit_message="Second", parent_commit=parent)
    assert refused.value.response.status_code == 412


@calls("HfApi.create_commit (concurrent)")
def test_all_of_many_concurrent_commits_land(api, new_repo):
    repo_id = new_repo()

    def commit(number):
        add = CommitOperationAdd(f"files/{number}.txt", f"{number}".encode())
        return api.create_commit(repo_id, [add], commit_message=f"Add {number}").oid

    with ThreadPoolExecutor(8) as pool:
        oids = list(pool.map(commit, range(16)))
    assert len(set(oids)) == 16
    history = {commit.commit_id for commit in api.list_repo_commits(repo_id)}
    assert history >= set(oids)
    assert {f"files/{number}.txt" for number in range(16)} <= set(api.list_repo_files(repo_id))


@calls("HfApi.create_commit (concurrent)")
def test_of_many_commits_with_one_parent_one_lands(api, new_repo):
    repo_id = new_repo()
    parent = api.model_info(repo_id).sha

    def commit(number):
        add = CommitOperationAdd("same.txt", f"{number}".encode())
        try:
            return api.create_commit(repo_id, [add], commit_message="Try", parent_commit=parent).oid
        except HfHubHTTPError as error:
            assert error.response.status_code == 412
            return None

    with ThreadPoolExecutor(6) as pool:
        landed = [oid for oid in pool.map(commit, range(6)) if oid]
    assert len(landed) == 1
    assert api.model_info(repo_id).sha == landed[0]


@calls("HfApi.create_commit")
def test_an_unknown_branch_is_named(api, new_repo):
    with pytest.raises(RevisionNotFoundError):
        add = CommitOperationAdd("a.txt", b"1")
        api.create_commit(new_repo(), [add], commit_message="x", revision="nowhere")


@calls("HfApi.create_commit (branch)")
def test_commits_go_to_a_branch(api, new_repo):
    repo_id = new_repo()
    api.create_branch(repo_id, branch="feat/one")
    add = CommitOperationAdd("a.txt", b"1")
    api.create_commit(repo_id, [add], commit_message="On a branch", revision="feat/one")
    assert api.file_exists(repo_id, "a.txt", revision="feat/one")
    assert not api.file_exists(repo_id, "a.txt")


@calls("HfApi.create_commit")
def test_a_commit_that_changes_nothing_keeps_the_head(api, new_repo):
    repo_id = new_repo(files={"a.txt": b"same", "w.bin": b"\0same"})
    head = api.model_info(repo_id).sha
    adds = [CommitOperationAdd("a.txt", b"same"), CommitOperationAdd("w.bin", b"\0same")]
    done = api.create_commit(repo_id, adds, commit_message="Again")
    assert done.oid == head == api.model_info(repo_id).sha


@calls("HfApi.create_commit (future)")
def test_commits_run_in_the_background(api, new_repo):
    repo_id = new_repo()
    futures = [
        api.upload_file(
            path_or_fileobj=b"x", path_in_repo=f"{number}.txt", repo_id=repo_id, run_as_future=True
        )
        for number in range(3)
    ]
    assert all(len(future.result().oid) == 40 for future in futures)


@calls("HfApi.preupload_lfs_files")
def test_large_files_are_uploaded_ahead_of_their_commit(api, new_repo, tmp_path):
    repo_id = new_repo()
    add = CommitOperationAdd("w.bin", b"\0" * 100_000)
    api.preupload_lfs_files(repo_id, [add])
    assert not api.file_exists(repo_id, "w.bin")
    api.create_commit(repo_id, [add], commit_message="Commit what is there")
    assert content(api, repo_id, "w.bin", tmp_path) == b"\0" * 100_000


@calls("HfApi.create_commit")
@pytest.mark.parametrize("path", ["../up.txt", ".git/config", "a/../../b.txt", "a\\..\\b.txt", "nul\0.txt"])
def test_dangerous_paths_are_refused(url, api, new_repo, path):
    import base64
    import json

    from huggingface_hub.utils import get_session

    # The client refuses these itself, so the lines are written by hand.
    repo_id = new_repo()
    lines = [
        {"key": "header", "value": {"summary": "Break out"}},
        {"key": "file", "value": {"path": path, "content": base64.b64encode(b"x").decode(), "encoding": "base64"}},
    ]
    reply = get_session().post(
        f"{url}/api/models/{repo_id}/commit/main",
        content="".join(json.dumps(line) + "\n" for line in lines),
        headers={"Authorization": f"Bearer {api.token}", "Content-Type": "application/x-ndjson"},
    )
    assert reply.status_code in (400, 422)
    assert api.list_repo_files(repo_id) == [".gitattributes"]


@calls("HfApi.create_commit")
def test_an_object_that_was_never_uploaded_cannot_be_committed(url, api, new_repo):
    import json

    from huggingface_hub.utils import get_session

    repo_id = new_repo()
    lines = [
        {"key": "header", "value": {"summary": "Claim"}},
        {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": "ab" * 32, "size": 5}},
    ]
    reply = get_session().post(
        f"{url}/api/models/{repo_id}/commit/main",
        content="".join(json.dumps(line) + "\n" for line in lines),
        headers={"Authorization": f"Bearer {api.token}", "Content-Type": "application/x-ndjson"},
    )
    assert reply.status_code in (400, 404, 422)
    assert not api.file_exists(repo_id, "w.bin")
