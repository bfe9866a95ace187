"""People who write to a hub without end, and a look at whether all that they were promised is there."""

import io
import os
import random
import subprocess
import threading
import time
from hashlib import sha256
from pathlib import Path

from .clients import client_env
from .parts import PART, count_of
from .people import TOKENS

# Four parts, the last of them a smaller one.
IN_PARTS_BYTES = 20_000_000
IN_PARTS_BYTES_PER_SECOND = 12_000_000


class Writers:
    """Threads that commit, upload and push until the hub is gone, noting each acknowledgement; where a hub takes large files
    `in_parts`, one sends such by Git LFS."""

    def __init__(self, hub, folder, round_number, in_parts=False):
        self.hub, self.folder, self.round = hub, folder, round_number
        folder.mkdir(exist_ok=True)
        self.acknowledged = []
        self.stopping = threading.Event()
        self._sending: SlowFile | None = None
        jobs = [self.small, self.small, self.large, self.push, *([self.parts] if in_parts else [])]
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

    def parts(self, name):
        """Commits a file that goes by Git LFS in parts, as over a line that is not fast: some have come, and others have not."""
        from huggingface_hub import CommitOperationAdd

        path = f"parts/{name}.bin"
        content = content_of("bob/api", path)
        # From an open file, since that is what the client sends without Xet.
        file = SlowFile(content, self.stopping)
        add = CommitOperationAdd(path, file)
        file.slow_down()
        self._sending = file
        try:
            done = self._api().create_commit("bob/api", [add], commit_message=f"Add {path}")
        finally:
            self._sending = None
        self.acknowledged.append(("bob/api", path, sha256(content).digest(), done.oid))

    def is_midway(self):
        """Returns whether some parts of a file have been sent, and others have not."""
        file = self._sending
        return file is not None and PART < file.tell() < (count_of(IN_PARTS_BYTES) - 1) * PART

    def has_sent_parts(self):
        """Returns whether a file that went in parts was acknowledged."""
        return any(path.startswith("parts/") for _, path, _, _ in self.acknowledged)

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


class SlowFile(io.BytesIO):
    """A file in memory that is read as slowly as a line would take it, until somebody is in a hurry."""

    def __init__(self, content, hurry):
        super().__init__(content)
        self._hurry, self._is_slow = hurry, False

    def slow_down(self):
        """The client has its SHA-256; from now on it sends."""
        self._is_slow = True

    def read(self, size=-1):
        block = super().read(size)
        if self._is_slow:
            self._hurry.wait(len(block) / IN_PARTS_BYTES_PER_SECOND)
        return block


def content_of(repo_id, path):
    """Returns what somebody writes into a file: its path says all of it."""
    name, ending = path.rsplit(".", 1)
    if repo_id == "bob/git":
        return b"\0" + name.encode()
    if path.startswith("parts/"):
        return random.Random(name).randbytes(IN_PARTS_BYTES)
    # Some fifty chunks, none of which is twice there.
    return random.Random(name).randbytes(3_000_000) if ending == "bin" else name.encode()


def check(api, hub, promised, folder, new):
    """Looks for everything that was acknowledged, by API and by a full clone, and reads the `new` last back. What is there
    without an acknowledgement must be whole, and is promised from then on."""
    everything = new == len(promised)
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
        # What went in parts is large: git-lfs fetches it only where everything is read.
        some = [] if everything else ["-c", "lfs.fetchexclude=parts"]
        subprocess.run(["git", *some, "clone", f"{hub.url}/{repo_id}", clone], env=env, check=True, capture_output=True)
        subprocess.run(["git", "fsck", "--strict"], cwd=clone, env=env, check=True, capture_output=True)


def read_back(api, repo_id, path, digest, folder):
    """Downloads a file and compares it."""
    got = api.hf_hub_download(repo_id, path, cache_dir=folder)
    assert sha256(Path(got).read_bytes()).digest() == digest, f"{path} has other content"
    # Long runs write more than a disk holds twice.
    os.remove(os.path.realpath(got))
