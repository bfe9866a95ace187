//! What a Space has that it could be run by.

use super::Input;
use crate::card::known;

/// From how many paths on some of the files may not be among them.
const MANY_PATHS: usize = 1_000;

/// What the Hub calls the state of a Space that is not running.
pub(super) fn stage(input: Input<'_>) -> &'static str {
    let Some(sdk) = input.card.sdk.as_deref().filter(|sdk| known::SDKS.contains(sdk)) else { return "CONFIG_ERROR" };
    let app_file = match (sdk, input.card.app_file.as_deref()) {
        ("docker", _) => "Dockerfile",
        (_, Some(file)) => file.trim_start_matches("./"),
        ("static", None) => "index.html",
        (_, None) => "app.py",
    };
    let is_out_of_sight = app_file.contains('/') && input.paths.len() >= MANY_PATHS;
    if is_out_of_sight || input.paths.iter().any(|path| path == app_file) { "STOPPED" } else { "NO_APP_FILE" }
}
