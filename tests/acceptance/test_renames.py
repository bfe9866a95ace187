"""Somebody takes another name, and the real client goes on by the old one as by the new one."""

import os
import re
import subprocess

from harness.people import PASSWORD
from harness.visitor import Visitor
from huggingface_hub import HfApi


def test_the_client_works_by_the_old_and_the_new_name(url, unique, tmp_path):
    old, new = unique("ann"), unique("Mary")
    visitor = Visitor(url)
    visitor.submit("/join", "/join", username=old, email=f"{old}@example.org", password=PASSWORD, next="/")
    page = visitor.submit("/settings/tokens", "/settings/tokens", name="laptop", role="write", expires="7")
    token = re.search(r'aria-label="New token" readonly value="(hf_\w+)"', page)[1]
    api = HfApi(endpoint=url, token=token)
    api.create_repo(f"{old}/bert")
    api.upload_file(path_or_fileobj=b"one\n", path_in_repo="a.txt", repo_id=f"{old}/bert")

    page = visitor.submit("/settings/profile", "/settings/username", name=new)
    assert f"You are {new} from now on" in page
    assert api.whoami()["name"] == new
    for number, name in enumerate((old, new)):
        repo_id, large = f"{name}/bert", os.urandom(300_000)
        api.upload_file(path_or_fileobj=f"by {name}\n".encode(), path_in_repo=f"{number}.txt", repo_id=repo_id)
        api.upload_file(path_or_fileobj=large, path_in_repo=f"{number}.bin", repo_id=repo_id)
        assert api.model_info(repo_id).id == f"{new}/bert"
        files = {f"{i}.{end}" for i in range(number + 1) for end in ("txt", "bin")}
        assert files | {"a.txt"} <= set(api.list_repo_files(repo_id))
        assert open(api.hf_hub_download(repo_id, f"{number}.bin", cache_dir=tmp_path / name), "rb").read() == large
        assert open(api.hf_hub_download(repo_id, "a.txt", cache_dir=tmp_path / name), "rb").read() == b"one\n"
        clone = subprocess.run(
            ["git", "clone", "-q", url.replace("://", f"://{name}:{token}@") + f"/{repo_id}", str(tmp_path / f"clone-{number}")],
            env={**os.environ, "GIT_LFS_SKIP_SMUDGE": "1"},
            capture_output=True,
            timeout=60,
        )
        assert clone.returncode == 0, clone.stderr
        assert api.get_user_overview(name).username == new
    assert api.create_repo(f"{old}/later").repo_id == f"{new}/later"
    assert {found.id for found in api.list_models(author=old)} == {f"{new}/bert", f"{new}/later"}
