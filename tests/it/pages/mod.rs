//! The web pages, as a browser without JavaScript sees them.

mod accounts;
pub(crate) mod browser;
mod buckets;
mod card_editor;
mod design;
mod files;
mod finding;
mod forms;
mod hostile;
mod inferred;
mod many_files;
mod organizations;
mod previews;
mod profiles;
mod relations;
mod repos;
mod rows;
mod upload;
mod usage;

use browser::Browser;
