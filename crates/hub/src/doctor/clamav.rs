//! ClamAV: that its daemon answers, where one is set.

use super::Finding;
use crate::config::Config;
use crate::scans::clamd::ping;

const CHECK: &str = "clamav";

/// Says hello to the daemon.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let Some(address) = &config.scan.clamd else { return Vec::new() };
    let finding = match ping(address).await {
        Ok(()) => Finding::pass(CHECK, format!("clamd at {address} answers")),
        Err(_) => Finding::fail(
            CHECK,
            format!("clamd at {address} does not answer: pushed files are not looked at for malware"),
            "Start clamav-daemon, check HUB_CLAMD, and for a socket that the hub's user may open it.",
        ),
    };
    vec![finding]
}
