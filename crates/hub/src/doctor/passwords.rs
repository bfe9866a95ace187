//! The file of breached passwords: that it can be asked, where one is set.

use super::Finding;
use crate::accounts::passwords::examine_breached;
use crate::config::Config;

const CHECK: &str = "passwords";

/// Looks at some of its lines.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let Some(file) = config.breached_passwords.clone() else { return Vec::new() };
    let named = file.display().to_string();
    let looked = tokio::task::spawn_blocking(move || examine_breached(&file)).await;
    let finding = match looked.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(()) => Finding::pass(CHECK, format!("passwords are looked up in `{named}`")),
        Err(why) => Finding::fail(
            CHECK,
            why,
            "Name in HUB_PASSWORDS_BREACHED_FILE one file of SHA-1 hashes of Have I Been Pwned, sorted by hash, which the hub's user may \
             read (docs/accounts.md). Without it a hub does not start.",
        ),
    };
    vec![finding]
}
