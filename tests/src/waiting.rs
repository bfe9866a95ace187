use std::time::{Duration, Instant};

/// How long a test waits for what happens beside it. Much, since machines that test are busy; only what never happens takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so, at most a minute.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
