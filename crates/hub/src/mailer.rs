//! Sends mail: to the SMTP server that the settings name, or without one into a folder, one file a mail. The names of the
//! library stay in this file. Who sends says in a job what is to be sent, so that a server which is away is asked again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::config::Config;

/// How long a server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nobody else tries a server that could not be reached: each would wait as long, and so would the jobs behind them.
const REST: Duration = Duration::from_secs(60);
/// The folder in the data folder.
const OUTBOX: &str = "outbox";
/// Who sends what stays in the folder.
const NOBODY: &str = "Hub <hub@localhost>";

/// Why a mail was not sent. No text of the server, which may name the address.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The setting.
    #[error(
        "mail.smtp_url cannot be used: it must look like smtps://user:password@mail.example.org, and `tls` be `required` or `opportunistic`"
    )]
    Server,
    /// The setting.
    #[error("mail.from must be an address, such as `Hub <hub@example.org>`")]
    Sender,
    /// Whom it is for.
    #[error("the mail address of the account is none that mail can go to")]
    Address,
    /// What it says.
    #[error("the mail cannot be written: {0}")]
    Message(#[from] lettre::error::Error),
    /// The server answered, and not well.
    #[error("the mail server answered {0}")]
    Refused(smtp::response::Code),
    /// The server, or the way to it.
    #[error("the mail server cannot be reached, or hung up")]
    Unreachable,
    /// The folder.
    #[error("the mail cannot be kept: {0}")]
    Outbox(std::io::Error),
}

/// A mail to one person.
#[derive(Debug)]
pub struct Letter {
    /// What tells it from others; the same mail sent again has the same. Letters, digits and dashes.
    pub id: String,
    /// The address.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// The same as a page.
    pub html: String,
    /// Where it is ended with one request (RFC 8058), for mails that come again and again.
    pub unsubscribe: Option<String>,
}

/// Sends mail. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailer")
    }
}

#[derive(Clone)]
enum Way {
    Smtp(Server),
    Outbox(PathBuf),
}

#[derive(Clone)]
struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    /// Since when it cannot be reached.
    away: Arc<Mutex<Option<Instant>>>,
}

impl Server {
    async fn send(&self, message: Message) -> Result<(), MailError> {
        let away = *self.away.lock().unwrap_or_else(PoisonError::into_inner);
        if away.is_some_and(|since| since.elapsed() < REST) {
            return Err(MailError::Unreachable);
        }
        let sent = self.transport.send(message).await;
        let outcome = sent.map(|_| ()).map_err(|error| error.status().map_or(MailError::Unreachable, MailError::Refused));
        let away = matches!(outcome, Err(MailError::Unreachable)).then(Instant::now);
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = away;
        outcome
    }
}

/// Whether mail can go to an address: one that is kept and cannot be written to would be tried for a day.
pub fn is_address(address: &str) -> bool {
    address.parse::<lettre::Address>().is_ok()
}

impl Mailer {
    /// A mailer for these settings. Nothing is sent, and no server asked.
    ///
    /// # Errors
    /// A setting cannot be used.
    pub fn open(config: &Config) -> Result<Self, MailError> {
        let from = config.mail.as_ref().map_or(NOBODY, |mail| &mail.from);
        let from = from.parse().map_err(|_| MailError::Sender)?;
        let way = match &config.mail {
            None => Way::Outbox(config.data_dir.join(OUTBOX)),
            Some(mail) => {
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(mail.smtp_url.expose());
                let transport = builder.map_err(|_| MailError::Server)?.timeout(Some(PATIENCE)).build();
                Way::Smtp(Server { transport, away: Arc::default() })
            }
        };
        Ok(Self { from, way })
    }

    /// Whether mails reach people.
    pub fn reaches_people(&self) -> bool {
        matches!(self.way, Way::Smtp(_))
    }

    /// Connects to the server, proves who the hub is, and hangs up.
    ///
    /// # Errors
    /// The server cannot be reached or does not let the hub in.
    pub async fn greet(&self) -> Result<(), MailError> {
        let Way::Smtp(server) = &self.way else { return Ok(()) };
        match server.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(MailError::Unreachable),
            Err(error) => Err(error.status().map_or(MailError::Unreachable, MailError::Refused)),
        }
    }

    /// Sends a mail, or keeps it.
    ///
    /// # Errors
    /// The server does not take it, the folder cannot be written.
    pub async fn send(&self, letter: Letter) -> Result<(), MailError> {
        let message = self.message(letter)?;
        match &self.way {
            Way::Smtp(server) => {
                server.send(message).await?;
                tracing::info!("sent a mail");
            }
            Way::Outbox(folder) => {
                let file = keep(folder, message).await?;
                tracing::info!(file = %file.display(), "kept a mail: no server is set that would take it");
            }
        }
        Ok(())
    }

    fn message(&self, letter: Letter) -> Result<Message, MailError> {
        let to = letter.to.parse().map(|address| Mailbox::new(None, address)).map_err(|_| MailError::Address)?;
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject)
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned()));
        if let Some(address) = letter.unsubscribe {
            builder = builder
                .raw_header(header("List-Unsubscribe", format!("<{address}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
        Ok(builder.multipart(MultiPart::alternative_plain_html(letter.text, letter.html))?)
    }
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

async fn keep(folder: &Path, message: Message) -> Result<PathBuf, MailError> {
    tokio::fs::create_dir_all(folder).await.map_err(MailError::Outbox)?;
    let sent = AsyncFileTransport::<Tokio1Executor>::new(folder).send(message).await;
    let id = sent.map_err(|error| MailError::Outbox(std::io::Error::other(error)))?;
    Ok(folder.join(format!("{id}.eml")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer() -> Mailer {
        Mailer::open(&Config::in_folder(PathBuf::from("data"))).unwrap()
    }

    fn letter(to: &str, subject: &str) -> Letter {
        Letter {
            id: "test-1".to_owned(),
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: "Grüße\n".to_owned(),
            html: "<p>Grüße</p>".to_owned(),
            unsubscribe: Some(format!("https://hub.example.org/saved-searches/7001/{}/unsubscribe", "x".repeat(43))),
        }
    }

    #[test]
    fn a_mail_says_how_it_is_ended_with_one_request() {
        let message =
            String::from_utf8(mailer().message(letter("ada@example.org", "3 new models")).unwrap().formatted()).unwrap();
        let unfolded = message.replace("\r\n ", " ");
        let address = format!("<https://hub.example.org/saved-searches/7001/{}/unsubscribe>", "x".repeat(43));
        assert!(unfolded.contains(&format!("List-Unsubscribe: {address}\r\n")), "{message}");
        assert!(unfolded.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{message}");
        assert!(unfolded.contains("Message-ID: <test-1@localhost>\r\n") && unfolded.contains("text/html"), "{message}");
    }

    #[test]
    fn nothing_typed_becomes_a_header() {
        let subject = "new\r\nBcc: eve@example.org";
        let message = String::from_utf8(mailer().message(letter("ada@example.org", subject)).unwrap().formatted()).unwrap();
        assert!(!message.contains("\r\nBcc:"), "{message}");
        for to in ["ada", "ada@example.org, eve@example.org", "ada@example.org\r\nBcc: eve@example.org"] {
            assert!(matches!(mailer().message(letter(to, "x")), Err(MailError::Address)), "{to}");
        }
    }
}
