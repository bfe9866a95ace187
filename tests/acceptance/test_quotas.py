"""What clients say when the storage of an owner is full."""

import os
import subprocess

import pytest
from harness.people import TOKENS
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

calls = pytest.mark.calls
FULL = "The storage of bob is full"


def limit(hub, size):
    """Sets how many bytes bob may hold."""
    sql = f"""insert into storage_quotas (namespace_pk, limit_bytes, reason)
              select namespace_pk, {size}, 'a test' from namespaces where name = 'bob'
              on conflict (namespace_pk) do update set limit_bytes = excluded.limit_bytes"""
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, hub.database_url()], check=True)


@calls("HfApi.upload_file")
def test_a_full_owner_is_told_by_every_way(own_hub, hf, git, tmp_path):
    hub = own_hub()
    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    api.create_repo("bob/full")
    first = os.urandom(2_000_000)
    api.upload_file(path_or_fileobj=first, path_in_repo="first.bin", repo_id="bob/full")
    limit(hub, 3_000_000)
    (tmp_path / "more.bin").write_bytes(os.urandom(1_900_000))
    # By chunks, and by Git LFS, as clients without them do.
    for plain in ("", "1"):
        said = hf(
            "upload", "bob/full", str(tmp_path / "more.bin"), ok=False, HF_ENDPOINT=hub.url, HF_HUB_DISABLE_XET=plain
        )
        assert FULL in " ".join(said.split()), said
    with pytest.raises(HfHubHTTPError, match=FULL):
        api.upload_file(path_or_fileobj=tmp_path / "more.bin", path_in_repo="more.bin", repo_id="bob/full")

    # What is there needs no room, and small things may always be said.
    limit(hub, 0)
    api.upload_file(path_or_fileobj=first, path_in_repo="again.bin", repo_id="bob/full")
    api.upload_file(path_or_fileobj=b"full", path_in_repo="a.txt", repo_id="bob/full")
    address = hub.url.replace("://", f"://bob:{TOKENS['bob']}@") + "/bob/full"
    git("clone", "-q", address, "work", cwd=tmp_path, GIT_LFS_SKIP_SMUDGE="1")
    (tmp_path / "work/noise.txt").write_text(os.urandom(150_000).hex())
    git("add", ".", cwd=tmp_path / "work")
    git("-c", "user.name=bob", "-c", "user.email=bob@example.org", "commit", "-qm", "Noise", cwd=tmp_path / "work")
    assert FULL in git("push", "origin", "HEAD:main", cwd=tmp_path / "work", ok=False)
    limit(hub, 10_000_000)
    git("push", "origin", "HEAD:main", cwd=tmp_path / "work")
    hf("upload", "bob/full", str(tmp_path / "more.bin"), HF_ENDPOINT=hub.url)
