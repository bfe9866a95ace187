//! Webhooks: addresses that users give, and that are told what happens to repositories.
//!
//! Triggers write what happened to `webhook_changes`, in the transaction of the change, and nothing while no webhook is switched on.
//! [`hear`] makes deliveries of it for the webhooks that watch and whose owners may see it; [`deliver`] sends them, asks once more
//! whether their owners may, tries again with growing waits, and switches off what fails for days. A delivery arrives at least once,
//! always with the same id. What goes out is decided by [`crate::web::outbound`]: users choose the addresses.
//!
//! - [`payload`]: what is sent, as the Hub sends it (version 3).
//! - [`operations`]: making, changing, switching, testing, replaying; [`right`] says who may. [`deleted`] brings back what was deleted.
//! - [`api`] is what clients call, [`pages`] what people open.

mod api;
pub mod deleted;
pub mod deliver;
mod hear;
mod operations;
mod pages;
mod payload;
pub mod queries;
mod right;
mod send;
mod watched;

use std::sync::Arc;

use actix_web::web::ServiceConfig;
use tokio::sync::Notify;

use crate::config::Config;
use crate::web::outbound::{self, AllowedTargets};

pub use queries::deliveries::find_state;

const AGENT: &str = concat!("hub-webhooks/", env!("CARGO_PKG_VERSION"));

/// What this node sends to webhooks with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Webhooks {
    client: reqwest::Client,
    allowed: Arc<AllowedTargets>,
    wake: Arc<Notify>,
}

impl Webhooks {
    /// Makes the client.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn new(config: &Config) -> reqwest::Result<Self> {
        let allowed = config.webhooks_allow.clone();
        Ok(Self { client: outbound::client(&allowed, AGENT)?, allowed: Arc::new(allowed), wake: Arc::default() })
    }

    /// Says that there may be something to send.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

/// Mounts this slice.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(api::routes).configure(pages::routes);
}
