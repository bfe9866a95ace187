"""What the benches share: a hub and an nginx on this machine, and what is printed of them."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from harness.clients import client_env  # noqa: E402 - found by the path above
from harness.hub import Hub  # noqa: E402 - found by the path above
from harness.people import TOKENS  # noqa: E402 - found by the path above
from harness.process import Child, free_ports, status_of  # noqa: E402 - found by the path above

HF = Path(sys.executable).with_name("hf")
MIB = 1024 * 1024
ROUNDS = 5


def end_when_asked():
    """Makes a bench that is asked to end stop what it started, as it does when it is through."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to end before it was through"))


class Nginx:
    """nginx with a folder to read from and to write to, and below `/git/` one of bare repositories, by git's own
    `http-backend`, which anybody may push to."""

    def __init__(self, folder: Path):
        self.root = folder / "www"
        self.repos = folder / "git"
        self.root.mkdir(parents=True)
        self.repos.mkdir()
        (folder / "tmp").mkdir()
        port = free_ports(1)[0]
        config = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes auto;"
            "events { worker_connections 1024; } http { access_log off; sendfile on; client_max_body_size 0;"
            "keepalive_requests 1000000000;"
            f"client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;"
            f"uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;"
            f"server {{ listen 127.0.0.1:{port}; root {self.root}; location / {{ dav_methods PUT; }}"
            f"location ~ ^/git(/.*)$ {{ fastcgi_pass unix:{folder}/cgi; {self._cgi()} }} }} }}"
        )
        self.url = f"http://127.0.0.1:{port}"
        backend = ["fcgiwrap", "-c", str(os.cpu_count()), "-s", f"unix:{folder}/cgi"]
        self._children = [
            Child("fcgiwrap", backend, {}, folder / "cgi.log"),
            Child("nginx", ["nginx", "-c", str(config)], {}, folder / "nginx.log"),
        ]
        self._children[1].wait_until(lambda: status_of(self.url) is not None, 10)

    def _cgi(self) -> str:
        core = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
        params = {
            "SCRIPT_FILENAME": f"{core}/git-http-backend",
            "GIT_PROJECT_ROOT": self.repos,
            "GIT_HTTP_EXPORT_ALL": '""',
            "PATH_INFO": "$1",
            "REMOTE_USER": "bob",
            "REMOTE_ADDR": "$remote_addr",
            "QUERY_STRING": "$query_string",
            "REQUEST_METHOD": "$request_method",
            "CONTENT_TYPE": "$content_type",
            "CONTENT_LENGTH": "$content_length",
            "GIT_PROTOCOL": "$http_git_protocol",
            "HTTP_CONTENT_ENCODING": "$http_content_encoding",
        }
        # Bodies go through as they come, as they do with the hub.
        return "".join(f"fastcgi_param {name} {value};" for name, value in params.items()) + "fastcgi_request_buffering off;"

    def new_repo(self, name: str) -> str:
        """Makes an empty repository and returns its address."""
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.repos / name], check=True)
        return f"{self.url}/git/{name}"

    def stop(self):
        """Stops nginx and the git behind it."""
        for child in self._children:
            child.stop()
        # fcgiwrap leaves its workers behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._children[0].process.pid, signal.SIGTERM)


