//! HMAC-SHA-256 over what leaves the hub and must come back unchanged: URLs, CSRF tokens, cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngExt as _;
use sha2::Sha256;
use sqlx::PgPool;

/// Signs and checks texts. All nodes share the key, which is made on first start and kept in the database.
#[derive(Clone)]
pub struct Signer {
    key: [u8; 32],
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// Reads the key from the database, or makes it.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn load(pool: &PgPool) -> sqlx::Result<Self> {
        let fresh: [u8; 32] = rand::rng().random();
        let row = sqlx::query!(
            "insert into hub_secrets (name, value) values ('signing', $1)
             on conflict (name) do update set name = excluded.name returning value",
            &fresh
        )
        .fetch_one(pool)
        .await?;
        let key = row.value.try_into().map_err(|_| sqlx::Error::Decode("the signing key is not 32 bytes".into()))?;
        Ok(Self { key })
    }

    /// Signs a text for one purpose; a signature for one purpose is worth nothing for another.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(purpose, text).finalize().into_bytes())
    }

    /// Whether a signature is ours, in constant time.
    pub fn verify(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        self.mac(purpose, text).verify_slice(&bytes).is_ok()
    }

    fn mac(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac
    }
}

/// A fresh secret of `bytes` random bytes, as URL-safe text.
pub fn random_secret<const BYTES: usize>() -> String {
    let bytes: [u8; BYTES] = rand::rng().random();
    URL_SAFE_NO_PAD.encode(bytes)
}
