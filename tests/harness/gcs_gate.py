"""Google Cloud Storage's XML API before an S3 bucket, for tests.

No emulator of Google's that can be had speaks what the hub's client does (docs/storage.md says what each lacks). But the XML
API is S3's in most things: the same multipart uploads, lists and ranges. What differs is done here as Google documents it:

- a request carries a token signed by a service account's key (RS256), or an address signed by it (GOOG4-RSA-SHA256), with the
  host `storage.googleapis.com` in the signature. Both are checked against the public key, and what they allow;
- `x-goog-copy-source` and `x-goog-if-generation-match: 0`; a generation in answers;
- a missing object cannot be deleted (404); an upload in parts needs parts of 5 MiB, except the last.

It shows that requests are made and signed as documented. It does not show that Google answers as SeaweedFS does.
"""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

EMAIL = "hub@tests.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
PIECE = 256 * 1024
# The head of a SHA-256 in a PKCS #1 signature (RFC 8017, 9.2).
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


class Key:
    """A service account's key: in the file that the hub reads, and here its public part."""

    def __init__(self, folder: Path):
        self.file = folder / "service-account.json"
        pem = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA"], check=True, capture_output=True).stdout
        modulus = ["openssl", "rsa", "-noout", "-modulus"]
        shown = subprocess.run(modulus, input=pem, check=True, capture_output=True).stdout.decode()
        self._modulus = int(shown.strip().split("=")[1], 16)
        account = {"type": "service_account", "client_email": EMAIL, "private_key_id": "test", "private_key": pem.decode()}
        self.file.write_text(json.dumps(account))

    def signed(self, text: bytes, signature: bytes) -> bool:
        size = (self._modulus.bit_length() + 7) // 8
        opened = pow(int.from_bytes(signature, "big"), 65537, self._modulus).to_bytes(size, "big")
        end = DIGEST_INFO + hashlib.sha256(text).digest()
        return opened == b"\x00\x01" + b"\xff" * (size - len(end) - 3) + b"\x00" + end


class Refused(Exception):
    def __init__(self, status: int, code: str):
        super().__init__(code)
        self.status = status


def check_token(key: Key, token: str) -> None:
    """A self-signed JWT with a scope, as service accounts may use."""
    try:
        head, claims, signature = token.split(".")
        decode = lambda part: base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        asked = json.loads(decode(claims))
        right = json.loads(decode(head))["alg"] == "RS256" and key.signed(f"{head}.{claims}".encode(), decode(signature))
    except (ValueError, KeyError) as error:
        raise Refused(401, "InvalidToken") from error
    if not right or asked["iss"] != EMAIL or asked["scope"] != SCOPE or not asked["iat"] - 60 <= time.time() < asked["exp"]:
        raise Refused(401, "InvalidToken")


