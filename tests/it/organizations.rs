//! Resource groups, what organisations decide about new repositories, and requests to join them.

mod closing;
mod groups;
mod hostile;
mod requests;
mod rules;
mod second_factors;
