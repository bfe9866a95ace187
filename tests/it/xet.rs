//! Xet over real HTTP, on a local store and on each service that the environment names (docs/storage.md): a small client of our
//! own that can do what the real ones never would.

pub(crate) mod client;
mod conversion;
mod damage;
mod limits;
mod oracle;
mod permissions;
mod possession;
mod ranges;
mod round_trip;
mod shards;
mod sharing;
mod space;
mod stalls;
mod switches;
mod tokens;
mod xorbs;

use hub_tests::{Client, TestHub};

/// Hubs to run a test on, each with ada, who is no admin, and her repository `ada/bert`.
async fn hubs() -> Vec<(TestHub, Client)> {
    let mut ready = Vec::new();
    for hub in crate::lfs::hubs().await {
        let ada = settle(&hub).await;
        ready.push((hub, ada));
    }
    ready
}

/// The same on the local store alone, for what no store has a part in.
async fn start() -> (TestHub, Client) {
    let hub = TestHub::start().await;
    let ada = settle(&hub).await;
    (hub, ada)
}

async fn settle(hub: &TestHub) -> Client {
    let _admin = hub.user("boss").await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    ada
}
