//! How the hub reaches people, and they it: git by SSH, TLS, mail.

use std::net::SocketAddr;

use hub_storage::Secret;

use super::reader::Reader;
use crate::web::outbound::AllowedTargets;

/// Where git by SSH is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshConfig {
    /// The address to serve on.
    pub address: SocketAddr,
    /// The host that people use; without it, that of the hub's pages.
    pub public_host: Option<String>,
    /// The port that people use; without it, that of the address.
    pub public_port: Option<u16>,
}

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// The server, with the name and the password it asks for.
    pub smtp_url: Secret,
    /// Who sends it: an address, possibly behind a name.
    pub from: String,
}

/// What may be asked where a user says.
pub(super) fn read_targets(read: &mut Reader<'_>) -> AllowedTargets {
    let allowed = read.targets("webhooks.allow");
    if read.switch("webhooks.only_allowed") { allowed.and_nothing_else() } else { allowed }
}

/// Clients are told of the hub's own address, which no request by SSH names.
pub(super) fn read_ssh(read: &mut Reader<'_>) -> Option<SshConfig> {
    let address = read.optional_address("ssh.address")?;
    if read.url("public_url").is_none() {
        let because =
            "is set, and `HUB_PUBLIC_URL` is not: Git LFS over SSH will be led to the address that this process listens on.";
        read.problems.doubtful_value(read.values, "ssh.address", because);
    }
    let port = u16::try_from(read.number("ssh.public_port")).ok().filter(|port| *port > 0);
    Some(SshConfig { address, public_host: read.text("ssh.public_host"), public_port: port })
}

/// Browsers are told of TLS only where the hub knows that people come by it.
pub(super) fn read_hsts(read: &mut Reader<'_>) -> Option<String> {
    let days = read.number("hsts.days");
    let scope = if read.switch("hsts.subdomains") { "; includeSubDomains" } else { "" };
    let is_https = read.url("public_url").is_some_and(|url| url.starts_with("https://"));
    (is_https && days > 0).then(|| format!("max-age={}{scope}", days * 86400))
}

/// Mail needs a server and a sender. What it says leads to the hub's own address, which no request names then.
pub(super) fn read_mail(read: &mut Reader<'_>) -> Option<MailConfig> {
    match (read.url("mail.smtp_url"), read.text("mail.from")) {
        (Some(smtp_url), Some(from)) => {
            if read.url("public_url").is_none() {
                let because = "is set, and `HUB_PUBLIC_URL` is not: links in mails will lead to the address that this process \
                               listens on.";
                read.problems.doubtful_value(read.values, "mail.from", because);
            }
            Some(MailConfig { smtp_url: Secret::new(smtp_url), from })
        }
        _ => {
            let needed = ["mail.smtp_url", "mail.from"];
            read.problems.half_configured(read.values, "Mail", &needed, &[], "none to keep mails in the data folder");
            None
        }
    }
}
