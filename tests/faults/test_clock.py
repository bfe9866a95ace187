"""Clocks that jump: that of one node, and that of a whole machine with its database.

Children run with a clock that the test sets. One that does not see it would make every check here pass, so each jump is first seen
from outside: in the node's metrics, or in what the database says.
"""

import json
import re
import tempfile
import time
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from harness.clock import FakeClock
from harness.hub import Hub, kept_on_failure
from harness.nodes import api_at
from harness.people import PASSWORD, TOKENS
from harness.process import free_ports, within
from harness.visitor import Visitor
from harness.writers import Writers, check

DAY, YEAR = 86_400, 365 * 86_400


@pytest.fixture
def clock():
    """A clock that children of other users can read, too."""
    with tempfile.TemporaryDirectory(prefix="hub-clock-") as folder:
        Path(folder).chmod(0o755)
        yield FakeClock(Path(folder))


def metric(url, name):
    text = urllib.request.urlopen(f"{url}/metrics", timeout=30).read().decode()
    return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)[1])


def is_logged_in(visitor):
    return not visitor.address_of("/settings/profile").split("?")[0].endswith("/login")


def logged_in(url, person):
    visitor = Visitor(url)
    visitor.submit("/login", "/login", username=person, password=PASSWORD)
    assert is_logged_in(visitor)
    return visitor


def check_token(here, there):
    """A token for chunks that one node gives opens the other, and ends within a day, whatever that node's clock says."""
    request = urllib.request.Request(
        f"{here}/api/models/bob/api/xet-read-token/main", headers={"Authorization": f"Bearer {TOKENS['bob']}"}
    )
    token = json.loads(urllib.request.urlopen(request, timeout=30).read())
    assert 0 < token["exp"] - time.time() < DAY, token["exp"] - time.time()
    chunk = urllib.request.Request(
        f"{there}/xet/v1/chunks/default-merkledb/{'0' * 64}", headers={"Authorization": f"Bearer {token['accessToken']}"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(chunk, timeout=30)
    assert refused.value.code == 404, "the token counts, and there is no such chunk"


def test_a_node_whose_clock_jumps_does_nothing_wrong(clock, tmp_path):
    from huggingface_hub import CommitOperationAdd

    with kept_on_failure(Hub("local")) as hub:
        [port] = free_ports(1)
        node = hub.start_beside("all", port, clock.env)
        log = hub.folder / f"hub-all-{port}.log"
        api = api_at(node)
        for repo_id in ("bob/api", "bob/git", "bob/early"):
            api.create_repo(repo_id)
        # Sent, and named by no commit: what garbage collection takes when it is old.
        early = CommitOperationAdd("early.bin", b"\0early" * 1000)
        api.preupload_lfs_files("bob/early", [early])
        visitor = logged_in(hub.url, "carol")
        writers = Writers(SimpleNamespace(url=node), tmp_path / "writers", 0)
        try:
            for ahead, seconds in (("+1d", DAY), ("-1d", -DAY), ("+1y", YEAR)):
                done = len(writers.acknowledged)
                clock.set(ahead)
                within(120, lambda seconds=seconds: abs(metric(node, "hub_clock_ahead_seconds") - seconds) < 60)
                assert abs(metric(hub.url, "hub_clock_ahead_seconds")) < 1
                check_token(node, hub.url)
                check_token(hub.url, node)
                # Cookies do not depend on the port.
                visitor.url = node
                assert is_logged_in(visitor)
                within(120, lambda: len(writers.acknowledged) > done + 2)
            new = logged_in(node, "dave")
            new.url = hub.url
            assert is_logged_in(new)
            refused = hub.command("admin", "gc", "--grace-unused", "0", "--grace-quarantine", "0", **clock.env)
            assert refused.returncode and "nothing is deleted for its age" in refused.stderr + refused.stdout, refused
            found = json.loads(hub.command("doctor", "--json", **clock.env).stdout)["findings"]
            assert {one["verdict"] for one in found if one["check"] == "clock"} == {"fail"}
            within(120, lambda: "this machine's clock is ahead of the database's" in log.read_text())
            clock.set("+0")
            within(120, lambda: "agree again" in log.read_text())
        finally:
            writers.stop()
        hub.admin("gc")
        api.create_commit("bob/early", [early], commit_message="Early")
        got = Path(api.hf_hub_download("bob/early", "early.bin", cache_dir=tmp_path / "early"))
        assert got.read_bytes() == b"\0early" * 1000
        check(api, SimpleNamespace(url=node), writers.acknowledged, tmp_path, min(len(writers.acknowledged), 20))


def test_a_machine_whose_clock_was_ahead_with_its_database_goes_on(clock, tmp_path):
    with kept_on_failure(Hub("local", settings=clock.env)) as hub:
        api = api_at(hub.url)
        api.create_repo("bob/api")
        before = logged_in(hub.url, "carol")
        clock.set("+1y")
        within(120, lambda: "the clock of the database jumped" in hub.log.read_text())
        api.create_branch("bob/api", branch="ahead")
        done = api.upload_file(path_or_fileobj=b"ahead", path_in_repo="ahead.txt", repo_id="bob/api")
        made = api.list_repo_commits("bob/api")[0].created_at
        assert made.timestamp() - time.time() > YEAR - DAY, "the hub goes by its database"
        meanwhile = logged_in(hub.url, "dave")
        clock.set("+0")
        within(120, lambda: "dated in the future" in hub.log.read_text())
        assert not is_logged_in(meanwhile), "it would have lived for a year and more"
        assert is_logged_in(before)
        logged_in(hub.url, "dave")
        check_token(hub.url, hub.url)
        within(120, lambda: metric(hub.url, 'hub_jobs{state="waiting"}') == 0)
        api.upload_file(path_or_fileobj=b"right", path_in_repo="right.txt", repo_id="bob/api")
        assert done.oid in {commit.commit_id for commit in api.list_repo_commits("bob/api")}
        assert {"ahead.txt", "right.txt"} <= set(api.list_repo_files("bob/api"))
        assert abs(api.list_repo_commits("bob/api")[0].created_at.timestamp() - datetime.now().timestamp()) < 60
