//! Mail domains of organisations. An admin adds one, proves it by a file that the domain serves or by a record of its name server, and
//! chooses a role; whoever has a confirmed address there joins with it by themselves. A domain is one organisation's at most.
//!
//! What is asked of the domain goes through [`crate::web::outbound`]: admins choose the address. Its records are asked of the hub's own
//! name server ([`crate::web::name_server`]).

use url::Url;

use super::queries::domains::{self as queries, DomainRow, RemovedDomain};
use super::queries::invitations::{hold_organization, insert_member};
use super::queries::settings::ProfileRow;
use super::requests::{Joining, tell};
use super::{OrgRole, User, audit};
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::repos::changes::undoable_since;
use crate::signing::random_secret;
use crate::web::name_server::{Unsaid, texts_at};
use crate::web::outbound::Unanswered;

/// How many an organisation can have.
pub const MOST: i64 = 20;
/// How many of those that were removed are listed.
const MOST_REMOVED: i64 = 50;
/// How long a domain is not looked at again, in seconds.
const PAUSE_SECS: f64 = 5.0;
/// How much of the file is read: the challenge, and what editors put around it.
const FILE_BYTES: usize = 1024;
/// The rule of the database that an organisation has a domain once.
const KNOWN: &str = "organization_domains_organization_pk_domain_key";
/// Who has an address there is nobody's colleague. Nobody can prove these; it is said at once, and before a mistake is made.
const OF_EVERYBODY: &[&str] = &[
    "126.com",
    "163.com",
    "aol.com",
    "fastmail.com",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "outlook.com",
    "pm.me",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "t-online.de",
    "tuta.com",
    "tutanota.com",
    "web.de",
    "yahoo.com",
    "yandex.com",
    "yandex.ru",
    "zoho.com",
];

/// Adds a domain that is to be proven.
///
/// # Errors
/// 400 for what is no domain, or everybody's, and for the role of admins; 409 for one that is there, here or at another organisation.
pub async fn add(app: &App, organization_pk: i64, typed: &str, role: OrgRole) -> HubResult<()> {
    let domain = read(typed).ok_or_else(|| {
        HubError::bad_request("Give the part of mail addresses after the @, such as `example.org`, in ASCII letters.")
            .at("domain")
    })?;
    if OF_EVERYBODY.contains(&domain.as_str()) {
        let text = format!("{domain} gives addresses to everybody: give a domain whose addresses only your people have.");
        return Err(HubError::bad_request(text).at("domain"));
    }
    check_role(role)?;
    let mut tx = audit::begin(app).await?;
    if queries::lock_and_count(&mut tx, organization_pk).await? >= MOST {
        return Err(too_many().at("domain"));
    }
    if queries::is_of_another(&mut *tx, organization_pk, &domain).await? {
        return Err(taken(&domain).at("domain"));
    }
    match queries::insert_domain(&mut tx, organization_pk, &domain, &random_secret::<24>(), role).await {
        Err(error) if db::violates(&error, KNOWN) => {
            Err(HubError::conflict(format!("{domain} is in the list already: prove it there.")).at("domain"))
        }
        other => {
            other?;
            Ok(tx.commit().await?)
        }
    }
}

fn too_many() -> HubError {
    HubError::conflict(format!("An organization can have {MOST} domains: remove one that is not needed first."))
}

fn check_role(role: OrgRole) -> HubResult<()> {
    if role == OrgRole::Admin {
        return Err(HubError::bad_request("Nobody becomes admin by an address: choose read, contributor or write.").at("role"));
    }
    Ok(())
}

fn taken(domain: &str) -> HubError {
    HubError::conflict(format!("{domain} is proven to be another organization's: its admins have to remove it there first."))
}

/// A domain in lower case, if it is one: names with a dot, and no address of a machine.
fn read(typed: &str) -> Option<String> {
    let domain = typed.trim().trim_start_matches('@').to_ascii_lowercase();
    let is_label = |label: &str| {
        let fits = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && fits && !label.starts_with('-') && !label.ends_with('-')
    };
    let last_has_letters = domain.rsplit('.').next()?.bytes().any(|byte| byte.is_ascii_alphabetic());
    let fits = domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label) && last_has_letters;
    // What looks like a number to browsers is one: `example.0x7f`.
    let is_name = matches!(url::Host::parse(&domain), Ok(url::Host::Domain(host)) if host == domain);
    (fits && is_name).then_some(domain)
}

