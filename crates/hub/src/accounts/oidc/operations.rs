//! Finds, makes and links accounts for those whom the provider knows.

use super::{Identity, config_of};
use crate::accounts::letters::Notice;
use crate::accounts::operations::{NewUser, check_namespace, check_new, insert_account};
use crate::accounts::queries::{self, email, identities, lock_user};
use crate::accounts::settings::check_fullname;
use crate::accounts::{User, audit};
use crate::app::App;
use crate::config::OidcConfig;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
use crate::jobs::Job;

/// How many names are tried for somebody whose own is taken.
const TRIES: usize = 9;

/// Refuses people from elsewhere.
///
/// # Errors
/// 403 unless the provider has confirmed a mail address in one of the domains that are let in.
pub fn check_domain(config: &OidcConfig, identity: &Identity) -> HubResult<()> {
    if config.allowed_domains.is_empty() {
        return Ok(());
    }
    let domain = identity.verified_email().and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain.to_lowercase());
    if domain.is_some_and(|domain| config.allowed_domains.contains(&domain)) {
        return Ok(());
    }
    Err(HubError::forbidden(format!(
        "This hub lets in people of {} by {}, and only with an address that it has confirmed. Sign in there with such an account.",
        config.allowed_domains.join(", "),
        config.name
    )))
}

/// Finds whose account an identity opens.
///
/// # Errors
/// The database does not answer.
pub async fn find_user(app: &App, identity: &Identity) -> HubResult<Option<User>> {
    let found = identities::use_identity(&app.pool, &identity.issuer, &identity.subject, identity.label()).await?;
    let Some(user_pk) = found else { return Ok(None) };
    Ok(queries::find_user(&app.pool, user_pk).await?)
}

/// Finds the account that has the mail address of an identity. That opens nothing: its password is asked for.
///
/// # Errors
/// The database does not answer.
pub async fn find_same_email(app: &App, identity: &Identity) -> HubResult<Option<User>> {
    let Some(address) = identity.verified_email() else { return Ok(None) };
    let Some(user_pk) = email::find_user_pk(&app.pool, address).await? else { return Ok(None) };
    Ok(queries::find_user(&app.pool, user_pk).await?)
}

/// 403: only those come by the provider who have an account.
pub fn signup_is_closed(config: &OidcConfig) -> HubError {
    HubError::forbidden(format!(
        "No account here is linked to yours at {}, and sign-up is closed on this hub. If you have an account, log in to it first and link \
         it at /settings/sign-in; else ask the operator for one.",
        config.name
    ))
}

/// Whether people make accounts by the provider: the settings say so, and nobody has switched off new accounts.
pub fn takes_newcomers(app: &App, config: &OidcConfig) -> bool {
    config.signup && app.flags.turned(Flag::SignUp) != Some(false)
}

/// Makes an account without a password. An address that the provider has confirmed needs no mail.
///
/// # Errors
/// 400 for a bad name or address; 409 when the name, the address or the identity has an account; 403 where nobody may.
pub async fn join(app: &App, identity: &Identity, name: &str, address: &str) -> HubResult<User> {
    let config = config_of(app)?;
    if !takes_newcomers(app, config) {
        return Err(signup_is_closed(config));
    }
    let fullname = Some(identity.fullname.trim()).filter(|name| check_fullname(name).is_ok()).unwrap_or_default();
    let email = identity.verified_email().unwrap_or(address).to_owned();
    let new = NewUser { name: name.to_owned(), email, password: String::new(), fullname: fullname.to_owned(), is_admin: false };
    check_new(&new)?;
    let mut tx = audit::begin(app).await?;
    let user_pk = insert_account(app, &mut tx, &new, "").await?;
    insert_link(&mut tx, user_pk, identity).await?;
    if identity.verified_email().is_some() {
        email::mark_confirmed(&mut tx, user_pk, new.email.trim()).await?;
    }
    tx.commit().await?;
    queries::find_user(&app.pool, user_pk).await?.ok_or_else(|| HubError::internal("the new account is gone"))
}

