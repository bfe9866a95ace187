"""A person at a browser without JavaScript."""

import http.cookiejar
import re
import urllib.parse
import urllib.request


class Visitor:
    """Opens pages and sends their forms, with a jar for cookies."""

    def __init__(self, url: str):
        self.url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def open(self, path: str) -> str:
        """Returns a page."""
        return self._opener.open(self.url + path, timeout=30).read().decode()

    def submit(self, page: str, action: str, /, **fields: str) -> str:
        """Sends a form as if it stood on `page`, and returns the page that follows."""
        return self.post(action, csrf_token=csrf_token(self.open(page)), **fields)

    def post(self, action: str, /, **fields: str) -> str:
        """Sends fields, and returns the page that follows."""
        body = urllib.parse.urlencode(fields).encode()
        return self._opener.open(self.url + action, body, timeout=30).read().decode()

    def send(self, action: str, body: bytes, content_type: str) -> str:
        """Sends a form that is ready, and returns the page that follows."""
        request = urllib.request.Request(self.url + action, body, {"Content-Type": content_type})
        return self._opener.open(request, timeout=60).read().decode()

    def address_of(self, path: str) -> str:
        """Returns where a page led to in the end."""
        return self._opener.open(self.url + path, timeout=30).url


def csrf_token(page: str) -> str:
    """Returns what a page's forms send along to prove that they are the hub's."""
    return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
