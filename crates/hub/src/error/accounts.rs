//! What is said of accounts, and of how people prove that one is theirs.

use chrono::{DateTime, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ErrorKind, HubError, wire};

impl HubError {
    /// 401: this needs an account.
    pub fn login_required() -> Self {
        Self::new(ErrorKind::Unauthenticated, "Log in to do this: send an access token, or sign in with your browser.")
    }

    /// 401: the token or password is not known.
    pub fn invalid_credentials() -> Self {
        Self::new(ErrorKind::InvalidCredentials, wire::INVALID_CREDENTIALS)
    }

    /// 403: the hub wants to know first whose address it is.
    pub fn unconfirmed_email() -> Self {
        Self::forbidden("Confirm your email address first: log in with your browser, and open the link in the mail you get.")
    }

    /// 403: the password was made up, and opens nothing but the page where it is changed.
    pub fn first_password() -> Self {
        Self::forbidden("This password was made for you: log in with it at /login in your browser, and choose one of your own.")
    }

    /// 403: the password was made up, and nobody changed it in time.
    pub fn first_password_over(days: i32) -> Self {
        let text = format!(
            "This password was made for you, and worked for {days} days. Go to /forgot-password to be sent a link to a new one."
        );
        Self::forbidden(text).leading_to("/forgot-password".to_owned())
    }

    /// 403: a password alone does not do for this account.
    pub fn token_required() -> Self {
        Self::forbidden("This account has a second factor: send an access token in the place of the password.")
    }

    /// 403: it is too long ago that somebody proved whose browser this is. `back` is where they come back to.
    pub fn proof_required(back: &str) -> Self {
        let page = format!("{}{}", Self::PROOF, utf8_percent_encode(back, NON_ALPHANUMERIC));
        Self::forbidden(format!("Say once more that it is you, at {page} in your browser.")).leading_to(page)
    }

    /// Where people prove once more who they are.
    pub const PROOF: &'static str = "/sudo?next=";

    /// Where people add second factors.
    pub const SECOND_FACTORS: &'static str = "/settings/authentication";

    /// 403: moderators suspended the account; the reason and the page to appeal are told to who has shown the password.
    pub fn suspended(why: Option<(&str, String)>) -> Self {
        match why {
            Some((reason, page)) => Self::forbidden(format!(
                "Moderators of this hub suspended this account. The reason: {reason} You can appeal once, with the button below."
            ))
            .leading_to(page),
            None => Self::forbidden("This account is suspended. Log in with a browser to read why, and to appeal."),
        }
    }

    /// 403: an organisation's account for programs was switched off.
    pub fn service_account_disabled() -> Self {
        Self::forbidden(
            "This service account is switched off: an admin of its organization can enable it, unless moderators suspended it.",
        )
    }

    /// 403: what people do, and no programs.
    pub fn for_people_only() -> Self {
        Self::forbidden("A service account does not do this, it is for people: use the token of a person.")
    }

    /// 403: the account is being deleted; told to who has shown the password.
    pub fn account_leaves(at: DateTime<Utc>) -> Self {
        Self::forbidden(format!(
            "This account is being deleted, and removed for good on {}. To keep it, open the link in the mail that was sent to you then; \
             without that mail, ask the operator of this hub.",
            at.format("%-d %B %Y")
        ))
    }

    /// 403: moderators suspended the organisation, of which the viewer is a member.
    pub fn organization_suspended(organization: &str) -> Self {
        Self::forbidden(format!(
            "Moderators of this hub suspended {organization}: nothing is made or changed in it until they take that back. Its admins can \
             appeal at `/settings/reports`."
        ))
    }

    /// 403: moderators limited the organisation, and its repositories would be in lists again elsewhere.
    pub fn organization_limited(organization: &str) -> Self {
        Self::forbidden(format!(
            "Moderators of this hub limited {organization}: its repositories stay in it until they take that back. Its admins can appeal \
             at `/settings/reports`."
        ))
    }

    /// 403: the viewer is a member of an organisation that asks for a second factor, and has none.
    pub fn second_factor_required(organization: &str) -> Self {
        Self::forbidden(format!(
            "{organization} asks its members for a second factor, and your account has none: open {} in a browser and add one. Until \
             then you see of {organization} what strangers see.",
            Self::SECOND_FACTORS
        ))
        .leading_to(Self::SECOND_FACTORS.to_owned())
    }
}
