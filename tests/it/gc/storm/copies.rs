//! Copies of repositories while those are changed, deleted, cleared and repacked: what a copy has is there, however its original goes
//! on, until the copy is deleted itself.

use std::sync::atomic::Ordering;

use hub_tests::json;
use reqwest::Method;

use super::REPOS;
use super::readers::{clone, read_whole};
use super::worker::Worker;

/// The name of the copy of a worker.
pub(super) fn name(worker: u64) -> String {
    format!("copy-{worker}")
}

impl Worker {
    /// Copies a repository, reads the copy whole, and deletes it or not. Nobody else changes the copy; somebody may restore one
    /// that was deleted.
    pub(super) async fn copy(&mut self) {
        let [one, two, gone] = REPOS;
        let from = [one, two, gone, "kept"][self.dice.roll(4)];
        let body = json!({ "repository": format!("ada/{}", self.copy) });
        let made = self.ask(Method::POST, &format!("/api/models/ada/{from}/duplicate"), Some(&body)).await;
        if made.is_some() {
            read_whole(&self.client, &self.copy).await;
            // Which reads its packs, also of its other branches, as they are in the store.
            if self.dice.roll(3) == 0 {
                clone(&self.client.url(&format!("/ada/{}", self.copy))).await;
            }
            self.copied.fetch_add(1, Ordering::Relaxed);
        }
        // What is there stays half of the time, and is in the way of the next one: then its original may change first.
        if made.is_none() || self.dice.roll(2) == 0 {
            let body = json!({ "type": "model", "organization": "ada", "name": self.copy });
            self.ask(Method::DELETE, "/api/repos/delete", Some(&body)).await;
        }
    }
}
