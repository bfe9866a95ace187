//! What people do with their account as a whole: take a copy of all that is kept of them, or leave (docs/accounts.md); and how an
//! organisation ends (docs/organizations.md).
//!
//! It knows the tables of all slices that keep something of a person, which is why its statements are here and not there.

pub mod closing;
pub mod exports;
mod organization_pages;
pub mod organizations;
mod pages;
mod queries;
mod suspended;

pub use pages::routes;

use crate::app::App;
use crate::error::HubResult;

/// Removes what is over: the body of [`crate::jobs::Job::SweepPersonalData`].
///
/// # Errors
/// The database or the store does not answer.
pub async fn sweep(app: &App) -> HubResult<()> {
    closing::remove_due(app).await?;
    organizations::remove_due(app).await?;
    exports::sweep(app).await
}
