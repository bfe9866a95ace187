//! What an application asks of a person, and the code with which it learns of the answer.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::problem::Problem;
use super::queries::clients::{Client, Consent, NewConsent, upsert_consent};
use super::queries::grants::{NewGrant, find_auth_time, insert_code, insert_grant};
use super::{COMMAND_LINE_IDLE_DAYS, IDLE_DAYS, clients, redirects, scopes};
use crate::accounts::{Auth, User, audit, tokens};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::signing::random_secret;
use crate::web::extract::Query;

/// How long a code can be exchanged.
const CODE_SECS: f64 = 60.0;
const LONGEST_NONCE: usize = 500;

/// A request that can be put before a person.
#[derive(Debug)]
pub(super) struct Asked {
    /// The application.
    pub client: Client,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// What the application wants back with it.
    pub state: Option<String>,
    /// What it asks for.
    pub scopes: Vec<String>,
    nonce: Option<String>,
    challenge: Option<String>,
    /// Whether the person must not be shown anything.
    pub is_silent: bool,
    /// Whether the person must be asked, whatever they said before.
    pub must_ask: bool,
    /// How fresh the proof must be of who the person is.
    pub freshness: Freshness,
    /// Ids of the organisations that the application would like to work with.
    pub organizations: Vec<String>,
}

/// How fresh the proof must be of who somebody is, as an application wants it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freshness {
    /// It must be made for this request.
    anew: bool,
    /// It must not be older.
    max_age: Option<TimeDelta>,
}

impl Freshness {
    /// Whether the application wants any.
    pub(super) const fn is_asked_for(self) -> bool {
        self.anew || self.max_age.is_some()
    }
}

/// A request that cannot.
#[derive(Debug)]
pub(super) enum Unasked {
    /// Nobody knows to whom to say so, but the person.
    NoAddress(HubError),
    /// The application is told.
    Answer(String),
}

impl From<HubError> for Unasked {
    fn from(error: HubError) -> Self {
        Self::NoAddress(error)
    }
}

impl Asked {
    /// Reads a request.
    ///
    /// # Errors
    /// Says so to the person while it is not certain that the address is the application's, and then to the application.
    pub(super) async fn read(app: &App, query: &Query, issuer: &str) -> Result<Self, Unasked> {
        let client = match once(query, "client_id") {
            Ok(Some(id)) => clients::find(app, id).await?,
            _ => None,
        };
        let client = client.ok_or_else(|| {
            HubError::bad_request("The application that sent you here is not known to this hub. Tell those who run it.")
        })?;
        let redirect_uri = once(query, "redirect_uri").ok().flatten().unwrap_or_default();
        if !redirects::is_registered(&client.redirect_uris, redirect_uri) {
            return Err(Unasked::NoAddress(HubError::bad_request(
                "The application that sent you here wants you to be sent on to an address that is not registered as one of its own. \
                 Tell those who run it.",
            )));
        }
        let (redirect_uri, state) = (redirect_uri.to_owned(), once(query, "state").ok().flatten().map(str::to_owned));
        let refused = |problem: &Problem| {
            // Anybody can make an application known. The hub leads nobody to an address of theirs who was not asked first.
            if client.made_itself_known() {
                return Unasked::NoAddress(HubError::bad_request(format!(
                    "The application that sent you here asks for something that makes no sense: {}",
                    problem.text
                )));
            }
            let pairs = [("error", problem.code), ("error_description", problem.text.as_str())];
            Unasked::Answer(answer(&redirect_uri, state.as_deref(), issuer, &pairs))
        };
        let rest = Rest::read(query, &client).map_err(|problem| refused(&problem))?;
        Ok(Self {
            scopes: rest.scopes,
            nonce: rest.nonce,
            challenge: rest.challenge,
            is_silent: rest.prompt.contains(&"none"),
            must_ask: !rest.prompt.is_empty(),
            freshness: Freshness { anew: rest.prompt.contains(&"login"), max_age: rest.max_age },
            organizations: rest.organizations,
            client,
            redirect_uri,
            state,
        })
    }