def check_signature(key: Key, method: str, path: str, query: list[tuple[str, str]], headers) -> None:
    """https://cloud.google.com/storage/docs/authentication/canonical-requests"""
    given = dict(query)
    try:
        made = datetime.strptime(given["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
        account, scope = given["X-Goog-Credential"].split("/", 1)
        signature, lasts = bytes.fromhex(given["X-Goog-Signature"]), int(given["X-Goog-Expires"])
        names = given["X-Goog-SignedHeaders"].split(";")
    except (ValueError, KeyError) as error:
        raise Refused(403, "MalformedSecurityHeader") from error
    now = datetime.now(timezone.utc)
    if not made - timedelta(minutes=15) <= now < made + timedelta(seconds=lasts):
        raise Refused(403, "ExpiredToken")
    encode = lambda text: quote(text, safe="-_.~")
    rest = sorted((encode(name), encode(value)) for name, value in query if name != "X-Goog-Signature")
    # Google is reached by one name, whatever a test calls it.
    value = lambda name: "storage.googleapis.com" if name == "host" else " ".join((headers.get(name) or "").split())
    canonical = "\n".join([
        method, path, "&".join(f"{name}={value}" for name, value in rest),
        *(f"{name}:{value(name)}" for name in names), "", ";".join(names), "UNSIGNED-PAYLOAD",
    ])
    text = "\n".join(["GOOG4-RSA-SHA256", given["X-Goog-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    day = given["X-Goog-Date"][:8]
    named = account == EMAIL and scope == f"{day}/auto/storage/goog4_request" and "host" in names
    if not named or not key.signed(text.encode(), signature):
        raise Refused(403, "SignatureDoesNotMatch")


def s3_headers(store, method: str, host: str, path: str, query: str, extra: dict[str, str]) -> dict[str, str]:
    """Signs a request to S3 (version 4)."""
    now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-date": now}
    headers |= {name: value for name, value in extra.items() if name.startswith("x-amz-")}
    names = sorted(headers)
    canonical = "\n".join([method, path, query, *(f"{name}:{headers[name]}" for name in names), "", ";".join(names), "UNSIGNED-PAYLOAD"])
    scope = f"{now[:8]}/{store['HUB_S3_REGION']}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    secret = f"AWS4{store['HUB_S3_SECRET_ACCESS_KEY']}".encode()
    for part in scope.split("/"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
    credential = f"{store['HUB_S3_ACCESS_KEY_ID']}/{scope}"
    signed = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return headers | extra | {"authorization": signed}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        """Says nothing."""

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def serve(self):
        gate = self.server.gate
        parts = urlsplit(self.path)
        query = parse_qsl(parts.query, keep_blank_values=True)
        try:
            if any(name == "X-Goog-Algorithm" for name, _ in query):
                check_signature(gate.key, self.command, parts.path, query, self.headers)
            else:
                kind, _, token = (self.headers.get("authorization") or "").partition(" ")
                if kind != "Bearer":
                    raise Refused(401, "AuthenticationRequired")
                check_token(gate.key, token)
            self.pass_on(gate, parts.path, [(name, value) for name, value in query if not name.startswith("X-Goog-")])
        except Refused as refused:
            self.refuse(refused)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve

    def refuse(self, refused: Refused):
        body = f"<?xml version='1.0'?><Error><Code>{refused}</Code></Error>".encode()
        self.close_connection = True
        self.send_response(refused.status)
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def pass_on(self, gate, path: str, query: list[tuple[str, str]]):
        # The hub's client encodes all that is no letter, S3 wants slashes in keys as they are. Both want the query sorted.
        plain = lambda text: quote(unquote(text), safe="/-_.~")
        path = plain(path)
        gate.make_bucket(path.split("/")[1])
        encode = lambda text: quote(text, safe="-_.~")
        wanted = "&".join(f"{name}={value}" for name, value in sorted((encode(n), encode(v)) for n, v in query))
        extra = {}
        for name in ("range", "if-match", "if-none-match", "content-type", "content-length"):
            if (value := self.headers.get(name)) is not None:
                extra[name] = value
        if (source := self.headers.get("x-goog-copy-source")) is not None:
            extra["x-amz-copy-source"] = f"/{plain(source)}"
        if self.headers.get("x-goog-if-generation-match") == "0":
            extra["if-none-match"] = "*"
        is_upload = any(name == "uploadId" for name, _ in query)
        if self.command == "DELETE" and not is_upload and gate.ask("HEAD", path)[0] == 404:
            raise Refused(404, "NoSuchKey")
        upstream = http.client.HTTPConnection(gate.host, timeout=60)
        try:
            upstream.putrequest(self.command, f"{path}?{wanted}" if wanted else path, skip_host=True, skip_accept_encoding=True)
            for name, value in s3_headers(gate.store, self.command, gate.host, path, wanted, extra).items():
                upstream.putheader(name, value)
            upstream.endheaders()
            left = int(self.headers.get("content-length") or 0)
            while left:
                piece = self.rfile.read(min(left, PIECE))
                if not piece:
                    # The client broke off: so does this, before the whole has come.
                    self.close_connection = True
                    return
                upstream.send(piece)
                left -= len(piece)
            self.answer(upstream.getresponse())
        finally:
            upstream.close()

    def answer(self, response):
        self.send_response(response.status)
        for name in ("content-type", "content-disposition", "content-range", "etag", "last-modified", "accept-ranges"):
            if (value := response.getheader(name)) is not None:
                self.send_header(name, value)
        self.send_header("x-goog-generation", str(time.time_ns() // 1000))
        length = response.getheader("content-length")
        body = b"" if length is not None else response.read()
        self.send_header("content-length", length if length is not None else str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        while length is not None and self.command != "HEAD" and (piece := response.read(PIECE)):
            self.wfile.write(piece)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        """Connections that break are part of the tests."""


class GcsGate:
    """The gate: `endpoint` is where it is, `key` what opens it. `store` are the settings of an S3 store."""

    def __init__(self, folder: Path, store: dict[str, str]):
        self.key = Key(folder)
        self.store = store
        self.host = urlsplit(store["HUB_S3_ENDPOINT"]).netloc
        self._made: set[str] = set()
        self._lock = threading.Lock()
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server.gate = self
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def ask(self, method: str, path: str) -> tuple[int, bytes]:
        upstream = http.client.HTTPConnection(self.host, timeout=60)
        try:
            upstream.request(method, path, headers=s3_headers(self.store, method, self.host, path, "", {}))
            response = upstream.getresponse()
            return response.status, response.read()
        finally:
            upstream.close()

    def make_bucket(self, name: str) -> None:
        """Google's buckets must be there; those of tests are."""
        with self._lock:
            if name not in self._made and name.startswith(("test-", "hub")):
                self.ask("PUT", f"/{name}")
                self._made.add(name)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