/// Where the file of a domain is.
pub fn proof_url(app: &App, domain: &str) -> String {
    app.config.domain_proof_url.replace("{domain}", domain)
}

/// The name of the TXT record of a domain that proves it as well.
pub fn proof_record(domain: &str) -> String {
    format!("_hub-challenge.{domain}")
}

/// Looks whether the file or the record of a domain says what it must, and takes it for proven then.
///
/// # Errors
/// 404 for a domain that was removed, 409 with what was found when neither proves it, when it was looked at a moment ago, and for
/// another organisation's.
pub async fn prove(app: &App, row: &DomainRow) -> HubResult<()> {
    if !queries::mark_checked(&app.pool, row.domain_pk, PAUSE_SECS).await? {
        return Err(HubError::conflict("It was looked at a moment ago. Wait some seconds, and press the button again."));
    }
    // No connection to the database is held meanwhile.
    let (file, record) = tokio::join!(look_for_file(app, row), look_for_record(app, row));
    if let (Err(file), Err(record)) = (file?, record) {
        let text = format!("Nothing proves {} yet. Its record: {record} Its file: {file}", row.domain);
        return Err(HubError::conflict(text));
    }
    let mut tx = audit::begin(app).await?;
    match queries::mark_proven(&mut tx, row.domain_pk).await {
        Err(error) if db::violates(&error, "organization_domains_proven_idx") => Err(taken(&row.domain)),
        Ok(false) => Err(gone()),
        other => {
            other?;
            Ok(tx.commit().await?)
        }
    }
}

/// Whether the file of a domain proves it, or why not.
async fn look_for_file(app: &App, row: &DomainRow) -> HubResult<Result<(), String>> {
    let address = proof_url(app, &row.domain);
    let url = Url::parse(&address).map_err(HubError::internal)?;
    Ok(match app.proofs.get_text(url, FILE_BYTES).await {
        Ok(text) if text.trim() == row.challenge => Ok(()),
        Ok(_) => Err(format!("{address} says something else: put the text below there, and nothing besides.")),
        Err(why) => Err(without_file(&address, why)),
    })
}

/// Whether a record of a domain proves it, or why not. There may be others, of other hubs and organisations.
async fn look_for_record(app: &App, row: &DomainRow) -> Result<(), String> {
    let name = proof_record(&row.domain);
    match texts_at(app.config.domain_nameserver, &name).await {
        Ok(texts) if texts.iter().any(|text| text.trim() == row.challenge) => Ok(()),
        Ok(_) => Err(format!("the record of {name} says something else.")),
        Err(Unsaid::NoRecord) => Err(format!("there is no record of {name}. It can take some minutes until a new one is seen.")),
        Err(Unsaid::Failure) => Err(format!("the name server could not tell whether there is a record of {name}.")),
        Err(Unsaid::NoAnswer) => Err("the name server does not answer. Try again.".to_owned()),
    }
}

fn without_file(address: &str, why: Unanswered) -> String {
    match why {
        Unanswered::NotPublic => {
            format!("{address} is at no public address, or the hub asks only others. Its operator can allow it.")
        }
        Unanswered::NoConnection => {
            format!("{address} cannot be reached: the host is not found, does not answer, or its certificate is not valid.")
        }
        Unanswered::Broken => format!("the answer of {address} broke off, or took too long. Try again."),
        Unanswered::Redirect => {
            format!("{address} answers with a redirect, and the hub follows none: serve the file there itself.")
        }
        Unanswered::Status(status) => format!("{address} answers with status {status}: put the file there."),
        Unanswered::TooLong => format!("{address} says too much: put the text below there, and nothing besides."),
    }
}

fn gone() -> HubError {
    HubError::not_found("The organization has no such domain: it may have been removed.")
}

