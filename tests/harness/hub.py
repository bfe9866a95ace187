"""A running hub with its own data folder and embedded Postgres: one `hub serve`, or several behind a balancer."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from .balancer import Balancer
from .people import write_seed
from .process import Child, free_ports, status_of
from .stores import STORES

REPOSITORY = Path(__file__).resolve().parents[2]


def hub_binary() -> Path:
    """Returns the binary under test: `$HUB_BIN`, or what cargo built last."""
    if given := os.environ.get("HUB_BIN"):
        return Path(given)
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    built = [path for path in (target / "release/hub", target / "debug/hub") if path.exists()]
    if not built:
        raise RuntimeError("no hub binary: run `cargo build -p hub`, or set HUB_BIN")
    return max(built, key=lambda path: path.stat().st_mtime)


class Hub:
    """One hub on a free port, with what `settings` says; `stop` removes its folder unless `keep` was called.

    With several `roles`, as many processes share the database and the store, and `url` is that of the balancer before those
    that serve pages. The first has the private Postgres; the others can be stopped and started.
    """

    def __init__(
        self,
        store: str = "local",
        seeded: bool = True,
        settings: dict[str, str] | None = None,
        roles: tuple[str, ...] = ("all",),
        started: bool = True,
    ):
        self.folder = Path(tempfile.mkdtemp(prefix="hub-test-"))
        # The embedded Postgres runs as an unprivileged user when the tests run as root.
        self.folder.chmod(0o755)
        self.log = self.folder / "hub.log"
        self._keep = False
        self._child: Child | None = None
        self._beside: dict[int, Child] = {}
        self.store = STORES[store](self.folder)
        self.roles = dict(zip(free_ports(len(roles)), roles))
        port, *others = self.roles
        self._own_url = f"http://127.0.0.1:{port}"
        self.balancer = Balancer() if others else None
        self.url = self.balancer.url if self.balancer else self._own_url
        self.env = {
            "HUB_DATA_DIR": str(self.folder / "data"),
            "HUB_LISTEN": f"127.0.0.1:{port}",
            "HUB_PUBLIC_URL": self.url,
            "HUB_LOG": os.environ.get("HUB_LOG", "info"),
            # Receivers of webhooks in the tests are on this machine.
            "HUB_WEBHOOKS_ALLOW": "127.0.0.1",
            **self.store.env,
            **(settings or {}),
        }
        try:
            if seeded:
                self.seed()
            if started:
                self.start()
            for port in others:
                self.start_node(port)
            if self.balancer:
                self._balance()
        except BaseException:
            self._keep = True
            self.stop()
            raise

    def admin(self, *arguments: str) -> str:
        """Runs `hub admin …` on this hub's data and returns what it printed."""
        done = self.command("admin", *arguments)
        if done.returncode:
            raise RuntimeError(f"hub admin {' '.join(arguments)} failed\n{done.stdout}{done.stderr}")
        return done.stdout

    def seed(self) -> None:
        """Makes the people that every test hub knows."""
        self.admin("seed", str(write_seed(self.folder / "seed.json")))

    def command(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess:
        """Runs `hub …` on this hub's data, with some settings changed, whatever comes of it."""
        env = {**os.environ, **self.env, **settings}
        return subprocess.run([hub_binary(), *arguments], env=env, capture_output=True, text=True, timeout=300)

    def start(self) -> None:
        """Starts the server and waits until it is ready."""
        role = next(iter(self.roles.values()))
        command = [str(hub_binary()), "serve", *(["--role", role] if role != "all" else [])]
        self._child = Child("hub serve", command, self.env, self.log)
        self._child.wait_until(lambda: status_of(f"{self._own_url}/readyz") == 200, seconds=90)

    def start_node(self, port: int) -> None:
        """Starts one of the hub's processes but the first; its port says which."""
        self.start_beside(self.roles[port], port, {"HUB_PUBLIC_URL": self.url})

    def web_ports(self) -> list[int]:
        """Returns the ports that the balancer sends requests to."""
        return [port for port, role in self.roles.items() if role in ("all", "web")]

    def wait_balanced(self, port: int) -> None:
        """Waits until the balancer sends requests to this port."""
        self._child.wait_until(lambda: self.balancer.takes(port), seconds=90)

    def _balance(self) -> None:
        for port in self.web_ports():
            self.balancer.add(port)
            self.wait_balanced(port)

    def start_beside(self, role: str, port: int, settings: dict[str, str] | None = None) -> str:
        """Starts another process of this hub, on the same database and store, and returns its address."""
        data, url = self.folder / f"data-{role}-{port}", f"http://127.0.0.1:{port}"
        data.mkdir(exist_ok=True)
        if self.store.name == "local" and not (data / "store").exists():
            # What a shared file system is to two machines.
            (data / "store").symlink_to(self.folder / "data/store")
        env = {
            **self.env,
            "HUB_DATA_DIR": str(data),
            "HUB_LISTEN": f"127.0.0.1:{port}",
            "HUB_PUBLIC_URL": url,
            "DATABASE_URL": self.database_url(),
            **(settings or {}),
        }
        log = self.folder / f"hub-{role}-{port}.log"
        child = Child(f"hub serve --role {role}", [str(hub_binary()), "serve", "--role", role], env, log)
        self._beside[port] = child
        child.wait_until(lambda: status_of(f"{url}/readyz") == 200, seconds=90)
        return url

    def stop_node(self, port: int) -> None:
        """Asks one of the hub's processes but the first to stop, and waits until it has."""
        self._beside.pop(port).stop(seconds=60)

    def postmaster_lines(self) -> list[str]:
        """Returns what the private Postgres says of itself, its process id first; nothing while it does not run."""
        try:
            return (self.folder / "data/postgres/postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def database_url(self) -> str:
        """Returns the address of the private Postgres; the fifth line names its socket's folder."""
        return f"postgres://hub@localhost/hub?host={self.postmaster_lines()[4]}"

    def pid(self) -> int:
        """Returns the id of the server's process."""
        return self._child.process.pid

    def kill(self) -> None:
        """Kills the server with SIGKILL."""
        self._child.kill()

    def pause(self) -> None:
        """Stops the server, for what is done while it does not run."""
        self._child.stop(seconds=60)

    def keep(self) -> None:
        """Keeps the folder with its logs after `stop`, to look at what went wrong."""
        self._keep = True

    def tail(self, lines: int = 60) -> str:
        """Returns the end of the servers' logs."""
        children = [self._child, *self._beside.values()] if self._child else []
        return "\n".join(child.tail(lines) for child in children)

    def stop(self) -> None:
        """Stops the server, what runs beside it, and its store."""
        if self.balancer:
            self.balancer.close()
        for child in self._beside.values():
            child.stop()
        if self._child:
            self._child.stop()
        self._stop_orphaned_postgres()
        self.store.stop()
        if self._keep:
            print(f"\nthe hub's logs and data are kept in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _stop_orphaned_postgres(self) -> None:
        """Stops the private Postgres of a hub that was killed and not started again."""
        with contextlib.suppress(OSError, ValueError):
            for line in self.postmaster_lines()[:1]:
                os.kill(int(line), signal.SIGQUIT)


@contextlib.contextmanager
def kept_on_failure(hub: Hub):
    """Stops a hub in the end, and keeps its logs and data when the test fails."""
    try:
        yield hub
    except BaseException:
        hub.keep()
        raise
    finally:
        hub.stop()