    /// The address that tells the application what came of it.
    pub(super) fn answer(&self, issuer: &str, pairs: &[(&str, &str)]) -> String {
        answer(&self.redirect_uri, self.state.as_deref(), issuer, pairs)
    }

    /// Whether the person who uses this session must prove once more who they are, because the application wants it. `since` is when
    /// it asked, if the person has been sent to prove it.
    ///
    /// # Errors
    /// 403 when there is no session.
    pub(super) async fn must_prove(&self, app: &App, auth: &Auth, since: Option<DateTime<Utc>>) -> HubResult<bool> {
        if !self.freshness.is_asked_for() {
            return Ok(false);
        }
        let proved_at = auth_time(app, auth).await?;
        let is_fresh = since.is_some_and(|since| proved_at >= since);
        Ok(!is_fresh
            && (self.freshness.anew || self.freshness.max_age.is_some_and(|most| crate::clock::now() - proved_at > most)))
    }

    /// Whether a person need not be asked again: they let the application do all of this, and it is certain that it is the
    /// application which gets the answer (RFC 8252, 8.6).
    pub(super) fn is_allowed_by(&self, consent: &Consent) -> bool {
        self.scopes.iter().all(|scope| consent.scopes.contains(scope)) && redirects::is_of_the_application(&self.redirect_uri)
    }

    /// Signs a person in to the application who says so now, and gives the code.
    ///
    /// # Errors
    /// The database does not answer.
    pub(super) async fn allow(&self, app: &App, user: &User, auth: &Auth, organization_pks: &[i64]) -> HubResult<String> {
        let auth_time = auth_time(app, auth).await?;
        let mut tx = audit::begin(app).await?;
        let consent = NewConsent {
            client_pk: self.client.pk,
            user_pk: user.pk,
            scopes: &self.scopes,
            organization_pks,
            of_repos: &scopes::of_repos(),
        };
        let consent_pk = upsert_consent(&mut tx, &consent).await?;
        let code = self.sign_in(app, &mut tx, consent_pk, organization_pks, auth_time).await?;
        tx.commit().await?;
        Ok(code)
    }

    /// Signs a person in to the application who said so before, and gives the code.
    ///
    /// # Errors
    /// The database does not answer.
    pub(super) async fn allow_again(&self, app: &App, auth: &Auth, consent: &Consent) -> HubResult<String> {
        let auth_time = auth_time(app, auth).await?;
        let mut tx = app.begin().await?;
        let code = self.sign_in(app, &mut tx, consent.pk, &consent.organization_pks, auth_time).await?;
        tx.commit().await?;
        Ok(code)
    }

    async fn sign_in(
        &self,
        app: &App,
        conn: &mut PgConnection,
        consent_pk: i64,
        organization_pks: &[i64],
        auth_time: DateTime<Utc>,
    ) -> HubResult<String> {
        let grant = NewGrant {
            consent_pk,
            scopes: &self.scopes,
            organization_pks,
            auth_time,
            nonce: self.nonce.as_deref(),
            ends_at: end_of(app, &self.client),
        };
        let grant_pk = insert_grant(&mut *conn, &grant).await?;
        let code = random_secret::<32>();
        let challenge = self.challenge.as_deref();
        insert_code(conn, &tokens::hash(&code), grant_pk, &self.redirect_uri, challenge, CODE_SECS).await?;
        Ok(code)
    }
}

/// When it was last proved whose browser this is.
///
/// # Errors
/// 403 when there is none.
pub(super) async fn auth_time(app: &App, auth: &Auth) -> HubResult<DateTime<Utc>> {
    let Auth::Session { session_hash } = auth else { return Err(HubError::login_required()) };
    find_auth_time(&app.pool, session_hash).await?.ok_or_else(HubError::login_required)
}

/// For how many days somebody is signed in to an application at most, whatever it asks for.
pub(super) fn most_days(app: &App, client: &Client) -> i32 {
    let limits = app.config.oauth;
    if client.is_of_the_hub() { limits.command_line_days } else { limits.days }
}

/// When a sign-in ends unless the application asks for more.
pub(super) fn end_of(app: &App, client: &Client) -> DateTime<Utc> {
    let idle_days = if client.is_of_the_hub() { COMMAND_LINE_IDLE_DAYS } else { IDLE_DAYS };
    crate::clock::now() + TimeDelta::days(i64::from(idle_days.min(most_days(app, client))))
}

