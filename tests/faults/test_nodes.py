"""Several processes are one hub: what one takes the others serve at once."""

import random
import re
import subprocess

import pytest
from harness.nodes import api_at, body_of, hub_of, remote_of, run_git
from harness.people import PASSWORD
from harness.process import status_of, within
from harness.visitor import Visitor, csrf_token


@pytest.mark.parametrize("store", ["local", "s3"])
def test_what_one_node_takes_the_other_serves_at_once(store, tmp_path):
    with hub_of("all", "all", store=store) as hub:
        one, two = (f"http://127.0.0.1:{port}" for port in hub.web_ports())
        for number, (here, there) in enumerate([(one, two), (two, one), (one, two)]):
            check_files(here, there, f"bob/files-{number}", tmp_path / f"files-{number}")
            check_lifecycle(here, there, f"bob/life-{number}")
            check_session(here, there)
        if store == "local":
            check_reindex(hub, (one, two))


def check_files(here, there, repo_id, folder):
    """Commits, pushes and uploads on one node, and reads on the other."""
    writer, reader = api_at(here), api_at(there)
    writer.create_repo(repo_id)
    assert reader.repo_info(repo_id).id == repo_id
    large = random.Random(repo_id).randbytes(3_000_000)
    for path, content in [("small.txt", b"small"), ("large.bin", large), ("small.txt", b"changed")]:
        oid = writer.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=repo_id).oid
        got = reader.hf_hub_download(repo_id, path, cache_dir=folder / "cache")
        assert open(got, "rb").read() == content
        assert reader.list_repo_commits(repo_id)[0].commit_id == oid
    work, again = folder / "work", folder / "again"
    git = {"url": here, "home": folder / "home"}
    run_git("clone", remote_of(there, repo_id), work, cwd=folder, **git)
    (work / "pushed.txt").write_text("pushed")
    (work / "pushed.bin").write_bytes(b"\0" * 2000)
    run_git("add", "-A", cwd=work, **git)
    run_git("commit", "-m", "Push", cwd=work, **git)
    run_git("push", remote_of(here, repo_id), "HEAD:main", cwd=work, **git)
    assert reader.list_repo_commits(repo_id)[0].title == "Push"
    run_git("clone", remote_of(there, repo_id), again, cwd=folder, **git)
    assert (again / "pushed.bin").read_bytes() == b"\0" * 2000 and (again / "large.bin").read_bytes() == large
    # Asked for on both, so that both remember that the repository has the file.
    [doomed] = [file for file in writer.list_lfs_files(repo_id) if file.filename == "large.bin"]
    address = f"/{repo_id}/resolve/main/large.bin"
    assert [body_of(url + address) == large for url in (here, there)] == [True, True]
    writer.permanently_delete_lfs_files(repo_id, [doomed], rewrite_history=False)
    # What is left is the pointer that git has.
    assert b"git-lfs" in body_of(here + address)
    within(120, lambda: b"git-lfs" in body_of(there + address))


def check_lifecycle(here, there, repo_id):
    """Changes what a repository is on one node, and looks on the other."""
    writer, reader = api_at(here), api_at(there)
    writer.create_repo(repo_id)
    assert [model.id for model in reader.list_models(author="bob", search=repo_id)] == [repo_id]
    writer.create_branch(repo_id, branch="side")
    writer.create_tag(repo_id, tag="v1")
    refs = reader.list_repo_refs(repo_id)
    assert "side" in [ref.name for ref in refs.branches] and [ref.name for ref in refs.tags] == ["v1"]
    writer.delete_branch(repo_id, branch="side")
    assert "side" not in [ref.name for ref in reader.list_repo_refs(repo_id).branches]
    writer.update_repo_settings(repo_id, visibility="private")
    assert status_of(f"{there}/{repo_id}") == 404
    writer.update_repo_settings(repo_id, visibility="public")
    assert status_of(f"{there}/{repo_id}") == 200
    writer.move_repo(repo_id, f"{repo_id}-moved")
    assert reader.repo_info(repo_id).id == f"{repo_id}-moved"
    writer.delete_repo(f"{repo_id}-moved")
    assert not reader.repo_exists(f"{repo_id}-moved")


def check_session(here, there):
    """Logs in on one node, is known on the other, and logs out there. Cookies do not depend on the port."""
    visitor = Visitor(here)
    visitor.submit("/login", "/login", username="carol", password=PASSWORD)
    visitor.url = there
    page = visitor.open("/settings/profile")
    token = csrf_token(page)
    visitor.url = here
    assert "carol" in visitor.open("/settings/profile")
    # The token of a form from one node is good on the other.
    visitor.post("/logout", csrf_token=token)
    visitor.url = there
    assert "/login" in visitor.address_of("/settings/profile")


def check_reindex(hub, nodes):
    """Has all nodes build their index anew by a command, which finds what no index was told of."""

    def finds(word):
        return [f'href="/bob/{word}"' in body_of(f"{node}/models?search={word}").decode() for node in nodes]

    api_at(nodes[0]).create_repo("bob/unheard")
    within(120, lambda: all(finds("unheard")))
    sql = "set session_replication_role = replica; update repos set name = 'discovered' where name = 'unheard'"
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, hub.database_url()], check=True)
    assert finds("discovered") == [False, False]
    assert "Every node will build its search index anew" in hub.admin("reindex")
    within(120, lambda: all(finds("discovered")))


def jobs_waiting(hub):
    """Returns how many background jobs wait, as a process that serves pages tells."""
    metrics = body_of(f"http://127.0.0.1:{hub.web_ports()[0]}/metrics").decode()
    return int(re.search(r'hub_jobs\{state="waiting"\} (\d+)', metrics)[1])


def test_one_process_serves_pages_and_another_does_the_work():
    with hub_of("web", "jobs") as hub:
        _, jobs = hub.roles
        assert status_of(f"http://127.0.0.1:{jobs}/models") == 404
        api = api_at(hub.url)
        api.create_repo("bob/weights")
        within(120, lambda: jobs_waiting(hub) == 0)
        hub.stop_node(jobs)
        api.upload_file(path_or_fileobj=b"MIT License\n\nCopyright (c) 2026 Bob\n", path_in_repo="LICENSE", repo_id="bob/weights")
        # The web process asks for the licence to be read, and does not read it.
        assert jobs_waiting(hub) > 0
        hub.start_node(jobs)
        within(120, lambda: jobs_waiting(hub) == 0)
