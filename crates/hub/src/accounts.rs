//! Who is asking: users, organisations, sessions and access tokens.
//!
//! [`Viewer`] is the extractor every handler uses. Passwords are argon2id; sessions and tokens are stored
//! as SHA-256 of random values, so that the database opens no door.

pub mod api;
pub mod audit;
mod avatars;
pub mod change_email;
pub mod csrf;
mod devices;
pub mod domains;
pub mod email;
pub mod first_passwords;
pub mod follows;
pub mod groups;
pub mod invitations;
pub mod last_uses;
pub mod leaks;
pub mod letters;
pub(crate) mod mail_links;
pub mod member_undo;
pub mod oidc;
pub mod operations;
pub mod page;
pub mod pages;
pub mod passwords;
pub mod pictures;
pub mod queries;
pub mod rate_limits;
pub mod recovery;
pub mod rename;
pub mod requests;
pub mod rules_undo;
pub(crate) mod scopes;
pub mod second_factors;
pub mod service_accounts;
pub mod sessions;
pub mod settings;
pub mod sign_in;
pub mod sign_ups;
pub mod site_roles;
pub mod sudo;
pub mod throttle;
pub mod tokens;
mod viewer;

pub use viewer::{Auth, GroupMembership, Membership, OrgRole, TokenRole, User, UserPk, Viewer};
