//! Sign-up and login.

use askama::Template;

use crate::web::filters;
use crate::web::form::Field;
use crate::web::layout::Layout;

/// The page that makes an account.
#[derive(Debug, Template)]
#[template(path = "accounts/signup.html")]
pub struct SignupPage {
    /// The frame.
    pub layout: Layout,
    /// What concerns the whole form.
    pub error: Option<String>,
    /// Whether this account will administer the hub.
    pub first_user: bool,
    /// Where to go afterwards.
    pub next: String,
    /// The user name.
    pub username: Field,
    /// The mail address.
    pub email: Field,
    /// The password.
    pub password: Field,
}

/// The page that opens a session.
#[derive(Debug, Template)]
#[template(path = "accounts/login.html")]
pub struct LoginPage {
    /// The frame.
    pub layout: Layout,
    /// What concerns the whole form.
    pub error: Option<String>,
    /// Where to go afterwards.
    pub next: String,
    /// The user name or mail address.
    pub username: Field,
    /// The password.
    pub password: Field,
}
