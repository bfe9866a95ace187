//! What is kept between two requests of a sign-in: on the server, for minutes, found only with the secret that the browser got and
//! by the browser that got it, and taken once.

use actix_web::HttpRequest;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::accounts::queries::factors::{self as queries, CeremonyRow};
use crate::accounts::{UserPk, csrf, tokens};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::signing::random_secret;

/// For how long, in seconds.
pub(in crate::accounts) const SECS: i32 = 600;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::accounts) enum Kind {
    /// A right password that needs a second factor.
    HalfSignIn,
    /// A challenge to make a passkey.
    NewPasskey,
    /// A challenge to any passkey.
    SignIn,
    /// A challenge to the passkeys of a user, after their password.
    SecondFactor,
    /// The same, to prove once more who they are.
    Sudo,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::HalfSignIn => "half_sign_in",
            Self::NewPasskey => "new_passkey",
            Self::SignIn => "sign_in",
            Self::SecondFactor => "second_factor",
            Self::Sudo => "sudo",
        }
    }
}

/// A secret that was given to one browser is worth nothing to another.
fn key(request: &HttpRequest, secret: &str) -> [u8; 32] {
    tokens::hash(&format!("{secret} {}", csrf::binding_of(request).unwrap_or_default()))
}

/// Keeps something, and gives the secret to find it by.
pub(in crate::accounts) async fn keep(
    app: &App,
    request: &HttpRequest,
    kind: Kind,
    user_pk: Option<UserPk>,
    state: &impl Serialize,
) -> HubResult<String> {
    let secret = random_secret::<24>();
    let row = CeremonyRow { user_pk, state: serde_json::to_value(state).map_err(HubError::internal)? };
    let mut tx = app.begin().await?;
    queries::insert_ceremony(&mut tx, &key(request, &secret), kind.as_str(), &row, f64::from(SECS)).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Finds what was kept, without taking it.
pub(in crate::accounts) async fn find<T: DeserializeOwned>(
    app: &App,
    request: &HttpRequest,
    kind: Kind,
    secret: &str,
) -> HubResult<Option<(Option<UserPk>, T)>> {
    read(queries::find_ceremony(&app.pool, &key(request, secret), kind.as_str()).await?)
}

/// Takes what was kept: a second time it is not there.
pub(in crate::accounts) async fn take<T: DeserializeOwned>(
    app: &App,
    request: &HttpRequest,
    kind: Kind,
    secret: &str,
) -> HubResult<Option<(Option<UserPk>, T)>> {
    read(queries::take_ceremony(&app.pool, &key(request, secret), kind.as_str()).await?)
}

fn read<T: DeserializeOwned>(row: Option<CeremonyRow>) -> HubResult<Option<(Option<UserPk>, T)>> {
    let Some(row) = row else { return Ok(None) };
    Ok(Some((row.user_pk, serde_json::from_value(row.state).map_err(HubError::internal)?)))
}
