//! Settings: read once at start, from the environment and one TOML file.

use std::net::SocketAddr;
use std::path::PathBuf;

use hub_storage::StoreConfig;

/// Everything an operator can set.
#[derive(Debug, Clone)]
pub struct Config {
    /// `HUB_DATA_DIR`: caches, and with nothing else configured the database and the store.
    pub data_dir: PathBuf,
    /// `HUB_LISTEN`: the address to serve on.
    pub listen: SocketAddr,
    /// `HUB_PUBLIC_URL`: the address people use, when a proxy hides it.
    pub public_url: Option<String>,
    /// `DATABASE_URL`; without it a private Postgres runs in the data folder.
    pub database_url: Option<String>,
    /// Where bytes are kept.
    pub store: StoreConfig,
    /// The largest file git itself may hold, in bytes; larger ones must be LFS.
    pub inline_limit_bytes: u64,
    /// Whether strangers may sign up.
    pub open_signup: bool,
}

impl Config {
    /// Settings for a hub that keeps everything in one folder.
    pub fn in_folder(data_dir: PathBuf) -> Self {
        let store = StoreConfig::Local { dir: data_dir.join("store") };
        Self {
            data_dir,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            database_url: None,
            store,
            inline_limit_bytes: 10 * 1024 * 1024,
            open_signup: true,
        }
    }
}
