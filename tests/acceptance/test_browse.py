"""Trees, paths, history, branches, tags and stored large files."""

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import BadRequestError, EntryNotFoundError, HfHubHTTPError, RevisionNotFoundError

calls = pytest.mark.calls
FILES = {"a.txt": b"a", "dir/b.txt": b"b", "dir/sub/c.bin": b"\0c", "dir.txt": b"not in dir"}


@pytest.fixture
def repo_id(new_repo):
    return new_repo(files=FILES)


def paths(entries):
    return {entry.path for entry in entries}


@calls("HfApi.list_repo_tree", "HfApi.list_repo_files")
def test_the_tree_by_folder_and_as_a_whole(api, repo_id):
    assert paths(api.list_repo_tree(repo_id)) == {".gitattributes", "a.txt", "dir", "dir.txt"}
    assert paths(api.list_repo_tree(repo_id, "dir")) == {"dir/b.txt", "dir/sub"}
    whole = {".gitattributes", "a.txt", "dir", "dir.txt", "dir/b.txt", "dir/sub", "dir/sub/c.bin"}
    assert paths(api.list_repo_tree(repo_id, recursive=True)) == whole
    assert set(api.list_repo_files(repo_id)) == whole - {"dir", "dir/sub"}
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree(repo_id, "nowhere"))
    with pytest.raises(RevisionNotFoundError):
        list(api.list_repo_tree(repo_id, revision="nowhere"))


@calls("HfApi.list_repo_tree (expand)")
def test_the_tree_tells_each_files_last_commit(api, repo_id):
    done = api.upload_file(path_or_fileobj=b"b2", path_in_repo="dir/b.txt", repo_id=repo_id, commit_message="Again")
    tree = {entry.path: entry for entry in api.list_repo_tree(repo_id, recursive=True, expand=True)}
    assert tree["dir/b.txt"].last_commit.oid == done.oid
    assert tree["dir"].last_commit.title == "Again"
    assert tree["a.txt"].last_commit.title == "Add files"
    assert tree["dir/sub/c.bin"].lfs.size == 2
    assert tree["dir/sub/c.bin"].lfs.pointer_size > 100


@calls("HfApi.list_repo_tree (paged)")
def test_a_folder_of_thousands_is_listed_whole(api, new_repo):
    repo_id = new_repo("dataset")
    adds = [CommitOperationAdd(f"many/{number:05}.txt", b"%d" % number) for number in range(2_500)]
    api.create_commit(repo_id, adds, commit_message="Many", repo_type="dataset")
    assert len(list(api.list_repo_tree(repo_id, "many", repo_type="dataset"))) == 2_500
    assert len(api.list_repo_files(repo_id, repo_type="dataset")) == 2_501


@calls("HfApi.get_paths_info")
def test_paths_info_leaves_out_what_is_missing(api, repo_id):
    found = api.get_paths_info(repo_id, ["a.txt", "dir", "nope", "dir/sub/c.bin"], expand=True)
    assert paths(found) == {"a.txt", "dir", "dir/sub/c.bin"}
    assert all(entry.last_commit.title == "Add files" for entry in found)


@calls("HfApi.list_repo_commits")
def test_history_is_listed_newest_first(api, repo_id):
    for number in range(60):
        api.upload_file(
            path_or_fileobj=b"%d" % number, path_in_repo="n.txt", repo_id=repo_id, commit_message=f"Commit {number}"
        )
    commits = api.list_repo_commits(repo_id, formatted=True)
    assert [commit.title for commit in commits[:2]] == ["Commit 59", "Commit 58"]
    assert len(commits) == 62
    assert commits[0].formatted_title == "Commit 59"
    assert commits[0].created_at >= commits[1].created_at
    assert len(api.list_repo_commits(repo_id, revision=commits[30].commit_id)) == 32


