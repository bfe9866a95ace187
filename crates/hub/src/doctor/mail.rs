//! Mail: that there is a server and that it lets the hub in.

use super::Finding;
use crate::config::Config;
use crate::mailer::Mailer;

const CHECK: &str = "mail";

/// Says hello to the mail server, and sends nothing.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let mailer = match Mailer::open(config) {
        Ok(mailer) => mailer,
        Err(error) => {
            return vec![Finding::fail(CHECK, error.to_string(), "Set mail.smtp_url and mail.from as docs/settings.md says.")];
        }
    };
    let finding = match (mailer.reaches_people(), mailer.greet().await) {
        (false, _) => Finding::warn(
            CHECK,
            "no server is set: mails stay as files in the folder `outbox` of the data folder",
            "Set mail.smtp_url and mail.from, if people shall get mails.",
        ),
        (true, Ok(())) => Finding::pass(CHECK, "the server lets the hub in"),
        (true, Err(error)) => Finding::fail(
            CHECK,
            error.to_string(),
            "Check the host, the port, the name and the password in mail.smtp_url, and that this machine may connect.",
        ),
    };
    vec![finding]
}
