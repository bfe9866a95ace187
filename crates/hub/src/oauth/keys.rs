//! The keys that sign ID tokens: made when the first is needed, kept in the database for all nodes, changed every few months.

use openidconnect::core::CoreRsaPrivateSigningKey;
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey as _, LineEnding};
use serde_json::Value;

use super::queries::keys::{self as queries, Key};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::signing::random_secret;

/// As strong as a symmetric key of 128 bits.
const BITS: usize = 3072;
/// How long the modulus of such a key is in base64url.
const MODULUS_LETTERS: i32 = 512;
/// For how many days a key signs.
const SIGNS_DAYS: i32 = 90;

/// The key that signs.
///
/// # Errors
/// The database does not answer.
pub(super) async fn current(app: &App) -> HubResult<Key> {
    if let Some(key) = queries::find_current(&app.pool).await? {
        return Ok(key);
    }
    let (key, public) = make().await?;
    queries::insert_key(&app.pool, &key, &public).await?;
    // Another node may have been quicker.
    queries::find_current(&app.pool).await?.ok_or_else(|| HubError::internal("the signing key is gone"))
}

/// What whoever checks a signature needs.
///
/// # Errors
/// The database does not answer.
pub(super) async fn public(app: &App) -> HubResult<Vec<Value>> {
    current(app).await?;
    Ok(queries::list_public(&app.pool).await?)
}

/// Makes another key if the present one has signed for long, or is weaker than new ones.
///
/// # Errors
/// The database does not answer.
pub(super) async fn rotate(app: &App) -> HubResult<()> {
    if !queries::is_over(&app.pool, SIGNS_DAYS, MODULUS_LETTERS).await? {
        return Ok(());
    }
    let (key, public) = make().await?;
    let mut tx = app.begin().await?;
    queries::retire(&mut tx, SIGNS_DAYS, MODULUS_LETTERS).await?;
    queries::insert_key(&mut *tx, &key, &public).await?;
    Ok(tx.commit().await?)
}

/// Reads a key for signing.
///
/// # Errors
/// 500 for one that is none.
pub(super) fn read(key: &Key) -> HubResult<CoreRsaPrivateSigningKey> {
    CoreRsaPrivateSigningKey::from_pem(&key.private_pem, Some(JsonWebKeyId::new(key.kid.clone()))).map_err(HubError::internal)
}

async fn make() -> HubResult<(Key, Value)> {
    let made = tokio::task::spawn_blocking(|| {
        let private = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, BITS).map_err(HubError::internal)?;
        let pem = private.to_pkcs1_pem(LineEnding::LF).map_err(HubError::internal)?;
        let key = Key { kid: random_secret::<12>(), private_pem: pem.to_string() };
        let public = serde_json::to_value(read(&key)?.as_verification_key()).map_err(HubError::internal)?;
        Ok::<_, HubError>((key, public))
    });
    made.await?
}
