"""Plain git and git-lfs: clone, pull, push, and what a refused push is told."""

import os
import subprocess
import sys

import pytest
from harness import parts
from harness.people import TOKENS

calls = pytest.mark.calls
pytestmark = [pytest.mark.client("git with git-lfs 2"), pytest.mark.any_version]


@pytest.fixture
def remote(url):
    def remote(repo_id, person="bob", repo_type="model", suffix=""):
        prefix = "" if repo_type == "model" else f"{repo_type}s/"
        login = f"{person}:{TOKENS[person]}@" if person else ""
        return url.replace("://", f"://{login}") + f"/{prefix}{repo_id}{suffix}"

    return remote


@calls("git clone", "git push", "git pull")
@pytest.mark.parametrize("repo_type", ["model", "dataset", "space"])
def test_clone_push_and_pull(git, remote, api, new_repo, tmp_path, repo_type):
    repo_id = new_repo(repo_type, files={"a.txt": b"a\n", "w.bin": b"\0first"})
    one, two = tmp_path / "one", tmp_path / "two"
    git("clone", remote(repo_id, repo_type=repo_type), "one", cwd=tmp_path)
    git("clone", remote(repo_id, repo_type=repo_type, suffix=".git"), "two", cwd=tmp_path)
    assert (one / "w.bin").read_bytes() == b"\0first"
    (one / "a.txt").write_text("a\nb\n")
    (one / "w.bin").write_bytes(b"\0second")
    git("commit", "-am", "Change both", cwd=one)
    git("push", cwd=one)
    git("pull", cwd=two)
    assert (two / "w.bin").read_bytes() == b"\0second"
    assert (two / "a.txt").read_text() == "a\nb\n"
    head = api.list_repo_commits(repo_id, repo_type=repo_type)[0]
    assert head.title == "Change both"
    assert head.commit_id == git("rev-parse", "HEAD", cwd=one).strip()
    got = api.hf_hub_download(repo_id, "w.bin", repo_type=repo_type, cache_dir=tmp_path / "cache")
    assert open(got, "rb").read() == b"\0second"
    git("fsck", "--strict", cwd=two)


@calls("git clone (shallow)", "git clone (partial)", "git fetch")
def test_shallow_and_partial_clones(git, remote, api, new_repo, tmp_path):
    repo_id = new_repo(files={f"{n}.txt": f"{n}".encode() * 100 for n in range(20)})
    for number in range(5):
        api.upload_file(path_or_fileobj=b"%d" % number, path_in_repo="n.txt", repo_id=repo_id)
    git("clone", "--depth", "1", remote(repo_id), "shallow", cwd=tmp_path)
    assert git("rev-list", "--count", "HEAD", cwd=tmp_path / "shallow").strip() == "1"
    git("fetch", "--unshallow", cwd=tmp_path / "shallow")
    assert git("rev-list", "--count", "HEAD", cwd=tmp_path / "shallow").strip() == "7"
    git("clone", "--filter=blob:none", "--no-checkout", remote(repo_id), "partial", cwd=tmp_path)
    assert "n.txt" in git("ls-tree", "--name-only", "HEAD", cwd=tmp_path / "partial")
    assert git("show", "HEAD:n.txt", cwd=tmp_path / "partial") == "4"


@calls("git push (branches and tags)")
def test_branches_and_tags(git, remote, api, new_repo, tmp_path):
    repo_id = new_repo()
    git("clone", remote(repo_id), "work", cwd=tmp_path)
    work = tmp_path / "work"
    git("checkout", "-b", "feat/x", cwd=work)
    (work / "x.txt").write_text("x")
    git("add", "x.txt", cwd=work)
    git("commit", "-m", "On a branch", cwd=work)
    git("tag", "-a", "v1", "-m", "First", cwd=work)
    git("push", "-u", "origin", "feat/x", "v1", cwd=work)
    refs = api.list_repo_refs(repo_id)
    assert {branch.name for branch in refs.branches} == {"main", "feat/x"}
    assert [tag.name for tag in refs.tags] == ["v1"]
    assert api.file_exists(repo_id, "x.txt", revision="v1")
    git("push", "origin", "--delete", "feat/x", "v1", cwd=work)
    refs = api.list_repo_refs(repo_id)
    assert [branch.name for branch in refs.branches] == ["main"] and refs.tags == []


