//! Resource groups, what organisations decide about new repositories, requests to join them, service accounts and mail domains.

mod closing;
mod domains;
mod groups;
mod hostile;
mod requests;
mod rules;
mod second_factors;
mod service_accounts;
