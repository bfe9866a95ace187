// Signing in as @huggingface/hub does in a browser: `node oauth.mjs url CLIENT_ID`, then `node oauth.mjs redirected URL NONCE VERIFIER`.

import * as hub from "@huggingface/hub";

const hubUrl = process.env.HUB_URL;
const [step, first, nonce, codeVerifier] = process.argv.slice(2);

if (step === "url") {
  const localStorage = {};
  const url = await hub.oauthLoginUrl({ hubUrl, clientId: first, redirectUrl: "https://app.test/", scopes: "openid profile", localStorage });
  console.log(JSON.stringify({ url, ...localStorage }));
} else {
  const found = await hub.oauthHandleRedirect({ hubUrl, redirectedUrl: first, nonce, codeVerifier });
  const me = await hub.whoAmI({ hubUrl, accessToken: found.accessToken });
  console.log(JSON.stringify({ ...found, me: me.name }));
}