@calls("git clone (private)")
def test_private_repositories_need_a_token(git, remote, new_repo, tmp_path):
    repo_id = new_repo(private=True, namespace="acme", files={"w.bin": b"\0w"})
    git("clone", remote(repo_id, "carol"), "carol", cwd=tmp_path)
    assert (tmp_path / "carol/w.bin").read_bytes() == b"\0w"
    git("clone", remote(repo_id, "dave"), "dave", cwd=tmp_path, ok=False)
    said = git("clone", remote(repo_id, None), "nobody", cwd=tmp_path, ok=False)
    assert "could not read Username" in said


@calls("git push (refused)")
def test_who_may_not_write_cannot_push(git, remote, api, new_repo, tmp_path):
    repo_id = new_repo(namespace="acme")
    head = api.model_info(repo_id).sha
    for person in ("carol", "dave", "bob-read"):
        git("clone", remote(repo_id, person), person, cwd=tmp_path)
        git("commit", "--allow-empty", "-m", "No", cwd=tmp_path / person)
        said = git("push", cwd=tmp_path / person, ok=False)
        assert "403" in said, said
    assert api.model_info(repo_id).sha == head


@calls("git push (refused)")
def test_a_push_that_lost_the_race_is_refused(git, remote, api, new_repo, tmp_path):
    repo_id = new_repo()
    git("clone", remote(repo_id), "work", cwd=tmp_path)
    api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo_id)
    git("commit", "--allow-empty", "-m", "Late", cwd=tmp_path / "work")
    assert "rejected" in git("push", cwd=tmp_path / "work", ok=False)
    git("pull", "--rebase", cwd=tmp_path / "work")
    git("push", cwd=tmp_path / "work")
    assert api.file_exists(repo_id, "x.txt")


@calls("git push (refused)")
def test_a_large_file_without_lfs_is_told_about_lfs(git, remote, api, new_repo, tmp_path):
    repo_id = new_repo()
    git("clone", remote(repo_id), "work", cwd=tmp_path)
    (tmp_path / "work/big.weird").write_bytes(os.urandom(11_000_000))
    git("add", "-A", cwd=tmp_path / "work")
    git("commit", "-m", "Too big", cwd=tmp_path / "work")
    said = git("push", cwd=tmp_path / "work", ok=False)
    assert "big.weird" in said and "lfs" in said.lower()
    assert not api.file_exists(repo_id, "big.weird")


@calls("git push (refused)")
def test_a_pointer_without_its_object_is_refused(git, remote, api, new_repo, tmp_path):
    repo_id = new_repo()
    git("clone", remote(repo_id), "work", cwd=tmp_path)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "ab" * 32 + "\nsize 5\n"
    (tmp_path / "work/w.bin").write_text(pointer)
    for step in (("add", "-A"), ("commit", "-m", "Claim"), ("push", "--no-verify")):
        said = git(*step, cwd=tmp_path / "work", ok=step[0] != "push", GIT_LFS_SKIP_PUSH="1")
    assert "w.bin" in said
    assert not api.file_exists(repo_id, "w.bin")


@calls("git push (after a move)", "git clone (after a move)")
def test_the_old_address_keeps_working_after_a_move(git, remote, api, new_repo, unique, tmp_path):
    old = new_repo(files={"w.bin": b"\0w"})
    git("clone", remote(old), "work", cwd=tmp_path)
    new = f"bob/{unique('moved')}"
    api.move_repo(old, new)
    (tmp_path / "work/w.bin").write_bytes(b"\0changed")
    git("commit", "-am", "After the move", cwd=tmp_path / "work")
    git("push", cwd=tmp_path / "work")
    git("clone", remote(old), "again", cwd=tmp_path)
    assert (tmp_path / "again/w.bin").read_bytes() == b"\0changed"
    assert api.list_repo_commits(new)[0].title == "After the move"


