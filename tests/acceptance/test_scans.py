"""Pushed files are looked at, and `huggingface_hub` tells what was found."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict

import pytest
from harness.people import TOKENS
from harness.waiting import wait_until
from huggingface_hub import CommitOperationAdd, CommitOperationDelete
from huggingface_hub.utils import HfHubHTTPError, get_session as api_session

calls = pytest.mark.calls


class Evil:
    def __reduce__(self):
        return os.system, ("echo pwned",)


def torch_checkpoint(state):
    """What `torch.save` writes: a pickle and raw numbers in a zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(state, 2))
        archive.writestr("archive/data/0", bytes(4096))
        archive.writestr("archive/version", "3\n")
    return out.getvalue()


def scanned(api, repo_id, paths, **where):
    """The files, once all of them were looked at."""
    found = {}

    def all_are():
        files = api.get_paths_info(repo_id, paths, expand=True, **where)
        assert [file.path for file in files] == paths
        found.update((file.path, file.security) for file in files)
        return not any(file.security.status == "queued" for file in files)

    wait_until(all_are)
    return found


@calls("HfApi.get_paths_info", "HfApi.list_repo_tree", "HfApi.model_info")
def test_pickles_are_looked_at_and_models_tell(api, new_repo):
    repo_id = new_repo()
    evil = pickle.dumps({"weights": [1.0], "hook": Evil()})
    operations = [
        CommitOperationAdd("evil.pkl", evil),
        CommitOperationAdd("pytorch_model.bin", torch_checkpoint(OrderedDict(x=Evil()))),
        CommitOperationAdd("good.bin", torch_checkpoint(OrderedDict(x=1))),
        CommitOperationAdd("README.md", b"# A model\n"),
    ]
    api.create_commit(repo_id, operations, commit_message="Add files")
    found = scanned(api, repo_id, ["evil.pkl", "pytorch_model.bin", "good.bin", "README.md"])
    for path in ["evil.pkl", "pytorch_model.bin"]:
        assert (found[path].safe, found[path].status) == (False, "unsafe")
        imports = found[path].pickle_import_scan["pickleImports"]
        assert {"module": "posix", "name": "system", "safety": "dangerous"} in imports
    assert found["good.bin"].safe
    ordered = {"module": "collections", "name": "OrderedDict", "safety": "innocuous"}
    assert found["good.bin"].pickle_import_scan["pickleImports"] == [ordered]
    assert found["README.md"].safe and found["README.md"].pickle_import_scan is None

    listed = {file.path: file.security.status for file in api.list_repo_tree(repo_id, expand=True)}
    assert (listed["evil.pkl"], listed["good.bin"]) == ("unsafe", "safe")
    status = api.model_info(repo_id, securityStatus=True).security_repo_status
    assert status["scansDone"] is True
    assert sorted(issue["path"] for issue in status["filesWithIssues"]) == ["evil.pkl", "pytorch_model.bin"]
    assert {issue["level"] for issue in status["filesWithIssues"]} == {"unsafe"}

    api.create_commit(repo_id, [CommitOperationDelete("evil.pkl")], commit_message="Delete one")
    scanned(api, repo_id, ["README.md"])

    def is_told():
        status = api.model_info(repo_id, securityStatus=True).security_repo_status
        return status["scansDone"] and len(status["filesWithIssues"]) == 1

    wait_until(is_told)
    status = api.model_info(repo_id, securityStatus=True).security_repo_status
    assert [issue["path"] for issue in status["filesWithIssues"]] == ["pytorch_model.bin"]


@calls("HfApi.get_paths_info")
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_every_protocol(api, new_repo, protocol):
    repo_id = new_repo("dataset", files={"a.pickle": pickle.dumps(Evil(), protocol), "b.pickle": pickle.dumps({"a": 1}, protocol)})
    found = scanned(api, repo_id, ["a.pickle", "b.pickle"], repo_type="dataset")
    assert (found["a.pickle"].status, found["b.pickle"].status) == ("unsafe", "safe")


@calls("HfApi.get_paths_info")
def test_arrays_functions_and_large_files(api, new_repo):
    numpy = pytest.importorskip("numpy")
    dill = pytest.importorskip("dill")
    out = io.BytesIO()
    numpy.savez(out, plain=numpy.arange(3), objects=numpy.array([Evil()], dtype=object))
    plain = io.BytesIO()
    numpy.save(plain, numpy.arange(1_000_000))
    files = {
        "a.npz": out.getvalue(),
        "plain.npy": plain.getvalue(),
        "f.dill": dill.dumps(lambda x: x + 1),
        "array.pkl": pickle.dumps(numpy.arange(2_000_000)),
    }
    repo_id = new_repo(files=files)
    found = scanned(api, repo_id, list(files))
    assert found["a.npz"].status == "unsafe"
    assert found["plain.npy"].safe and found["plain.npy"].pickle_import_scan is None
    assert found["f.dill"].status == "unsafe", "a function is code"
    assert found["array.pkl"].safe, found["array.pkl"]


@calls("HfApi.create_commit", "HfApi.upload_file", "git push")
def test_pickles_are_refused_where_nobody_wants_them(api, new_repo, url, git, tmp_path):
    repo_id = new_repo(files={"old.pkl": pickle.dumps([])})
    checkpoint = torch_checkpoint(OrderedDict(x=1))

    def refuse(refuses):
        answer = api_session().put(
            f"{url}/api/models/{repo_id}/settings", json={"refusesPickles": refuses}, headers=api._build_hf_headers()
        )
        assert answer.status_code == 200, answer.text

    refuse(True)
    with pytest.raises(HfHubHTTPError, match="takes no pickles.*pytorch_model.bin.*safetensors"):
        api.upload_file(path_or_fileobj=checkpoint, path_in_repo="pytorch_model.bin", repo_id=repo_id)
    with pytest.raises(HfHubHTTPError, match="model.pkl"):
        api.create_commit(
            repo_id, [CommitOperationAdd("model.pkl", pickle.dumps([1]))], commit_message="Add one", create_pr=True
        )
    clone = tmp_path / "clone"
    login = f"://bob:{TOKENS['bob']}@"
    git("clone", url.replace("://", login) + f"/{repo_id}", "clone", cwd=tmp_path)
    (clone / "model.pkl").write_bytes(pickle.dumps([1]))
    git("add", "model.pkl", cwd=clone)
    git("commit", "-m", "Add a pickle", cwd=clone)
    said = git("push", cwd=clone, ok=False)
    assert "Refused: `model.pkl`." in said and "safetensors" in said
    api.create_commit(repo_id, [CommitOperationDelete("old.pkl")], commit_message="Delete one")
    refuse(False)
    api.upload_file(path_or_fileobj=checkpoint, path_in_repo="pytorch_model.bin", repo_id=repo_id)