/// Links an identity to the account of somebody who has proved that it is theirs.
///
/// # Errors
/// 409 when it is linked already.
pub async fn link(app: &App, user: &User, identity: &Identity) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    lock_user(&mut tx, user.pk).await?;
    if identities::count_identities(&mut tx, user.pk, &identity.issuer).await? >= 10 {
        return Err(HubError::conflict("Your account has ten such links already. Unlink one of them first."));
    }
    insert_link(&mut tx, user.pk, identity).await?;
    let told = format!("{} at {} opens your account from now on.", identity.label(), config_of(app)?.name);
    Job::tell(user.pk, Notice::SecondFactors { told }).enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

async fn insert_link(conn: &mut sqlx::PgConnection, user_pk: i64, identity: &Identity) -> HubResult<()> {
    let Identity { issuer, subject, .. } = identity;
    match identities::insert_identity(conn, user_pk, issuer, subject, identity.label()).await {
        Err(error) if db::violates(&error, "user_identities_subject_idx") => Err(belongs_to_another(identity)),
        other => Ok(other?),
    }
}

/// 409: somebody signs in with it already.
pub fn belongs_to_another(identity: &Identity) -> HubError {
    let text = format!("{} is linked to an account already. Log out and sign in with it, or unlink it there.", identity.label());
    HubError::conflict(text)
}

/// Unlinks an identity, unless nobody could get into the account without it.
///
/// # Errors
/// 404 when the user has none of this key, 409 when it is the last way in.
pub async fn unlink(app: &App, user: &User, identity_pk: i64) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    lock_user(&mut tx, user.pk).await?;
    let label = identities::delete_identity(&mut tx, user.pk, identity_pk).await?;
    let label = label.ok_or_else(|| HubError::not_found("Your account has no such link: it may be unlinked already."))?;
    let provider = app.config.oidc.as_ref();
    let opens_by_password =
        !provider.is_some_and(|provider| provider.only) && identities::has_password(&mut *tx, user.pk).await?;
    let others = match provider {
        Some(provider) => identities::count_identities(&mut tx, user.pk, &provider.issuer).await?,
        None => 0,
    };
    if !opens_by_password && others == 0 {
        return Err(HubError::conflict("This is the only way into your account. Set a password first, or link another account."));
    }
    let told = format!("{label} does not open your account any more.");
    Job::tell(user.pk, Notice::SecondFactors { told }).enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// A free name like the one that somebody has at the provider; empty when there is none.
///
/// # Errors
/// The database does not answer.
pub async fn propose_name(app: &App, identity: &Identity) -> HubResult<String> {
    let of_mail = identity.email.as_deref().and_then(|email| email.split('@').next());
    let Some(called) = identity.username.as_deref().or(of_mail) else { return Ok(String::new()) };
    let name = clean_name(called);
    let numbered = (2..=TRIES).map(|number| format!("{name}-{number}"));
    let names: Vec<String> = std::iter::once(name.clone()).chain(numbered).filter(|name| check_namespace(name).is_ok()).collect();
    let keys: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let taken = identities::list_taken(&app.pool, &keys).await?;
    Ok(names.into_iter().find(|name| !taken.contains(&name.to_lowercase())).unwrap_or_default())
}

/// Leaves of a name what a user name may have: `Ada Lovelace@acme` becomes `Ada-Lovelace`.
fn clean_name(called: &str) -> String {
    let called = called.split('@').next().unwrap_or_default();
    let mut name = String::new();
    for c in called.chars().take(60) {
        let c = if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        if c != '-' || !name.ends_with('-') {
            name.push(c);
        }
    }
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::clean_name;

    #[test]
    fn names_are_made_fit() {
        for (called, name) in [
            ("ada", "ada"),
            ("Ada Lovelace@acme.org", "Ada-Lovelace"),
            ("a..b--c", "a-b-c"),
            ("-ada.", "ada"),
            ("ünï", "n"),
            ("", ""),
        ] {
            assert_eq!(clean_name(called), name);
        }
    }
}