/// Finds a domain of an organisation.
///
/// # Errors
/// 404 when there is none with this key.
pub async fn find(app: &App, organization_pk: i64, domain_pk: i64) -> HubResult<DomainRow> {
    queries::find_domain(&app.pool, organization_pk, domain_pk).await?.ok_or_else(gone)
}

/// Changes the role of who joins by a domain from now on.
///
/// # Errors
/// 400 for the role of admins, 404 for a domain that was removed.
pub async fn set_role(app: &App, organization_pk: i64, domain_pk: i64, role: OrgRole) -> HubResult<()> {
    check_role(role)?;
    let mut tx = audit::begin(app).await?;
    if !queries::update_role(&mut tx, organization_pk, domain_pk, role).await? {
        return Err(gone());
    }
    Ok(tx.commit().await?)
}

/// The domains of an organisation that were removed and can come back.
///
/// # Errors
/// The database does not answer.
pub async fn list_removed(app: &App, organization_pk: i64) -> HubResult<Vec<RemovedDomain>> {
    Ok(queries::list_removed(&app.pool, organization_pk, undoable_since(app), MOST_REMOVED).await?)
}

/// Brings back a domain that was removed, and tells which it is. It is to be proven again, by the same text: meanwhile it may have become
/// somebody else's.
///
/// # Errors
/// 409 when it was added again, the time for that is over, and for too many.
pub async fn restore(app: &App, organization_pk: i64, domain_pk: i64) -> HubResult<String> {
    let mut tx = audit::begin(app).await?;
    if queries::lock_and_count(&mut tx, organization_pk).await? >= MOST {
        return Err(too_many());
    }
    match queries::restore_domain(&mut tx, organization_pk, domain_pk, undoable_since(app)).await {
        Err(error) if db::violates(&error, KNOWN) => Err(HubError::conflict("It was added again already: prove it in the list.")),
        Err(error) => Err(error.into()),
        Ok(None) => Err(HubError::no_longer_restorable()),
        Ok(Some(domain)) => {
            tx.commit().await?;
            Ok(domain)
        }
    }
}

/// Removes a domain. Who joined by it stays a member. For some time, it can come back ([`restore`]).
///
/// # Errors
/// 404 for a domain that was removed.
pub async fn remove(app: &App, organization_pk: i64, domain_pk: i64) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    if !queries::delete_domain(&mut tx, organization_pk, domain_pk).await? {
        return Err(gone());
    }
    Ok(tx.commit().await?)
}

/// Makes somebody a member by the domain of their confirmed address, and has the admins told.
///
/// # Errors
/// 409 for those who have no such address, whom an admin took out, and for members.
pub async fn join(app: &App, user: &User, organization: &ProfileRow) -> HubResult<OrgRole> {
    let pk = organization.namespace_pk;
    let mut tx = audit::begin(app).await?;
    hold_organization(&mut tx, pk).await?;
    let Some(role) = queries::lock_joinable(&mut tx, user.pk, pk).await? else {
        return Err(HubError::conflict(format!(
            "You cannot join {} by yourself: that takes a confirmed address at a domain of it, and that no admin took you out. \
             Ask one of its admins to add you.",
            organization.name
        )));
    };
    let role = OrgRole::parse(&role).unwrap_or(OrgRole::Read);
    if !insert_member(&mut tx, pk, user.pk, role).await? {
        return Err(HubError::conflict(format!("You are a member of {} already.", organization.name)));
    }
    tell(&mut tx, (pk, user.pk), Some(user.pk), Joining::ByDomain).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(role)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn domains_are_names_with_a_dot() {
        for (typed, expected) in [
            ("example.org", Some("example.org")),
            (" @Mail.Example.ORG ", Some("mail.example.org")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("example", None),
            ("localhost", None),
            ("127.0.0.1", None),
            ("0x7f.1", None),
            ("example.0x7f", None),
            ("[::1]", None),
            ("bücher.example", None),
            ("example..org", None),
            ("example.org.", None),
            ("-a.example", None),
            ("a_b.example", None),
            ("example.org/x", None),
            ("example.org:8443", None),
            ("ada@example.org", None),
            ("", None),
        ] {
            assert_eq!(read(typed).as_deref(), expected, "{typed}");
        }
    }
}
