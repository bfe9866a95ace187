"""Requests as they are, without a client that tries again."""

import json
import urllib.error
import urllib.request

from .people import TOKENS


def ask(url: str, body: bytes | None = None, person: str | None = "bob", method: str | None = None, **headers: str):
    """Sends a request and returns its status and its text; 0 when the connection broke."""
    if person:
        headers["Authorization"] = f"Bearer {TOKENS[person]}"
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=180) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)


def commit(url: str, repo_id: str, path: str, content: str):
    """Commits a small file to a model in one request, and returns the status and the text of the answer."""
    return _commit(url, repo_id, {"key": "file", "value": {"path": path, "content": content, "encoding": "utf-8"}})


def commit_large(url: str, repo_id: str, path: str, oid: str, size: int):
    """Commits a large file that was uploaded, likewise."""
    return _commit(url, repo_id, {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": oid, "size": size}})


def _commit(url: str, repo_id: str, line: dict):
    lines = [{"key": "header", "value": {"summary": "Add a file"}}, line]
    body = "\n".join(map(json.dumps, lines)).encode()
    return ask(f"{url}/api/models/{repo_id}/commit/main", body, Content_Type="application/x-ndjson")


def lfs_upload(url: str, repo_id: str, oid: str, content: bytes):
    """Uploads a large file to a model as Git LFS does, and returns the status and the text of the first answer that is no
    success, or else of the last."""
    kind = "application/vnd.git-lfs+json"
    batch = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": len(content)}]}
    body = json.dumps(batch).encode()
    status, text = ask(f"{url}/{repo_id}.git/info/lfs/objects/batch", body, Content_Type=kind, Accept=kind)
    if status != 200:
        return status, text
    actions = json.loads(text)["objects"][0]["actions"]
    upload = actions["upload"]
    status, text = ask(upload["href"], content, None, "PUT", **upload.get("header", {}))
    if status != 200 or "verify" not in actions:
        return status, text
    verify = actions["verify"]
    body = json.dumps({"oid": oid, "size": len(content)}).encode()
    return ask(verify["href"], body, None, "POST", **{"Content-Type": kind, "Accept": kind, **verify.get("header", {})})
