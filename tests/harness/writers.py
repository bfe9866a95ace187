"""People who write to a hub without end, and a look at whether all that they were promised is there."""

import os
import random
import subprocess
import threading
import time
from hashlib import sha256
from pathlib import Path

from .clients import client_env
from .people import TOKENS


class Writers:
    """Threads that commit, upload and push until the hub is gone, noting each acknowledgement."""

    def __init__(self, hub, folder, round_number):
        self.hub, self.folder, self.round = hub, folder, round_number
        folder.mkdir(exist_ok=True)
        self.acknowledged = []
        self.stopping = threading.Event()
        jobs = [self.small, self.small, self.large, self.push]
        self.threads = [threading.Thread(target=self._loop, args=(job, n)) for n, job in enumerate(jobs)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _loop(self, job, number):
        count = 0
        while not self.stopping.is_set():
            count += 1
            try:
                job(f"r{self.round}-t{number}-{count}")
            except Exception:  # noqa: BLE001 - whatever a killed server looks like to a client
                time.sleep(0.05)

    def _api(self):
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.hub.url, token=TOKENS["bob"])

    def small(self, name):
        self._commit("bob/api", f"{name}.txt", content_of("bob/api", f"{name}.txt"))

    def large(self, name):
        self._commit("bob/api", f"{name}.bin", content_of("bob/api", f"{name}.bin"))

    def _commit(self, repo_id, path, content):
        done = self._api().upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=repo_id)
        self.acknowledged.append((repo_id, path, sha256(content).digest(), done.oid))

    def push(self, name):
        work = self.folder / name
        env = {**os.environ, **client_env(self.hub.url, self.folder / "home")}
        remote = self.hub.url.replace("://", f"://bob:{TOKENS['bob']}@") + "/bob/git"

        def git(*arguments, cwd=work):
            subprocess.run(["git", *arguments], cwd=cwd, env=env, check=True, capture_output=True, timeout=60)

        git("clone", "--depth", "1", remote, name, cwd=self.folder)
        for ending in (".txt", ".bin"):
            (work / f"{name}{ending}").write_bytes(content_of("bob/git", name + ending))
        git("add", "-A")
        git("commit", "-m", name)
        git("push")
        oid = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=work, text=True).strip()
        for ending in (".txt", ".bin"):
            digest = sha256(content_of("bob/git", name + ending)).digest()
            self.acknowledged.append(("bob/git", f"{name}{ending}", digest, oid))


def content_of(repo_id, path):
    """Returns what somebody writes into a file: its path says all of it."""
    name, ending = path.rsplit(".", 1)
    if repo_id == "bob/git":
        return b"\0" + name.encode()
    # Some fifty chunks, none of which is twice there.
    return random.Random(name).randbytes(3_000_000) if ending == "bin" else name.encode()


def check(api, hub, promised, folder, new):
    """Looks for everything that was acknowledged, by API and by a full clone, and reads the `new` last back. What is there
    without an acknowledgement must be whole, and is promised from then on."""
    fresh = {id(promise) for promise in promised[len(promised) - new :]}
    for repo_id in ("bob/api", "bob/git"):
        history = {commit.commit_id for commit in api.list_repo_commits(repo_id)}
        files = set(api.list_repo_files(repo_id))
        own = [promise for promise in promised if promise[0] == repo_id]
        for promise in own:
            _, path, digest, oid = promise
            assert oid is None or oid in history, f"commit {oid} of {path} is gone"
            assert path in files, f"{path} is gone"
            if id(promise) in fresh:
                read_back(api, repo_id, path, digest, folder)
        for path in files - {promise[1] for promise in own} - {".gitattributes"}:
            digest = sha256(content_of(repo_id, path)).digest()
            read_back(api, repo_id, path, digest, folder)
            promised.append((repo_id, path, digest, None))
        if repo_id == "bob/git":
            halves = {path for path in files if path != ".gitattributes"}
            whole = {path.rsplit(".", 1)[0] + ending for path in halves for ending in (".txt", ".bin")}
            assert halves == whole, f"half of a push is there: {whole - halves} are missing"
        env = {**os.environ, **client_env(hub.url, folder / "home")}
        clone = folder / repo_id.split("/")[1]
        subprocess.run(["git", "clone", f"{hub.url}/{repo_id}", clone], env=env, check=True, capture_output=True)
        subprocess.run(["git", "fsck", "--strict"], cwd=clone, env=env, check=True, capture_output=True)


def read_back(api, repo_id, path, digest, folder):
    """Downloads a file and compares it."""
    got = api.hf_hub_download(repo_id, path, cache_dir=folder)
    assert sha256(Path(got).read_bytes()).digest() == digest, f"{path} has other content"
    # Long runs write more than a disk holds twice.
    os.remove(os.path.realpath(got))
