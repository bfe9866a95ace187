"""What clients do while a hub takes no changes."""

import subprocess
import time

import pytest
from harness.people import TOKENS
from harness.waiting import wait_until
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError

calls = pytest.mark.calls
SAID = "The hub takes no changes at the moment: The database moves. Reading and downloading go on. Try again later."


def switch(hub, on):
    """Turns the switch as the console does."""
    sql = f"""insert into flag_changes (flag, after, reason, told) values ('read-only', {on}, 'a test', 'The database moves');
              select pg_notify('flags', '')"""
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, hub.database_url()], check=True)


def is_refused(api, repo_id):
    try:
        api.create_tag(repo_id, tag=f"t{time.monotonic_ns()}")
    except HfHubHTTPError as error:
        assert error.response.status_code == 503
        return True
    return False


@calls("hf_hub_download", "snapshot_download", "HfApi.upload_file", "HfApi.create_repo")
def test_uploads_are_told_and_downloads_go_on(own_hub, git, tmp_path):
    hub = own_hub()
    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    api.create_repo("bob/kept")
    api.upload_file(path_or_fileobj=b"one", path_in_repo="a.txt", repo_id="bob/kept")
    remote = hub.url.replace("://", f"://bob:{TOKENS['bob']}@") + "/bob/kept"
    git("clone", remote, "work", cwd=tmp_path)
    switch(hub, True)
    wait_until(lambda: is_refused(api, "bob/kept"))

    with pytest.raises(HfHubHTTPError) as refused:
        api.create_repo("bob/another")
    assert refused.value.response.status_code == 503 and SAID in str(refused.value)
    # It tries again five times, and waits before each as long as the hub says and a second more.
    begun = time.monotonic()
    with pytest.raises(HfHubHTTPError) as refused:
        api.upload_file(path_or_fileobj=b"two", path_in_repo="a.txt", repo_id="bob/kept")
    assert refused.value.response.status_code == 503 and SAID in str(refused.value)
    assert time.monotonic() - begun < 30

    got = api.hf_hub_download("bob/kept", "a.txt", cache_dir=tmp_path / "one")
    assert open(got, "rb").read() == b"one"
    folder = snapshot_download(
        "bob/kept", endpoint=hub.url, token=TOKENS["bob"], cache_dir=tmp_path / "two", allow_patterns="*.txt"
    )
    assert open(f"{folder}/a.txt", "rb").read() == b"one"
    git("clone", remote, "again", cwd=tmp_path)
    work = tmp_path / "work"
    (work / "b.txt").write_text("b")
    git("add", "b.txt", cwd=work)
    git("commit", "-m", "Add b", cwd=work)
    assert f"remote: {SAID}" in git("push", cwd=work, ok=False)

    switch(hub, False)
    wait_until(lambda: not is_refused(api, "bob/kept"))
    git("push", cwd=work)
    assert api.file_exists("bob/kept", "b.txt")
