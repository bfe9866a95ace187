"""Applications that people sign in to with the hub, as their authors write them: `python oauth_apps.py CASE`.

The person at the browser is played by httpx; everything that an application does is done by its library.
"""

import asyncio
import html
import json
import os
import re
import sys
from urllib.parse import parse_qs, urlsplit

import httpx

HUB = os.environ["HUB_URL"]
NAME, PASSWORD = os.environ["HUB_PERSON"], os.environ["HUB_PASSWORD"]


class Person(httpx.Client):
    """Somebody who is logged in to the hub, and goes nowhere by themselves."""

    def __init__(self):
        super().__init__(base_url=HUB, follow_redirects=False, timeout=30)
        answer = self.submit("/login", "/login", username=NAME, password=PASSWORD)
        assert answer.status_code == 303, answer.text

    def submit(self, page, action, **fields):
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)[1]
        return self.post(action, data={"csrf_token": token, **fields})

    def application(self, kind, uri, *scopes):
        fields = {"name": f"Test of {kind}", "redirect_uris": uri, "kind": kind, "scope": list(scopes)}
        made = self.submit("/settings/applications/new", "/settings/applications", **fields)
        assert made.status_code == 303, made.text
        secret = re.search(r"oauth_app_secret_[\w-]{43}", self.get(made.headers["location"]).text)
        return made.headers["location"].rsplit("/", 1)[1], secret and secret[0]

    def allow(self, url):
        """Opens what an application leads to, says yes, and returns where that leads."""
        page = self.get(url)
        assert page.status_code == 200, (page.status_code, page.headers.get("location"), page.text)
        action = html.unescape(re.search(r'action="(/oauth/authorize[^"]+)"', page.text)[1])
        shown = re.search(r'name="shown" value="([^"]*)"', page.text)[1]
        done = self.submit(url, action, shown=shown, answer="allow")
        assert done.status_code == 303, done.text
        return done.headers["location"]


async def fastapi():
    """An application with `attach_huggingface_oauth`, as in a Space."""
    person = Person()
    client_id, secret = person.application("confidential", "https://app.test/oauth/huggingface/callback", "openid", "profile", "email")
    os.environ |= {
        "SPACE_ID": "bob/app", "SPACE_HOST": "app.test", "OPENID_PROVIDER_URL": HUB, "OAUTH_CLIENT_ID": client_id,
        "OAUTH_CLIENT_SECRET": secret, "OAUTH_SCOPES": "openid profile email",
    }  # fmt: skip
    from fastapi import FastAPI, Request
    from huggingface_hub import attach_huggingface_oauth, parse_huggingface_oauth

    app = FastAPI()
    attach_huggingface_oauth(app)

    @app.get("/me")
    def me(request: Request):
        found = parse_huggingface_oauth(request)
        return found and {"name": found.user_info.preferred_username, "email": found.user_info.email,
                          "orgs": [org.preferred_username for org in found.user_info.orgs], "token": found.access_token}  # fmt: skip

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://app.test") as browser:
        assert (await browser.get("/me")).json() is None
        login = await browser.get("/oauth/huggingface/login", params={"_target_url": "/me?tab=2"})
        back = person.allow(login.headers["location"])
        # A second time nobody is asked.
        again = person.get(login.headers["location"])
        assert again.status_code == 303 and "code=" in again.headers["location"]
        home = await browser.get(back)
        assert home.headers["location"] == "/me?tab=2", (home.status_code, home.text)
        found = (await browser.get("/me")).json()
    assert (found["name"], found["email"]) == (NAME, f"{NAME}@example.org"), found
    assert "acme" in found["orgs"], found
    me = httpx.get(f"{HUB}/api/whoami-v2", headers={"Authorization": f"Bearer {found['token']}"}).json()
    assert me["name"] == NAME and me["auth"]["type"] == "oauth", me


async def authlib():
    """A program on somebody's machine, with PKCE: discovery, the ID token, a refresh, and giving it back."""
    from authlib.integrations.httpx_client import OAuth2Client
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.jwk import KeySet

    person = Person()
    client_id, _ = person.application("public", "http://127.0.0.1/callback", "openid", "profile")
    about = httpx.get(f"{HUB}/.well-known/openid-configuration").json()
    uri = "http://127.0.0.1:48123/callback"
    client = OAuth2Client(client_id, token_endpoint_auth_method="none", redirect_uri=uri, scope="openid profile",
                          code_challenge_method="S256")  # fmt: skip
    verifier = "v" * 64
    url, state = client.create_authorization_url(about["authorization_endpoint"], code_verifier=verifier, nonce="once")
    back = person.allow(url)
    assert back.startswith(uri) and parse_qs(urlsplit(back).query)["iss"] == [about["issuer"]]
    token = client.fetch_token(about["token_endpoint"], authorization_response=back, code_verifier=verifier, state=state)
    keys = KeySet.import_key_set(httpx.get(about["jwks_uri"]).json())
    read = jwt.decode(token["id_token"], keys, algorithms=about["id_token_signing_alg_values_supported"])
    options = {"iss": {"values": [about["issuer"]]}, "aud": {"values": [client_id]}}
    params = {"nonce": "once", "client_id": client_id, "access_token": token["access_token"]}
    claims = CodeIDToken(read.claims, read.header, options, params)
    claims.validate()
    assert claims["preferred_username"] == NAME
    info = client.get(about["userinfo_endpoint"]).json()
    assert info["sub"] == claims["sub"], info
    old = token["refresh_token"]
    new = client.refresh_token(about["token_endpoint"], refresh_token=old)
    assert new["refresh_token"] != old and client.get(about["userinfo_endpoint"]).status_code == 200
    client.revoke_token(about["revocation_endpoint"], token=new["refresh_token"])
    assert client.get(about["userinfo_endpoint"]).status_code == 401


async def javascript():
    """What `@huggingface/hub` does in a browser, driven by node."""
    person = Person()
    client_id, _ = person.application("public", "https://app.test/", "openid", "profile")
    node = ["node", os.environ["OAUTH_SCRIPT"]]

    async def run(*arguments):
        process = await asyncio.create_subprocess_exec(*node, *arguments, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        assert process.returncode == 0
        return json.loads(out)

    asked = await run("url", client_id)
    back = person.allow(asked["url"])
    found = await run("redirected", back, asked["nonce"], asked["codeVerifier"])
    assert found["userInfo"]["preferred_username"] == NAME and found["accessToken"].startswith("hf_"), found
    assert found["me"] == NAME, found


if __name__ == "__main__":
    asyncio.run({"fastapi": fastapi, "authlib": authlib, "javascript": javascript}[sys.argv[1]]())
