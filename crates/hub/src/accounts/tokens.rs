//! Access tokens: made once, shown once, stored as a hash.

use sha2::{Digest as _, Sha256};

use super::{TokenRole, User, queries};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// What every token starts with; `@huggingface/hub` refuses others before it sends them.
pub const PREFIX: &str = "hf_";

/// The SHA-256 by which tokens and sessions are stored. A fast hash is right here: the secrets are random.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// A new token, to be shown once: `hf_` and 34 letters and digits, as on the Hub.
pub fn generate() -> String {
    use rand::RngExt as _;
    let mut rng = rand::rng();
    let letters: String = (0..34).map(|_| char::from(rng.sample(rand::distr::Alphanumeric))).collect();
    format!("{PREFIX}{letters}")
}

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The name its owner gives it.
    pub name: String,
    /// What it may do.
    pub role: TokenRole,
    /// For fine-grained tokens: the scopes, in the shape of [`crate::repos::access`].
    pub scopes: serde_json::Value,
    /// When it stops working.
    pub expires_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// Makes a token and gives its text, which is not kept.
///
/// # Errors
/// 400 for an empty or long name.
pub async fn create_token(app: &App, user: &User, token: &NewToken) -> HubResult<String> {
    let name = token.name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(HubError::bad_request("Give the token a name of 1 to 100 characters.").at("name"));
    }
    let secret = generate();
    let mut conn = app.pool.acquire().await?;
    queries::insert_token(&mut conn, user.pk, token, &secret).await?;
    Ok(secret)
}
