"""The real client, sending a file in chunks while a test makes things fail around it."""

import hashlib
import os
import random
import subprocess
import sys
import urllib.request
from pathlib import Path

from .asking import ask, commit_large
from .clients import client_env
from .people import TOKENS

REPOSITORY, BUCKET = "bob/api", "bob/box"


class Upload:
    """`hf` at work in the background on a file of so many bytes, into the repository or the bucket of a hub."""

    def __init__(self, hub, folder: Path, target: str, size: int):
        self.hub, self.target = hub, target
        self._log_from = hub.log.stat().st_size
        self.content = random.randbytes(size)
        file = folder / "w.bin"
        file.write_bytes(self.content)
        where = {
            "repository": ["upload", REPOSITORY, file, "w.bin"],
            "bucket": ["buckets", "cp", file, f"hf://buckets/{BUCKET}/w.bin"],
        }[target]
        env = {**os.environ, **client_env(hub.url, folder / "home"), "HF_TOKEN": TOKENS["bob"]}
        program = Path(sys.executable).with_name("hf")
        self._said = (folder / "client.log").open("w+")
        self._process = subprocess.Popen([program, *where], env=env, stdout=self._said, stderr=subprocess.STDOUT)

    def is_over(self) -> bool:
        """Returns whether the client has ended."""
        return self._process.poll() is not None

    def was_answered(self, path: str, status: int) -> bool:
        """Returns whether the hub's log has a request for such a path that was answered so."""
        return any(path in line and f"status={status} " in f"{line} " for line in self._log())

    def is_in_hand(self) -> bool:
        """Returns whether the hub has been asked for a token to write, and now has a request in hand besides this one."""
        metrics = ask(f"{self.hub.url}/metrics", person=None)[1].splitlines()
        in_hand = next(int(line.split()[1]) for line in metrics if line.startswith("hub_http_requests_in_flight "))
        return in_hand > 1 and self.was_answered("/xet-write-token", 200)

    def _log(self) -> list[str]:
        """Returns what the hub has logged since this began."""
        with self.hub.log.open("rb") as log:
            log.seek(self._log_from)
            return log.read().decode(errors="replace").splitlines()

    def assert_nothing_is_seen(self) -> None:
        """Nobody sees anything of the file."""
        assert ask(f"{self.hub.url}/{REPOSITORY}/resolve/main/w.bin")[0] == 404
        assert ask(f"{self.hub.url}/buckets/{BUCKET}/resolve/w.bin")[0] == 404

    def assert_nothing_is_there(self) -> None:
        """Nobody sees anything of the file, and nobody can make it seen."""
        self.assert_nothing_is_seen()
        oid = hashlib.sha256(self.content).hexdigest()
        status, text = commit_large(self.hub.url, REPOSITORY, "w.bin", oid, len(self.content))
        # Or the commit needs the store itself.
        assert (status == 422 and "w.bin" in text) or status == 503, text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Ends the client, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._said.close()

    def assert_it_arrives(self) -> None:
        """The client comes to its end by itself, and what it sent is there."""
        code = self._process.wait(300)
        self._said.seek(0)
        assert code == 0, self._said.read()
        path = f"{REPOSITORY}/resolve/main/w.bin" if self.target == "repository" else f"buckets/{BUCKET}/resolve/w.bin"
        request = urllib.request.Request(f"{self.hub.url}/{path}", headers={"Authorization": f"Bearer {TOKENS['bob']}"})
        with urllib.request.urlopen(request, timeout=180) as answer:
            assert answer.read() == self.content
        for line in self._log():
            assert not ("/xet/" in line and "status=500" in line), line


def make_places(hub) -> None:
    """Makes the repository and the bucket, with something in them, so that the node has what they need at hand."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=TOKENS["bob"])
    api.create_repo(REPOSITORY)
    api.upload_file(path_or_fileobj=b"first", path_in_repo="first.txt", repo_id=REPOSITORY)
    assert ask(f"{hub.url}/{REPOSITORY}/resolve/main/first.txt")[0] == 200
    api.create_bucket(BUCKET)
