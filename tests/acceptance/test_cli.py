"""The `hf` command, run as a person would."""

import json

import pytest
from harness.people import TOKENS

calls = pytest.mark.calls


@calls("hf auth whoami")
def test_whoami(hf):
    assert "bob" in hf("auth", "whoami")
    assert "acme" in hf("auth", "whoami")


@calls("hf auth login", "hf auth list", "hf auth switch", "hf auth logout")
def test_login_and_logout(hf):
    hf("auth", "login", "--token", TOKENS["bob"], token=None)
    assert "desk" in hf("auth", "list", token=None)
    assert "bob" in hf("auth", "whoami", token=None)
    hf("auth", "login", "--token", TOKENS["carol"], token=None)
    hf("auth", "switch", "--token-name", "desk", token=None)
    assert "bob" in hf("auth", "whoami", token=None)
    hf("auth", "logout", token=None)


@calls("hf auth login")
def test_a_wrong_token_does_not_log_in(hf):
    assert "nvalid" in hf("auth", "login", "--token", "hf_" + "x" * 34, token=None, ok=False)


@calls("hf repos create", "hf repos settings", "hf repos move", "hf repos delete")
@pytest.mark.parametrize("repo_type", ["model", "dataset"])
def test_a_repository_lives_and_dies_by_command(hf, api, unique, repo_type):
    old, new = f"bob/{unique('cli')}", f"bob/{unique('moved')}"
    kind = ("--repo-type", repo_type)
    hf("repos", "create", old, *kind, "--private")
    assert api.repo_info(old, repo_type=repo_type).private
    hf("repos", "create", old, *kind, ok=False)
    hf("repos", "create", old, *kind, "--exist-ok")
    hf("repos", "settings", old, *kind, "--public")
    assert not api.repo_info(old, repo_type=repo_type).private
    hf("repos", "move", old, new, *kind)
    assert api.repo_info(new, repo_type=repo_type).id == new
    hf("repos", "delete", new, *kind, "--yes")
    assert not api.repo_exists(new, repo_type=repo_type)


@calls("hf repos branch", "hf repos tag")
def test_branches_and_tags_by_command(hf, api, new_repo):
    repo_id = new_repo()
    hf("repos", "branch", "create", repo_id, "dev")
    hf("repos", "tag", "create", repo_id, "v1", "-m", "First")
    assert "v1" in hf("repos", "tag", "list", repo_id)
    hf("repos", "tag", "delete", repo_id, "v1", "-y")
    hf("repos", "branch", "delete", repo_id, "dev")
    refs = api.list_repo_refs(repo_id)
    assert [branch.name for branch in refs.branches] == ["main"] and refs.tags == []


@calls("hf upload (file)", "hf download (file)", "hf repos delete-files")
def test_files_up_and_down_by_command(hf, api, unique, tmp_path):
    repo_id = f"bob/{unique('cli')}"
    (tmp_path / "config.json").write_text('{"n": 1}')
    (tmp_path / "w.bin").write_bytes(b"\0w" * 1000)
    printed = hf("upload", repo_id, "config.json", cwd=tmp_path)
    assert repo_id in printed
    hf("upload", repo_id, str(tmp_path / "w.bin"), "deep/w.bin", "--commit-message", "Weights")
    hf("download", repo_id, "config.json", "deep/w.bin", "--local-dir", str(tmp_path / "got"))
    assert (tmp_path / "got/deep/w.bin").read_bytes() == b"\0w" * 1000
    hf("repos", "delete-files", repo_id, "deep/*")
    assert set(api.list_repo_files(repo_id)) == {".gitattributes", "config.json"}


@calls("hf upload (patterns)", "hf download (patterns)")
def test_patterns_by_command(hf, api, unique, tmp_path):
    repo_id = f"bob/{unique('cli')}"
    for name in ("a.txt", "b.log", "c.txt"):
        (tmp_path / name).write_text(name)
    kind = ("--repo-type", "dataset")
    hf("upload", repo_id, str(tmp_path), ".", *kind, "--include", "*.txt", "--private")
    assert api.dataset_info(repo_id).private
    hf("download", repo_id, *kind, "--exclude", "a*", "--local-dir", str(tmp_path / "got"))
    assert {path.name for path in (tmp_path / "got").glob("*.*")} - {".gitattributes", ".cache"} == {"c.txt"}


@calls("hf download (quiet path)", "hf cache")
def test_the_cache_by_command(hf, new_repo, tmp_path):
    repo_id = new_repo(files={"a.txt": b"a", "w.bin": b"\0w"})
    path = hf("download", repo_id, "a.txt", "--quiet").strip().splitlines()[-1]
    assert open(path).read() == "a"
    assert repo_id in hf("cache", "ls")
    hf("download", repo_id)
    hf("cache", "verify", repo_id)


@calls("hf models ls", "hf models info", "hf datasets ls")
def test_lists_by_command(hf, new_repo):
    model, dataset = new_repo(files={"a.txt": b"a"}), new_repo("dataset")
    assert model in hf("models", "ls", "--search", model.split("/")[1], "--format", "json")
    assert json.loads(hf("models", "info", model, "--format", "json").split("\n[")[0])["id"] == model
    assert "a.txt" in hf("models", "ls", model, "--format", "json")
    assert dataset in hf("datasets", "ls", "--author", "bob", "--search", dataset.split("/")[1], "--format", "json")


@calls("hf models card", "hf datasets card", "hf datasets info", "hf spaces ls", "hf spaces info", "hf spaces card")
def test_cards_and_infos_by_command(hf, new_repo):
    text = b"---\ntitle: A card\nsdk: static\nlicense: mit\n---\n# What it is\n"
    model, dataset, space = (new_repo(kind, files={"README.md": text}) for kind in ("model", "dataset", "space"))
    card = hf("models", "card", model, "--text")
    assert "# What it is" in card and "license" not in card
    card = hf("datasets", "card", dataset, "--metadata", "--format", "json")
    assert "mit" in card and "What it is" not in card
    assert "# What it is" in hf("spaces", "card", space)
    assert dataset in hf("datasets", "info", dataset, "--format", "json")
    assert space in hf("spaces", "info", space, "--format", "json")
    assert space in hf("spaces", "ls", "--author", "bob", "--search", space.split("/")[1], "--format", "json")


@calls("hf repos duplicate", "hf repos ls")
def test_duplicate_by_command(hf, api, new_repo, unique):
    source, target = new_repo(files={"a.txt": b"a"}), f"bob/{unique('copy')}"
    hf("repos", "duplicate", source, target)
    assert api.file_exists(target, "a.txt")
    assert target in hf("repos", "ls", "--search", target.split("/")[1], "--format", "json")


@calls("hf upload-large-folder")
def test_a_large_folder_by_command(hf, api, new_repo, tmp_path):
    from huggingface_hub import __version__

    if not __version__.startswith("1."):
        pytest.skip("gone in this version")
    repo_id = new_repo()
    (tmp_path / "w.bin").write_bytes(b"\0w" * 1000)
    hf("upload-large-folder", repo_id, str(tmp_path), "--repo-type", "model", "--no-report")
    assert api.file_exists(repo_id, "w.bin")


@calls("RepositoryNotFoundError")
def test_a_missing_repository_by_command(hf, unique):
    assert "not found" in hf("download", f"bob/{unique()}", ok=False).lower()
