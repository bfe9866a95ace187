//! The web pages, as a browser without JavaScript sees them.

mod accounts;
mod browser;
mod buckets;
mod forms;
mod hostile;
mod organizations;
mod repos;

use browser::Browser;