@calls("HfApi.create_branch", "HfApi.delete_branch", "HfApi.list_repo_refs")
def test_branches_come_and_go(api, repo_id):
    head = api.model_info(repo_id).sha
    api.create_branch(repo_id, branch="feat/x")
    with pytest.raises(HfHubHTTPError, match="Reference refs/heads/feat/x already exists") as refused:
        api.create_branch(repo_id, branch="feat/x")
    assert refused.value.response.status_code == 409
    api.create_branch(repo_id, branch="feat/x", exist_ok=True)
    api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo_id)
    api.create_branch(repo_id, branch="old", revision=head)
    branches = {branch.name: branch.target_commit for branch in api.list_repo_refs(repo_id).branches}
    assert branches == {"main": api.model_info(repo_id).sha, "feat/x": head, "old": head}
    api.delete_branch(repo_id, branch="feat/x")
    assert {branch.name for branch in api.list_repo_refs(repo_id).branches} == {"main", "old"}


@calls("HfApi.create_branch", "HfApi.delete_branch")
def test_branches_that_cannot_be(api, repo_id):
    with pytest.raises(BadRequestError, match="Invalid reference for a branch"):
        api.create_branch(repo_id, branch="refs/pr/5")
    with pytest.raises(RevisionNotFoundError):
        api.create_branch(repo_id, branch="from-nowhere", revision="nowhere")
    with pytest.raises(HfHubHTTPError, match="Cannot delete refs/heads/main"):
        api.delete_branch(repo_id, branch="main")
    with pytest.raises(HfHubHTTPError, match="Invalid rev id"):
        api.delete_branch(repo_id, branch="nowhere")


@calls("HfApi.create_tag", "HfApi.delete_tag", "HfApi.list_repo_refs")
def test_tags_come_and_go(api, repo_id):
    head = api.model_info(repo_id).sha
    api.create_tag(repo_id, tag="v1", tag_message="First release")
    api.create_tag(repo_id, tag="v/2", revision=head)
    with pytest.raises(HfHubHTTPError) as refused:
        api.create_tag(repo_id, tag="v1")
    assert refused.value.response.status_code == 409
    api.create_tag(repo_id, tag="v1", exist_ok=True)
    tags = {tag.name: tag for tag in api.list_repo_refs(repo_id).tags}
    assert set(tags) == {"v1", "v/2"}
    assert tags["v1"].ref == "refs/tags/v1"
    assert api.model_info(repo_id, revision="v1").sha == head
    with pytest.raises(RevisionNotFoundError):
        api.create_tag(repo_id, tag="v3", revision="nowhere")
    api.delete_tag(repo_id, tag="v1")
    with pytest.raises(RevisionNotFoundError):
        api.delete_tag(repo_id, tag="v1")
    assert {tag.name for tag in api.list_repo_refs(repo_id).tags} == {"v/2"}


@calls("HfApi.list_repo_refs (include_pull_requests)")
def test_refs_of_pull_requests_are_a_list(api, repo_id):
    assert api.list_repo_refs(repo_id, include_pull_requests=True).pull_requests == []


@calls("HfApi.super_squash_history")
def test_history_is_squashed_into_one_commit(api, repo_id, tmp_path):
    api.upload_file(path_or_fileobj=b"a2", path_in_repo="a.txt", repo_id=repo_id)
    before = set(api.list_repo_files(repo_id))
    api.super_squash_history(repo_id, commit_message="All in one")
    commits = api.list_repo_commits(repo_id)
    assert [commit.title for commit in commits] == ["All in one"]
    assert set(api.list_repo_files(repo_id)) == before
    got = api.hf_hub_download(repo_id, "dir/sub/c.bin", cache_dir=tmp_path)
    assert open(got, "rb").read() == b"\0c"


@calls("HfApi.list_lfs_files")
def test_stored_large_files_are_listed(api, repo_id):
    import hashlib

    files = list(api.list_lfs_files(repo_id))
    assert [(file.filename, file.size, file.oid) for file in files] == [
        ("dir/sub/c.bin", 2, hashlib.sha256(b"\0c").hexdigest())
    ]


@calls("HfApi.permanently_delete_lfs_files")
def test_a_stored_large_file_is_deleted_from_all_of_history(api, repo_id):
    api.upload_file(path_or_fileobj=b"\0d", path_in_repo="d.bin", repo_id=repo_id)
    doomed = [file for file in api.list_lfs_files(repo_id) if file.filename.endswith("c.bin")]
    api.permanently_delete_lfs_files(repo_id, doomed)
    assert not api.file_exists(repo_id, "dir/sub/c.bin")
    assert api.file_exists(repo_id, "d.bin")
    assert [file.filename for file in api.list_lfs_files(repo_id)] == ["d.bin"]
