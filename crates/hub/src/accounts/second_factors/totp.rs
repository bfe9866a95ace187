//! Codes of an authenticator app: six digits every thirty seconds (RFC 6238), each taken once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qrcode::QrCode;
use qrcode::render::svg;
use rand::RngExt as _;
use totp_rs::{Builder, Secret, Totp};

use super::{follow_addition, follow_removal, has_any_in};
use crate::accounts::queries::factors as queries;
use crate::accounts::queries::lock_user;
use crate::accounts::{User, UserPk, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::base_url::BaseUrl;

const PURPOSE: &str = "authenticator-app";
/// How long somebody may take to set an app up, in seconds.
const SETUP_SECS: i64 = 1800;

/// An app that is being set up. Nothing is kept until the app has shown a right code.
#[derive(Debug)]
pub(in crate::accounts) struct Setup {
    /// The secret, as people type it.
    pub secret: String,
    /// The same as a picture to scan, as the address of an image.
    pub picture: String,
    /// What the form carries: the secret, signed for this user and session.
    pub carried: String,
}

/// Begins to set an app up.
pub(in crate::accounts) fn begin(app: &App, user: &User, session_hash: &[u8], base: &BaseUrl) -> HubResult<Setup> {
    let bytes: [u8; 20] = rand::rng().random();
    let secret = Secret::from(bytes.to_vec()).to_base32();
    let until = crate::clock::now().timestamp() + SETUP_SECS;
    let signature = app.signer.sign(PURPOSE, &signed(user.pk, session_hash, &secret, until));
    setup(user, base, secret.clone(), format!("{secret}.{until}.{signature}"))
}

/// Goes on with what [`begin`] began.
///
/// # Errors
/// 400 for what this session did not begin, or a while ago.
pub(in crate::accounts) fn go_on(app: &App, user: &User, session_hash: &[u8], base: &BaseUrl, carried: &str) -> HubResult<Setup> {
    let over = || HubError::bad_request("This took too long. Open the page again, and scan the new picture.");
    let mut parts = carried.splitn(3, '.');
    let (Some(secret), Some(until), Some(signature)) = (parts.next(), parts.next(), parts.next()) else { return Err(over()) };
    let until: i64 = until.parse().map_err(|_| over())?;
    let is_ours = app.signer.verify(PURPOSE, &signed(user.pk, session_hash, secret, until), signature);
    if !is_ours || until < crate::clock::now().timestamp() {
        return Err(over());
    }
    setup(user, base, secret.to_owned(), carried.to_owned())
}

fn signed(user_pk: UserPk, session_hash: &[u8], secret: &str, until: i64) -> String {
    format!("{user_pk} {} {secret} {until}", hex::encode(session_hash))
}

fn setup(user: &User, base: &BaseUrl, secret: String, carried: String) -> HubResult<Setup> {
    let host = url::Url::parse(base.as_str()).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let bytes = read_secret(&secret)?;
    // A colon parts the two names in the address.
    let issuer = format!("Hub {}", host.replace(':', "."));
    let totp = builder(bytes).with_account_name(user.name.as_str()).with_issuer(Some(issuer.as_str())).build();
    let address = totp.and_then(|totp| totp.to_url()).map_err(|error| HubError::internal(error.to_string()))?;
    let code = QrCode::new(address.as_bytes()).map_err(|error| HubError::internal(error.to_string()))?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    Ok(Setup { secret, picture: format!("data:image/svg+xml;base64,{}", STANDARD.encode(picture)), carried })
}

fn read_secret(secret: &str) -> HubResult<Vec<u8>> {
    let secret = Secret::try_from_base32(secret).map_err(|error| HubError::internal(error.to_string()))?;
    Ok(secret.as_ref().to_vec())
}

fn builder(secret: Vec<u8>) -> Builder {
    Builder::new().with_secret(secret)
}

fn codes_of(secret: Vec<u8>) -> HubResult<Totp> {
    builder(secret).build().map_err(|error| HubError::internal(error.to_string()))
}

/// The step of time that a code is of, with one step of patience to both sides.
fn step_of(secret: Vec<u8>, code: &str) -> HubResult<Option<i64>> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let step = codes_of(secret)?.check(&digits, crate::clock::now().timestamp().unsigned_abs());
    step.map(|step| i64::try_from(step).map_err(HubError::internal)).transpose()
}

/// Keeps an app that has shown a right code. Gives recovery codes if this is the account's first factor.
///
/// # Errors
/// 403 for a wrong code, 409 when there is an app already.
pub(in crate::accounts) async fn add(
    app: &App,
    user: &User,
    session_hash: &[u8],
    setup: &Setup,
    code: &str,
) -> HubResult<Option<Vec<String>>> {
    let secret = read_secret(&setup.secret)?;
    let wrong = || HubError::forbidden("This is not the app's present code. Wait for the next one and type that.").at("code");
    let step = step_of(secret.clone(), code)?.ok_or_else(wrong)?;
    let mut tx = audit::begin(app).await?;
    lock_user(&mut tx, user.pk).await?;
    let was_first = !has_any_in(&mut tx, user.pk).await?;
    if !queries::insert_app(&mut tx, user.pk, &secret, step).await? {
        return Err(HubError::conflict("Your account has an authenticator app already: remove that one first."));
    }
    let told = "an authenticator app was added to your account: logging in asks for its codes from now on.";
    let codes = follow_addition(&mut tx, user.pk, was_first, session_hash, told).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(codes)
}

/// Takes a code, if it is right and the first of its step.
pub(super) async fn take(app: &App, user_pk: UserPk, code: &str) -> HubResult<bool> {
    let Some(secret) = queries::find_app_secret(&app.pool, user_pk).await? else { return Ok(false) };
    match step_of(secret, code)? {
        Some(step) => Ok(queries::take_step(&app.pool, user_pk, step).await?),
        None => Ok(false),
    }
}

/// Forgets a user's app.
///
/// # Errors
/// 404 when there is none.
pub(in crate::accounts) async fn remove(app: &App, user: &User) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    lock_user(&mut tx, user.pk).await?;
    if !queries::delete_app(&mut tx, user.pk).await? {
        return Err(HubError::not_found("Your account has no authenticator app."));
    }
    follow_removal(&mut tx, user.pk, "the authenticator app of your account was removed.").await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}
