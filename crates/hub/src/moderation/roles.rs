//! Who may moderate: those who run the hub, and those whom they made moderators (`accounts::site_roles`).

use crate::accounts::User;
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};

/// The moderator who asks for a page. To all others it is not there.
///
/// # Errors
/// 404 for everybody else, and for tokens.
pub fn moderator(page: &PageRequest) -> HubResult<&User> {
    let user = page.viewer.user.as_ref().filter(|user| user.moderates() && page.require_session().is_ok());
    user.ok_or_else(|| HubError::not_found("There is nothing at this address."))
}
