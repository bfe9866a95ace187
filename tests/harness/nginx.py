"""nginx before a hub, with the settings of docs/operating.md or with worse ones."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from .process import Child, free_ports, status_of

GOOD = """\
proxy_pass http://{hub};
proxy_http_version 1.1;
proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header Connection "";
client_max_body_size 0;
proxy_request_buffering off;
proxy_buffering off;
"""


class Nginx:
    """A proxy on a free port; `location` is what its one location says, with `{hub}` for the hub's host and port.

    With `keeps` it keeps so many connections to the hub for later requests.
    """

    def __init__(self, folder: Path, hub_url: str, location: str = GOOD, keeps: int = 0):
        folder.mkdir(parents=True)
        # Its worker is another user than root.
        folder.chmod(0o777)
        port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{port}"
        hub = urlsplit(hub_url).netloc
        rules = location.replace("{hub}", "kept" if keeps else hub)
        upstream = f"upstream kept {{ server {hub}; keepalive {keeps}; }}\n" if keeps else ""
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in TEMPORARY)
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off; {temporary}\n{upstream}"
            f"server {{ listen 127.0.0.1:{port}; location / {{\n{rules}}} }} }}\n"
        )
        command = [nginx_binary(), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        self._child = Child("nginx", command, {}, folder / "nginx.log")
        self._child.wait_until(lambda: status_of(f"{self.url}/healthz") == 200, seconds=90)

    def connections_to(self, hub_url: str) -> int:
        """Returns how many connections to the hub it holds."""
        port = f":{urlsplit(hub_url).port:04X}"
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        mine = {os.stat(fd).st_ino for fd in Path(f"/proc/{self._child.process.pid}/fd").iterdir()}
        return sum(line[2].endswith(port) and line[3] == "01" and int(line[9]) in mine for line in lines)

    def stop(self) -> None:
        """Stops it."""
        self._child.stop()


TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def nginx_binary() -> str:
    """Returns nginx, which Debian keeps off the path of people."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise RuntimeError("`nginx` is missing: install nginx-light")
    return found