@calls("git lfs push (many files)", "git lfs fsck")
def test_many_large_files(git, remote, api, new_repo, tmp_path):
    repo_id = new_repo("dataset")
    git("clone", remote(repo_id, repo_type="dataset"), "work", cwd=tmp_path)
    for number in range(150):
        (tmp_path / f"work/{number}.parquet").write_bytes(os.urandom(2_000))
    git("add", "-A", cwd=tmp_path / "work")
    git("commit", "-m", "Many", cwd=tmp_path / "work")
    git("push", cwd=tmp_path / "work")
    git("clone", remote(repo_id, None, "dataset"), "again", cwd=tmp_path)
    git("lfs", "fsck", cwd=tmp_path / "again")
    assert (tmp_path / "again/7.parquet").read_bytes() == (tmp_path / "work/7.parquet").read_bytes()


@pytest.fixture
def large_commit(git, remote, new_repo, tmp_path):
    """Makes a clone with a commit of a file over the multipart threshold, in nine parts if it went so."""

    def make():
        repo_id, content = new_repo(), os.urandom(parts.PART) * 8 + b"the end"
        git("clone", remote(repo_id), "work", cwd=tmp_path)
        (tmp_path / "work/big.bin").write_bytes(content)
        git("add", "-A", cwd=tmp_path / "work")
        git("commit", "-m", "Big", cwd=tmp_path / "work")
        return repo_id, content

    return make


@calls("git lfs push (a large file)", "git lfs pull")
def test_a_large_file_over_the_multipart_threshold_goes_in_one_from_plain_git(git, remote, large_commit, tmp_path):
    repo_id, content = large_commit()
    said = git("push", cwd=tmp_path / "work", GIT_TRACE="1")
    assert 'starting transfer adapter "basic"' in said
    git("clone", remote(repo_id, None), "again", cwd=tmp_path, GIT_LFS_SKIP_SMUDGE="1")
    assert (tmp_path / "again/big.bin").stat().st_size < 200
    git("lfs", "pull", cwd=tmp_path / "again")
    assert (tmp_path / "again/big.bin").read_bytes() == content


@calls("hf lfs-enable-largefiles", "hf lfs-multipart-upload")
def test_the_multipart_agent_of_the_client(git, api, large_commit, tmp_path, hf, proxy):
    repo_id, content = large_commit()
    hf("lfs-enable-largefiles", str(tmp_path / "work"))
    # Each of eight would be a process.
    git("config", "lfs.concurrenttransfers", "1", cwd=tmp_path / "work")
    line = proxy()
    # The agent goes over the proxy. git, which wants the name in small letters, and git-lfs, for this machine, do not.
    through = {name: line.env[name] for name in ("HTTP_PROXY", "NO_PROXY", "no_proxy")}
    path = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]
    said = git("push", cwd=tmp_path / "work", PATH=path, GIT_TRACE="1", **through)
    assert 'starting transfer adapter "multipart"' in said
    assert parts.sent_over(line) >= parts.count_of(len(content)) == 9
    assert line.requests("/lfs/complete/") == 1
    got = api.hf_hub_download(repo_id, "big.bin", cache_dir=tmp_path / "cache")
    assert open(got, "rb").read() == content


@calls("git credential helper")
def test_the_credential_that_the_client_stores_is_used(git, hf, remote, new_repo, tmp_path, home):
    repo_id = new_repo(private=True)
    store = tmp_path / "credentials"
    git("config", "--global", "credential.helper", f"store --file={store}", cwd=tmp_path)
    hf("auth", "login", "--token", TOKENS["bob"], "--add-to-git-credential", token=None)
    assert "hf_user" in store.read_text()
    git("clone", remote(repo_id, None), "work", cwd=tmp_path)


@calls("git ls-remote")
def test_curl_and_ls_remote_without_a_clone(git, remote, api, new_repo, tmp_path):
    repo_id = new_repo()
    said = git("ls-remote", remote(repo_id, None), cwd=tmp_path)
    assert f"{api.model_info(repo_id).sha}\trefs/heads/main" in said
    assert "\tHEAD" in said
    old = subprocess.run(
        ["git", "-c", "protocol.version=0", "ls-remote", remote(repo_id, None)], capture_output=True, text=True
    )
    assert "refs/heads/main" in old.stdout
