"""Hubs of several processes, and clients that talk to one of them."""

import contextlib
import os
import subprocess
import urllib.request

from .clients import client_env
from .hub import Hub, kept_on_failure
from .people import TOKENS

# The balancer looks at /readyz five times a second.
DRAIN = {"HUB_DRAIN_SECS": "2"}


@contextlib.contextmanager
def hub_of(*roles, store="s3", **settings):
    """Runs a hub of several processes, and keeps its logs when the test fails."""
    with kept_on_failure(Hub(store, settings={**DRAIN, **settings}, roles=roles)) as hub:
        yield hub


def api_at(url):
    """Returns a client of Bob's that talks to one process."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=url, token=TOKENS["bob"])


def body_of(url):
    """Returns what a page says, to somebody who is not logged in."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


def run_git(*arguments, cwd, url, home):
    """Runs git with a configuration of its own, and returns what it printed."""
    env = {**os.environ, **client_env(url, home)}
    return subprocess.run(["git", *arguments], cwd=cwd, env=env, check=True, capture_output=True, text=True, timeout=120).stdout


def remote_of(url, repo_id):
    """Returns the address of a repository on one process, for Bob's git."""
    return url.replace("://", f"://bob:{TOKENS['bob']}@") + f"/{repo_id}"
