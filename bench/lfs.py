"""Git LFS by git's own client, against giftless, a Git LFS server in Python with its files in a folder."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from common import MIB, TOKENS, Bench, Child, free_ports, in_turns, new_repo, status_of, write_random

ROUNDS = 3


class Giftless:
    """The server, behind gunicorn with as many processes as there are cores."""

    def __init__(self, folder: Path):
        (folder / "files").mkdir(parents=True)
        settings = {
            "AUTH_PROVIDERS": ["giftless.auth.allow_anon:read_write"],
            "PRE_AUTHORIZED_ACTION_PROVIDER": {
                "options": {"private_key": "a key of this run, which nobody else needs", "default_lifetime": 7200}
            },
            "LEGACY_ENDPOINTS": False,
            "TRANSFER_ADAPTERS": {"basic": {"options": {"storage_options": {"path": str(folder / "files")}}}},
        }
        port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{port}"
        # bench/run makes the environment.
        gunicorn = Path(os.environ["GIFTLESS"]) / "bin/gunicorn"
        command = [gunicorn, "-w", str(os.cpu_count()), "--timeout", "0", "-b", f"127.0.0.1:{port}", "giftless.wsgi_entrypoint:app"]
        env = {"GIFTLESS_CONFIG_STR": json.dumps(settings), "HOME": str(folder)}
        self._child = Child("giftless", command, env, folder / "log")
        self._child.wait_until(lambda: status_of(self.url) is not None, 60)

    def stop(self):
        """Stops it."""
        self._child.stop()


def repo_with(bench: Bench, size: int) -> tuple[Path, Path]:
    """A repository with one large file of so many bytes, and where in it Git LFS keeps the file."""
    folder = bench.folder / "lfs-repo"
    file = bench.folder / "lfs.bin"
    write_random(file, size)
    with file.open("rb") as content:
        oid = hashlib.file_digest(content, "sha256").hexdigest()
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    kept = folder / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid
    kept.parent.mkdir(parents=True)
    file.rename(kept)
    (folder / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (folder / "lfs.bin").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n")
    bench.timed(["sh", "-c", "git remote add origin http://127.0.0.1/ && git add . && git commit -qm 'Add a file'"], "git-lfs", cwd=folder)
    return folder, kept


def beside_giftless(bench: Bench, size: int):
    """Up and down by the same client, with the same file, in the same run."""
    folder, kept = repo_with(bench, size)
    new_repo(bench, "lfs")
    giftless = Giftless(bench.folder / "giftless")
    ours = f"{bench.hub.url.replace('://', '://bob:' + TOKENS['bob'] + '@')}/bob/lfs.git/info/lfs"
    theirs = f"{giftless.url}/bob/lfs.git/info/lfs"

    def git_lfs(url: str, *arguments: str) -> float:
        command = ["git", "-c", f"lfs.url={url}", "-c", "lfs.locksverify=false", "lfs", *arguments]
        return bench.timed(command, "git-lfs", cwd=folder)

    def push(url: str) -> float:
        return git_lfs(url, "push", "--all", "origin")

    def fetch(url: str):
        def step(n: int) -> float:
            kept.unlink(missing_ok=True)
            seconds = git_lfs(url, "fetch", "origin", "main")
            assert kept.stat().st_size == size
            return seconds

        return step

    try:
        label = f"{size / MIB:,.0f} MiB"
        bench.forget_peak()
        by_us, by_them = push(ours), push(theirs)
        bench.row(f"upload of {label} by `git lfs push`, against giftless", f"{by_them / by_us:.2f} × its speed ({size / 1e6 / by_us:.0f} MB/s)")
        bench.row("the hub's peak memory, that upload", bench.peak())
        bench.settle()
        bench.forget_peak()
        ratio = in_turns(fetch(ours), fetch(theirs), ROUNDS)
        bench.row(f"download of {label} by `git lfs fetch`, against giftless", f"{ratio:.2f} × its speed")
        bench.row("the hub's peak memory, that download", bench.peak())
    finally:
        giftless.stop()
        shutil.rmtree(folder)
