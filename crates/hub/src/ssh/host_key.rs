//! The key by which clients know the hub. All nodes share it: it is made on first use and kept in the database.

use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{HashAlg, PrivateKey};
use sqlx::PgPool;

/// Reads the key from the database, or makes it.
///
/// # Errors
/// The database does not answer.
pub async fn load(pool: &PgPool) -> sqlx::Result<PrivateKey> {
    use rand::RngExt as _;
    let fresh: [u8; 32] = rand::rng().random();
    let seed = super::queries::insert_or_find_host_key(pool, &fresh).await?;
    let seed: [u8; 32] = seed.try_into().map_err(|_| sqlx::Error::Decode("the host key of SSH is not 32 bytes".into()))?;
    Ok(PrivateKey::from(Ed25519Keypair::from_seed(&seed)))
}

/// What clients show of it when they meet the hub for the first time: `SHA256:…`.
pub fn fingerprint(key: &PrivateKey) -> String {
    key.public_key().fingerprint(HashAlg::Sha256).to_string()
}
