"""Starts one hub per test session, of one node or several, and hands real clients to the tests.

The session's controller starts the hub; every worker is told its address before the test modules
import `huggingface_hub`, which reads its environment only once.
"""

import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.clients import client_env  # noqa: E402 - found by the path above
from harness.counting_proxy import CountingProxy  # noqa: E402 - found by the path above
from harness.hub import Hub  # noqa: E402 - found by the path above
from harness.parts import IN_PARTS  # noqa: E402 - found by the path above
from harness.people import TOKENS  # noqa: E402 - found by the path above

pytest_plugins = ["compatibility"]


def pytest_addoption(parser):
    parser.addoption("--store", choices=["local", "s3", "azure", "gcs"], default="local", help="what the hub keeps its bytes in")
    parser.addoption("--nodes", type=int, default=1, help="how many processes the hub is, behind a balancer")
    parser.addoption("--once", action="store_true", help="also run the tests that need no particular huggingface_hub")
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes or gigabytes")


def settings_for(store):
    """Returns the settings of the session's hub: when large files go in parts; and a proxy that is not there, which webhooks must
    not be sent by; other stores than a folder would be."""
    proxy = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""} if store == "local" else {}
    return {**IN_PARTS, **proxy}


def pytest_configure(config):
    worker = getattr(config, "workerinput", None)
    if worker:
        url = worker["hub_url"]
    elif config.option.collectonly:
        url = "http://127.0.0.1:9"
    else:
        try:
            config.hub = Hub(config.option.store, settings=settings_for(config.option.store), roles=("all",) * config.option.nodes)
        except RuntimeError as error:
            pytest.exit(str(error), returncode=3)
        url = config.hub.url
    config.hub_url = url
    config.client_home = Path(tempfile.mkdtemp(prefix="hub-client-"))
    os.environ.update(client_env(url, config.client_home))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["hub_url"] = node.config.hub_url


def pytest_unconfigure(config):
    if hub := getattr(config, "hub", None):
        hub.stop()


def pytest_sessionfinish(session, exitstatus):
    hub = getattr(session.config, "hub", None)
    if hub and hub.balancer and exitstatus == 0 and (complaint := hub.balancer.complaint()):
        print(f"\nThe nodes did not serve as one: {complaint}")
        session.exitstatus = exitstatus = 1
    if hub and exitstatus not in (0, 5):
        hub.keep()


def pytest_terminal_summary(terminalreporter, config):
    hub = getattr(config, "hub", None)
    if hub and terminalreporter.stats.get("failed"):
        terminalreporter.section("end of the hub's log")
        terminalreporter.write_line(hub.tail(40))


def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.get_closest_marker("slow") and not config.option.slow:
            item.add_marker(pytest.mark.skip(reason="needs --slow"))
        if item.get_closest_marker("any_version") and not config.option.once:
            item.add_marker(pytest.mark.skip(reason="shown once per store"))


@pytest.fixture
def own_hub(pytestconfig):
    """Starts hubs with settings of their own, of one node each: tests read its log, and start what is beside it themselves."""
    hubs = []

    def start(settings=None):
        hubs.append(Hub(pytestconfig.option.store, settings=settings))
        return hubs[-1]

    yield start
    for hub in hubs:
        hub.stop()


@pytest.fixture(scope="session")
def url(pytestconfig) -> str:
    """The hub's address."""
    return pytestconfig.hub_url


@pytest.fixture(scope="session")
def api_of(url):
    """Returns the API of a person: `api_of("carol")`; `api_of(None)` is anonymous."""
    from huggingface_hub import HfApi

    def make(person):
        # `False` and not `None`: no token at all, not "the one that is stored".
        return HfApi(endpoint=url, token=TOKENS[person] if person else False)

    return make


@pytest.fixture(scope="session")
def api(api_of):
    """The API of bob, who owns most of what the tests make."""
    return api_of("bob")


@pytest.fixture
def unique():
    """Returns names that nobody else uses, so that tests run side by side."""
    return lambda stem="repo": f"{stem}-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def new_repo(api, unique):
    """Creates a repository of bob's and returns its id."""

    def make(repo_type="model", files=None, namespace="bob", **options) -> str:
        if repo_type == "space":
            options.setdefault("space_sdk", "static")
        repo_id = f"{namespace}/{unique(repo_type)}"
        api.create_repo(repo_id, repo_type=repo_type, **options)
        if files:
            from huggingface_hub import CommitOperationAdd

            adds = [CommitOperationAdd(path, content) for path, content in files.items()]
            api.create_commit(repo_id, adds, commit_message="Add files", repo_type=repo_type)
        return repo_id

    return make


@pytest.fixture
def new_bucket(api, unique):
    """Creates a bucket of bob's and returns its id."""

    def make(files=None, **options) -> str:
        bucket_id = api.create_bucket(f"bob/{unique('bucket')}", **options).bucket_id
        if files:
            api.batch_bucket_files(bucket_id, add=[(content, path) for path, content in files.items()])
        return bucket_id

    return make


@pytest.fixture
def home(tmp_path, url) -> dict[str, str]:
    """The environment of a person's own computer: nothing logged in, nothing cached."""
    return {**os.environ, **client_env(url, tmp_path / "home"), "HOME": str(tmp_path / "home")}


@pytest.fixture
def hf(home):
    """Runs the `hf` command as bob and returns what it printed."""
    program = Path(sys.executable).with_name("hf")

    def run(*arguments, token="bob", ok=True, cwd=None, **env):
        done = subprocess.run(
            [program, *arguments],
            env={**home, "HF_TOKEN": TOKENS[token] if token else "", **env},
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (done.returncode == 0) == ok, f"hf {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.fixture
def git(home):
    """Runs `git` with a configuration of its own and returns what it printed."""

    def run(*arguments, cwd, ok=True, **env):
        done = subprocess.run(
            ["git", *arguments], env={**home, **env}, cwd=cwd, capture_output=True, text=True, timeout=300
        )
        assert (done.returncode == 0) == ok, f"git {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.fixture
def proxy():
    """Makes lines to the hub that count what goes over them."""
    proxies = []

    def make(**options):
        proxies.append(CountingProxy(**options))
        return proxies[-1]

    yield make
    for made in proxies:
        made.close()


@pytest.fixture
def computer(tmp_path):
    """Returns the environment of a computer that has not heard of the hub, unless the name was used before."""
    return lambda name, proxy=None: {"HF_HOME": str(tmp_path / f"computer-{name}"), **(proxy.env if proxy else {})}


@pytest.fixture
def written(tmp_path):
    """Writes a file and returns its path."""

    def write(name, content):
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return write
