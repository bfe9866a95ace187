//! What nobody sends who means well, to every door at once: damaged bodies, odd addresses, and bytes that are hardly HTTP.
//! (What one protocol must refuse is beside the other tests of that protocol.)

mod bodies;
#[path = "../../crates/hub-types/tests/hostile/mod.rs"]
mod damaging;
mod queries;
mod ranges;
mod raw;
mod silence;

use std::fmt::Debug;

use hub_tests::{Client, TestHub};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Handle;

/// Tries a promise on many values; the smallest that breaks it is told, and becomes a case of its own. `PROPTEST_CASES` looks
/// longer.
fn promise<S: Strategy>(cases: u32, strategy: S, holds: impl AsyncFn(S::Value) -> Result<(), TestCaseError>)
where
    S::Value: Debug + Clone,
{
    let chosen = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::with_cases(chosen.unwrap_or(cases))
    };
    let handle = Handle::current();
    let outcome = tokio::task::block_in_place(|| TestRunner::new(config).run(&strategy, |value| handle.block_on(holds(value))));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// A hub with Ada's model, which has a small and a larger file.
async fn start() -> (TestHub, Client) {
    // Refusals of a flood would hide everything else.
    let hub = TestHub::start_with(|config| config.rate_limits.enabled = false).await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let text = "0123456789".repeat(30);
    ada.commit("/api/models/ada/bert", "main", &[Client::file("a.txt", &text), Client::file("d/b.json", "{\"a\": [1, 2]}")], 200)
        .await;
    (hub, ada)
}

/// An answer is no fault of ours, and has words when it is a refusal of the API.
async fn is_calm(answer: Result<reqwest::Response, reqwest::Error>) -> Result<u16, TestCaseError> {
    let answer = answer.map_err(|error| TestCaseError::fail(format!("no answer: {error}")))?;
    let (status, url) = (answer.status().as_u16(), answer.url().clone());
    let body = answer.bytes().await.map_err(|error| TestCaseError::fail(format!("half an answer: {error}")))?;
    prop_assert!(status < 500, "{status} {url}: {}", String::from_utf8_lossy(&body));
    prop_assert!(body.len() < 20 << 20, "{} bytes", body.len());
    Ok(status)
}
