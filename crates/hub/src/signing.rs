//! HMAC-SHA-256 over what leaves the hub and must come back unchanged: URLs, CSRF tokens, cursors.
//!
//! There may be several keys. The newest signs, as soon as every node knows it, and those from before go on verifying until they are
//! forgotten: a link in a mail has no end of its own.

use std::iter::once;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngExt as _;
use sha2::Sha256;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::{clock, db};

/// On which channel of the database nodes hear of another key.
pub(crate) const CHANNEL: &str = "signing";
/// How often nodes look for another key, whatever they heard.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a new key only verifies, while nodes hear of it.
const STARTS_AFTER: TimeDelta = TimeDelta::minutes(2);
/// As many keys may there be: each signature may be compared with all.
pub const MAX_KEYS: i64 = 20;

/// Signs and checks texts. All nodes share the keys, of which the first is made on first start; they are kept in the database.
#[derive(Clone)]
pub struct Signer {
    keys: Arc<RwLock<Arc<Keys>>>,
}

/// All keys, of which there is at least one.
struct Keys {
    newest: Key,
    /// Newer ones first.
    former: Vec<Key>,
}

struct Key {
    bytes: [u8; 32],
    made_at: DateTime<Utc>,
}

/// What came of making a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// How many keys were forgotten.
    pub forgotten: u64,
    /// How many there are now, with the new one.
    pub left: i64,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// Reads the keys from the database, or makes the first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn load(pool: &PgPool) -> sqlx::Result<Self> {
        let fresh: [u8; 32] = rand::rng().random();
        sqlx::query!(
            "insert into hub_secrets (name, value)
             select 'signing', $1::bytea where not exists (select from hub_secrets where name like 'signing%')
             on conflict (name) do nothing",
            fresh.as_slice()
        )
        .execute(pool)
        .await?;
        Ok(Self { keys: Arc::new(RwLock::new(Arc::new(read(pool).await?))) })
    }

    /// Reads the keys anew.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn reload(&self, pool: &PgPool) -> sqlx::Result<()> {
        let keys = Arc::new(read(pool).await?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Signs a text for one purpose; a signature for one purpose is worth nothing for another.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        let keys = self.keys();
        URL_SAFE_NO_PAD.encode(keys.signing(clock::now()).mac(purpose, text).finalize().into_bytes())
    }

    /// Whether a signature is ours, by one of the keys; in constant time for each.
    pub fn verify(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        self.keys().all().any(|key| key.mac(purpose, text).verify_slice(&bytes).is_ok())
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Keys {
    /// Newer ones first.
    fn all(&self) -> impl Iterator<Item = &Key> {
        once(&self.newest).chain(&self.former)
    }

    /// The newest that every node knows by now, else the oldest.
    fn signing(&self, now: DateTime<Utc>) -> &Key {
        let oldest = self.former.last().unwrap_or(&self.newest);
        self.all().find(|key| key.made_at + STARTS_AFTER <= now).unwrap_or(oldest)
    }
}

impl Key {
    fn mac(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.bytes).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
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

async fn read(pool: &PgPool) -> sqlx::Result<Keys> {
    let rows = sqlx::query!(
        "select value, created_at from hub_secrets where name like 'signing%' order by created_at desc, name desc limit $1",
        MAX_KEYS
    )
    .fetch_all(pool)
    .await?;
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let bytes = row.value.try_into().map_err(|_| sqlx::Error::Decode("a signing key is not 32 bytes".into()))?;
        keys.push(Key { bytes, made_at: row.created_at });
    }
    let mut keys = keys.into_iter();
    let newest = keys.next().ok_or(sqlx::Error::RowNotFound)?;
    Ok(Keys { newest, former: keys.collect() })
}

/// Makes a new key, which signs as soon as every node knows it, and forgets those that stopped signing at least so many days ago. With 0
/// there is no other, and the new one signs at once. None when there would be too many keys.
///
/// # Errors
/// The database does not answer.
pub async fn rotate(pool: &PgPool, forget_days: Option<i32>) -> sqlx::Result<Option<Rotated>> {
    let fresh: [u8; 32] = rand::rng().random();
    let mut tx = db::begin(pool).await?;
    sqlx::query!(
        "insert into hub_secrets (name, value)
         values ('signing-' || to_char(clock_timestamp() at time zone 'utc', 'YYYYMMDDHH24MISSUS'), $1)",
        fresh.as_slice()
    )
    .execute(&mut *tx)
    .await?;
    let gone = sqlx::query!(
        "delete from hub_secrets former where name like 'signing%' and exists (
             select from hub_secrets later where later.name like 'signing%' and later.created_at > former.created_at
             and later.created_at <= now() - make_interval(days => $1))",
        forget_days
    );
    let forgotten = gone.execute(&mut *tx).await?.rows_affected();
    let left = sqlx::query_scalar!(r#"select count(*) as "count!" from hub_secrets where name like 'signing%'"#);
    let left = left.fetch_one(&mut *tx).await?;
    if left > MAX_KEYS {
        tx.rollback().await?;
        return Ok(None);
    }
    sqlx::query!("select pg_notify($1, '')", CHANNEL).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Some(Rotated { forgotten, left }))
}

/// Reads the keys now and then, in case this node did not hear of another one, until told to stop.
pub(crate) async fn keep_reading(app: App, stop: CancellationToken) {
    let reading = async {
        loop {
            tokio::time::sleep(PAUSE).await;
            if let Err(error) = app.signer.reload(&app.pool).await {
                tracing::debug!(%error, "the keys that sign could not be read");
            }
        }
    };
    stop.run_until_cancelled(reading).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8, made_at: DateTime<Utc>) -> Key {
        Key { bytes: [number; 32], made_at }
    }

    #[test]
    fn a_key_signs_when_every_node_knows_it() {
        let now = clock::now();
        let hour = now - TimeDelta::hours(1);
        let signs = |newest: Key, former: Vec<Key>| Keys { newest, former }.signing(now).bytes[0];
        assert_eq!(signs(key(1, now), Vec::new()), 1, "there is no other");
        assert_eq!(signs(key(2, now), vec![key(1, hour)]), 1);
        assert_eq!(signs(key(2, now - STARTS_AFTER), vec![key(1, hour)]), 2);
        assert_eq!(signs(key(3, now), vec![key(2, now), key(1, now)]), 1, "of three that are new the first");
        assert_eq!(signs(key(3, now), vec![key(2, hour), key(1, hour)]), 2);
    }

    #[test]
    fn each_key_verifies_what_it_signed_and_nothing_else() {
        let signer = |keys: Keys| Signer { keys: Arc::new(RwLock::new(Arc::new(keys))) };
        let hour = clock::now() - TimeDelta::hours(1);
        let old = signer(Keys { newest: key(1, hour), former: Vec::new() });
        let both = signer(Keys { newest: key(2, hour), former: vec![key(1, hour)] });
        let signature = old.sign("purpose", "text");
        assert!(old.verify("purpose", "text", &signature) && both.verify("purpose", "text", &signature));
        assert!(!both.verify("other", "text", &signature) && !both.verify("purpose", "texts", &signature));
        assert!(!both.verify("purpose", "text", "") && !both.verify("purpose", "text", "?"));
        assert_ne!(both.sign("purpose", "text"), signature);
        assert!(!old.verify("purpose", "text", &both.sign("purpose", "text")));
    }
}
