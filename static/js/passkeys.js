// form[data-passkey="/path/of/challenge"] is sent with what a passkey signed; with data-passkey-new it makes one. A form with
// data-passkey-offer also offers passkeys where the user name is typed. Without passkeys in the browser the forms stay hidden.
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function withBytes(options) {
  const known = (list) => list?.map((key) => ({ ...key, id: toBytes(key.id) }));
  const result = { ...options, challenge: toBytes(options.challenge) };
  if (options.user) result.user = { ...options.user, id: toBytes(options.user.id) };
  if (options.allowCredentials) result.allowCredentials = known(options.allowCredentials);
  if (options.excludeCredentials) result.excludeCredentials = known(options.excludeCredentials);
  return result;
}

function asText(credential) {
  const response = { clientDataJSON: toText(credential.response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response, extensions: {} });
}

async function challengeOf(form) {
  const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
  const answer = await fetch(form.dataset.passkey, { method: "POST", body });
  if (answer.ok && answer.headers.get("content-type")?.startsWith("application/json")) return answer.json();
  // The proof of who it is was too old: the page for that comes back here.
  if (answer.redirected) location.assign(answer.url);
  throw new Error(answer.status === 429 ? "Too many tries: wait some minutes." : "The hub has no answer: load the page again.");
}

function send(form, ceremony, credential) {
  form.elements.ceremony.value = ceremony;
  form.elements.credential.value = asText(credential);
  form.submit();
}

function say(form, error) {
  const place = form.querySelector("[data-passkey-error]");
  const refused = error.name === "NotAllowedError";
  place.textContent =
    error.name === "InvalidStateError" ? "This device has a passkey of your account already."
    : refused ? "No passkey was used. Try again, or use another way."
    : error.message;
  place.hidden = false;
}

// Only one question to the authenticator can be open.
let offer;

async function run(form) {
  offer?.abort();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const { ceremony, options } = await challengeOf(form);
    const publicKey = withBytes(options.publicKey);
    const ask = "passkeyNew" in form.dataset ? "create" : "get";
    send(form, ceremony, await navigator.credentials[ask]({ publicKey }));
  } catch (error) {
    say(form, error);
    button.disabled = false;
  }
}

async function offerWhereTyped(form) {
  // First of all: whoever presses the button meanwhile ends it, too.
  offer = new AbortController();
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  try {
    const { ceremony, options } = await challengeOf(form);
    const asked = { publicKey: withBytes(options.publicKey), mediation: "conditional", signal: offer.signal };
    send(form, ceremony, await navigator.credentials.get(asked));
  } catch {
    // Nobody asked for it, so nobody is told; the button is there.
  }
}

if (window.PublicKeyCredential) {
  for (const missing of document.querySelectorAll("[data-passkey-missing]")) missing.hidden = true;
  for (const panel of document.querySelectorAll("[data-passkey-panel]")) panel.hidden = false;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      run(form);
    });
    if ("passkeyOffer" in form.dataset) offerWhereTyped(form);
  }
}