fn answer(redirect_uri: &str, state: Option<&str>, issuer: &str, pairs: &[(&str, &str)]) -> String {
    let mut all = pairs.to_vec();
    all.extend(state.map(|state| ("state", state)));
    // So that an application which knows several hubs is not led to mix them up (RFC 9207).
    all.push(("iss", issuer));
    redirects::with(redirect_uri, &all)
}

/// A parameter that may come once.
fn once<'a>(query: &'a Query, name: &'static str) -> Result<Option<&'a str>, Problem> {
    if query.all(name).count() > 1 {
        return Err(Problem { code: "invalid_request", text: format!("`{name}` comes more than once.") });
    }
    Ok(query.get(name))
}

/// What is told to the application when it is wrong.
struct Rest<'a> {
    scopes: Vec<String>,
    nonce: Option<String>,
    challenge: Option<String>,
    prompt: Vec<&'a str>,
    max_age: Option<TimeDelta>,
    organizations: Vec<String>,
}

impl<'a> Rest<'a> {
    fn read(query: &'a Query, client: &Client) -> Result<Self, Problem> {
        let problem = |code, text: &str| Err(Problem { code, text: text.to_owned() });
        for (name, code) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")] {
            if query.get(name).is_some() {
                return problem(code, "Send what you ask for as parameters of the address.");
            }
        }
        once(query, "state")?;
        match once(query, "response_type")? {
            Some("code") => {}
            None => return problem("invalid_request", "`response_type` is missing: it must be `code`."),
            Some(_) => return problem("unsupported_response_type", "`response_type` must be `code`."),
        }
        if !matches!(once(query, "response_mode")?, None | Some("query")) {
            return problem("invalid_request", "`response_mode` must be `query`.");
        }
        let challenge = challenge(once(query, "code_challenge")?, once(query, "code_challenge_method")?)?;
        if challenge.is_none() && !client.is_confidential() {
            return problem("invalid_request", "`code_challenge` is missing: a client without a secret must use PKCE (S256).");
        }
        let scopes = scopes::asked(once(query, "scope")?, &client.scopes);
        if scopes.is_empty() {
            return problem("invalid_scope", "`scope` names nothing that this client may ask for.");
        }
        let nonce = once(query, "nonce")?;
        if nonce.is_some_and(|nonce| nonce.len() > LONGEST_NONCE || nonce.contains('\0')) {
            return problem("invalid_request", "`nonce` is too long, or has the character NUL.");
        }
        let prompt: Vec<&str> = once(query, "prompt")?.unwrap_or_default().split_whitespace().collect();
        if prompt.contains(&"none") && prompt.len() > 1 {
            return problem("invalid_request", "`prompt` cannot be `none` and something else.");
        }
        let max_age = match once(query, "max_age")?.map(str::parse::<u32>) {
            None => None,
            Some(Ok(secs)) => Some(TimeDelta::seconds(i64::from(secs))),
            Some(Err(_)) => return problem("invalid_request", "`max_age` must be a number of seconds."),
        };
        let organizations = query.all("orgIds").flat_map(|ids| ids.split(',')).take(100).map(str::to_owned).collect();
        Ok(Self { scopes, nonce: nonce.map(str::to_owned), challenge, prompt, max_age, organizations })
    }
}

/// The challenge of PKCE, by the one method that protects from who can read the request.
fn challenge(challenge: Option<&str>, method: Option<&str>) -> Result<Option<String>, Problem> {
    let problem = |text: &str| Err(Problem { code: "invalid_request", text: text.to_owned() });
    match (challenge, method) {
        (None, None) => Ok(None),
        (None, Some(_)) => problem("`code_challenge` is missing."),
        (Some(challenge), Some("S256")) => {
            let is_hash = challenge.len() == 43 && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
            if is_hash { Ok(Some(challenge.to_owned())) } else { problem("`code_challenge` is no SHA-256 in base64url.") }
        }
        (Some(_), _) => problem("`code_challenge_method` must be `S256`."),
    }
}
