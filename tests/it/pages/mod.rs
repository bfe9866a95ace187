//! The web pages, as a browser without JavaScript sees them.

mod accounts;
pub(crate) mod browser;
mod buckets;
mod forms;
mod hostile;
mod organizations;
mod repos;
mod upload;

use browser::Browser;
