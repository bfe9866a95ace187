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
        self._commit("bob/api", f"{name}.txt", name.encode())

    def large(self, name):
        # Some fifty chunks, none of which is twice there.
        self._commit("bob/api", f"{name}.bin", random.Random(name).randbytes(3_000_000))

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
            (work / f"{name}{ending}").write_bytes(b"\0" + name.encode())
        git("add", "-A")
        git("commit", "-m", name)
        git("push")
        oid = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=work, text=True).strip()
        for ending in (".txt", ".bin"):
            self.acknowledged.append(("bob/git", f"{name}{ending}", sha256(b"\0" + name.encode()).digest(), oid))


def check(api, hub, promised, folder, new):
    """Looks for everything that was acknowledged, by API and by a full clone, and reads the `new` last back."""
    fresh = {id(promise) for promise in promised[len(promised) - new :]}
    for repo_id in ("bob/api", "bob/git"):
        history = {commit.commit_id for commit in api.list_repo_commits(repo_id)}
        files = set(api.list_repo_files(repo_id))
        for promise in promised:
            repo, path, digest, oid = promise
            if repo != repo_id:
                continue
            assert oid in history, f"commit {oid} of {path} is gone"
            assert path in files, f"{path} is gone"
            if id(promise) in fresh:
                got = api.hf_hub_download(repo_id, path, cache_dir=folder)
                assert sha256(Path(got).read_bytes()).digest() == digest, f"{path} has other content"
                # Long runs write more than a disk holds twice.
                os.remove(os.path.realpath(got))
        env = {**os.environ, **client_env(hub.url, folder / "home")}
        clone = folder / repo_id.split("/")[1]
        subprocess.run(["git", "clone", f"{hub.url}/{repo_id}", clone], env=env, check=True, capture_output=True)
        subprocess.run(["git", "fsck", "--strict"], cwd=clone, env=env, check=True, capture_output=True)