class Edge:
    """A node of the hub behind an nginx that sends stored chunks from the disk by itself. No server gives a client of
    chunks its bytes faster."""

    def __init__(self, bench: "Bench"):
        folder = Path(tempfile.mkdtemp(prefix="edge-", dir=bench.folder))
        (folder / "tmp").mkdir()
        own, port = free_ports(2)
        self.url = f"http://127.0.0.1:{own}"
        node = bench.hub.start_beside("web", port, {"HUB_PUBLIC_URL": self.url})
        store = Path(bench.hub.env["HUB_DATA_DIR"]) / "store"
        user = "user root;" if os.geteuid() == 0 else ""
        temp = " ".join(f"{kind}_temp_path {folder}/tmp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = folder / "nginx.conf"
        config.write_text(
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes auto;"
            f"events {{ worker_connections 1024; }} http {{ access_log off; sendfile on; {temp}"
            f"server {{ listen 127.0.0.1:{own}; location / {{ proxy_pass {node}; proxy_set_header Host $host; }}"
            f"location ~ ^/xet/data/((..)[0-9a-f]+[.][0-9a-f]+)/ {{ root {store}; try_files /xorbs/$2/$1 =404; }} }} }}"
        )
        self._nginx = Child("nginx", ["nginx", "-c", str(config)], {}, folder / "nginx.log")
        self._nginx.wait_until(lambda: status_of(self.url) is not None, 10)
        self._bench, self._port = bench, port

    def stop(self):
        """Stops the nginx and the node."""
        self._nginx.stop()
        self._bench.hub.stop_node(self._port)


class Bench:
    """The hub with the local store, and nginx."""

    def __init__(self, third: str | None = "target"):
        end_when_asked()
        self.folder = Path(tempfile.mkdtemp(prefix="hub-bench-"))
        self.hub = Hub("local", settings={"HUB_LOG": "warn"})
        self.nginx = Nginx(self.folder / "nginx")
        if third:
            self.head(third)

    def env(self, home: str, **more: str) -> dict[str, str]:
        """Returns the environment of a client with a home of its own."""
        env = {**os.environ, **client_env(self.hub.url, self.folder / home), "HF_TOKEN": TOKENS["bob"]}
        # Nothing of the caller's environment switches chunks off.
        return {**env, "HF_HUB_DISABLE_XET": "", **more}

    def timed(self, command: list, home: str, cwd: Path | None = None, limit: float | None = None, **more: str) -> float:
        """Runs a command and returns the seconds it took. One that takes longer than `limit` is ended, with all that it
        started, and is a `TimeoutExpired`."""
        start = time.monotonic()
        child = subprocess.Popen(
            command,
            env=self.env(home, **more),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = child.communicate(timeout=limit)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise
        assert child.returncode == 0, said
        return time.monotonic() - start

    def head(self, third: str):
        """Begins a table."""
        print(f"\n| what | measured | {third} |\n|---|---|---|", flush=True)

    def row(self, what: str, figure: str, third: str = ""):
        """Prints a row of the table."""
        print(f"| {what} | {figure} | {third} |", flush=True)

    def sql(self, statement: str) -> str:
        """Asks the hub's database."""
        data = Path(self.hub.env["HUB_DATA_DIR"])
        socket = (data / "postgres/postmaster.pid").read_text().splitlines()[4]
        command = ["psql", "-qXAt", f"host={socket} user=hub dbname=hub", "-c", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def settle(self, seconds: float = 3600):
        """Waits until the hub has done what it does beside its other work."""
        end = time.monotonic() + seconds
        while self.sql("select count(*) from jobs where failed_at is null and run_at <= now()") != "0":
            if time.monotonic() > end:
                raise TimeoutError(f"background jobs were not done within {seconds:.0f} s")
            time.sleep(0.2)

    def memory(self, line: str) -> int:
        """Returns a line of the hub's `/proc/…/status`, in bytes: `VmRSS`, or `VmHWM` for the peak."""
        status = Path(f"/proc/{self.hub._child.process.pid}/status").read_text()
        return int(status.split(f"{line}:")[1].split()[0]) * 1024

    def peak(self) -> str:
        """Returns the peak of the hub's own memory since `forget_peak`; a `git` that it starts is not in it."""
        return f"{self.memory('VmHWM') / MIB:.0f} MiB"

    def forget_peak(self):
        """Begins anew to look for the peak of the hub's memory."""
        Path(f"/proc/{self.hub._child.process.pid}/clear_refs").write_text("5")

    def wrk(self, url: str, script: str = "", clients: int = 1, seconds: int = 10) -> "Answers":
        """Asks `url` for some seconds with so many clients at once; `script` is wrk's, in Lua."""
        command = ["wrk", "--latency", "--timeout", "30s", "-t1", f"-c{clients}", f"-d{seconds}s"]
        if script:
            file = self.folder / f"wrk-{random.randbytes(4).hex()}.lua"
            file.write_text(script)
            command += ["-s", file]
        said = subprocess.run([*command, url], capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        return Answers(said.stdout)

    def stop(self):
        """Stops all and removes it."""
        self.nginx.stop()
        self.hub.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Answers:
    """What wrk counted."""

    def __init__(self, said: str):
        self.p50, self.p99 = (re.search(rf"^\s+{share}%\s+(\S+)", said, re.M)[1] for share in (50, 99))
        self.per_second = float(re.search(r"Requests/sec:\s+(\S+)", said)[1])
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
        self.refused = int(refused[1]) if refused else 0
        self.broken = sum(map(int, broken.groups())) if broken else 0

    def figures(self) -> str:
        """Returns the rate, how long answers took, and how many were none."""
        return f"{self.per_second:.0f}/s, p50 {self.p50}, p99 {self.p99}, {self.refused + self.broken} errors"

    def expect_all_good(self) -> "Answers":
        """Fails when a request was refused or broke."""
        assert self.refused == 0 and self.broken == 0, f"{self.refused} refused, {self.broken} broken"
        return self


def write_random(path: Path, size: int):
    """Writes a file that cannot be compressed."""
    with path.open("wb") as out:
        for _ in range(size // MIB):
            out.write(random.randbytes(MIB))


def call(bench: Bench, method: str, path: str, body: dict | None = None, **headers: str) -> urllib.request.http.client.HTTPResponse:
    """Asks the hub's API as bob."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {TOKENS['bob']}", "Content-Type": "application/json", **headers}
    return urllib.request.urlopen(urllib.request.Request(bench.hub.url + path, data, headers, method=method))


def new_repo(bench: Bench, name: str) -> str:
    """Makes a repository of bob's and returns its address for git."""
    call(bench, "POST", "/api/repos/create", {"type": "model", "name": name})
    return f"{bench.hub.url.replace('://', '://bob:' + TOKENS['bob'] + '@')}/bob/{name}"


def in_turns(ours, theirs, rounds: int = ROUNDS) -> float:
    """Runs both in turns and returns the median time of theirs through the median of ours: over 1, ours is faster."""
    times = [(ours(n), theirs(n)) for n in range(rounds)]
    return statistics.median(pair[1] for pair in times) / statistics.median(pair[0] for pair in times)
