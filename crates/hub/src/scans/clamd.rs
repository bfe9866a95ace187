//! Asks ClamAV's daemon, by its `INSTREAM` command (`man clamd`): chunks with their length in front, an empty one at the end.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::error::{HubError, HubResult};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one write or the answer may take: clamd looks at archives after the last byte.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a file may take in all, however slowly it comes or goes. Less than a job may.
const WHOLE: Duration = Duration::from_secs(300);
/// The longest answer.
const MAX_ANSWER_BYTES: u64 = 4 << 10;

/// Where clamd listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `host:port`.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl Address {
    /// Reads `host:port`, or the path of a socket.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return Some(Self::Unix(PathBuf::from(text)));
        }
        let (host, port) = text.rsplit_once(':')?;
        let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte));
        (is_host && port.parse::<u16>().is_ok_and(|port| port > 0)).then(|| Self::Tcp(text.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What clamd says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It found nothing.
    Clean,
    /// It knows it, by this name.
    Found(String),
    /// It did not look: the file is too large for its settings, or it cannot be read.
    Refused(String),
}

/// Sends a file and gives the verdict.
///
/// # Errors
/// clamd cannot be reached or does not answer, or the file cannot be read.
pub async fn ask<S>(address: &Address, file: S) -> HubResult<Verdict>
where
    S: Stream<Item = HubResult<Bytes>> + Unpin,
{
    match address {
        Address::Tcp(address) => converse(within(CONNECT, TcpStream::connect(address)).await?, file, WHOLE).await,
        Address::Unix(path) => converse(within(CONNECT, UnixStream::connect(path)).await?, file, WHOLE).await,
    }
}

/// Whether somebody answers there.
///
/// # Errors
/// Nobody does.
pub async fn ping(address: &Address) -> HubResult<()> {
    match address {
        Address::Tcp(address) => greet(within(CONNECT, TcpStream::connect(address)).await?).await,
        Address::Unix(path) => greet(within(CONNECT, UnixStream::connect(path)).await?).await,
    }
}

async fn greet(mut connection: impl AsyncRead + AsyncWrite + Unpin) -> HubResult<()> {
    within(CONNECT, connection.write_all(b"zPING\0")).await?;
    let mut answer = Vec::new();
    within(CONNECT, connection.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)).await?;
    if answer.starts_with(b"PONG") { Ok(()) } else { Err(HubError::internal("this is no clamd")) }
}

async fn within<T>(limit: Duration, work: impl Future<Output = std::io::Result<T>>) -> HubResult<T> {
    match timeout(limit, work).await {
        Ok(done) => done.map_err(HubError::internal),
        Err(_) => Err(HubError::internal("clamd does not answer")),
    }
}

async fn converse<C, S>(connection: C, file: S, limit: Duration) -> HubResult<Verdict>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: Stream<Item = HubResult<Bytes>> + Unpin,
{
    let too_slow = |_| HubError::internal("clamd takes too long for a file");
    timeout(limit, send(connection, file)).await.map_err(too_slow)?
}

async fn send<C, S>(connection: C, mut file: S) -> HubResult<Verdict>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: Stream<Item = HubResult<Bytes>> + Unpin,
{
    let (mut answers, mut questions) = tokio::io::split(connection);
    within(PATIENCE, questions.write_all(b"zINSTREAM\0")).await?;
    while let Some(mut piece) = file.try_next().await? {
        while !piece.is_empty() {
            let chunk = piece.split_to(piece.len().min(64 << 10));
            let length = u32::try_from(chunk.len()).unwrap_or(0).to_be_bytes();
            // clamd hangs up when a file is too large for it; what it says then is the answer.
            let sent = within(PATIENCE, async {
                questions.write_all(&length).await?;
                questions.write_all(&chunk).await
            });
            if sent.await.is_err() {
                return verdict(&mut answers).await;
            }
        }
    }
    let _ = within(PATIENCE, questions.write_all(&[0; 4])).await;
    verdict(&mut answers).await
}

async fn verdict(answers: &mut (impl AsyncRead + Unpin)) -> HubResult<Verdict> {
    let mut answer = Vec::new();
    within(PATIENCE, answers.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)).await?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| HubError::internal("clamd hung up without an answer"))
}

fn parse(answer: &str) -> Option<Verdict> {
    let answer = answer.trim_matches(['\0', '\n', ' ']);
    let said = answer.strip_prefix("stream: ").unwrap_or(answer);
    if said.is_empty() {
        return None;
    }
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
    Some(match said.strip_suffix(" FOUND") {
        Some(name) => Verdict::Found(short(name)),
        None if said == "OK" => Verdict::Clean,
        None => Verdict::Refused(short(said)),
    })
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn addresses_are_hosts_with_ports_or_sockets() {
        assert_eq!(Address::parse("clamd:3310"), Some(Address::Tcp("clamd:3310".into())));
        assert_eq!(Address::parse("/run/clamd.sock"), Some(Address::Unix("/run/clamd.sock".into())));
        for wrong in ["clamd", ":3310", "clamd:0", "clamd:x", "", "tcp://clamd:3310"] {
            assert_eq!(Address::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn answers_are_understood() {
        assert_eq!(parse("stream: OK\0"), Some(Verdict::Clean));
        assert_eq!(parse("stream: Eicar-Signature FOUND\0"), Some(Verdict::Found("Eicar-Signature".into())));
        assert!(matches!(parse("INSTREAM size limit exceeded. ERROR\0"), Some(Verdict::Refused(_))));
        assert_eq!(parse(""), None);
    }

    #[tokio::test]
    async fn a_file_that_does_not_come_to_an_end_is_given_up() {
        let (ours, _theirs) = tokio::io::duplex(1024);
        let endless = stream::pending::<HubResult<Bytes>>();
        let verdict = timeout(Duration::from_secs(20), converse(ours, endless, Duration::from_millis(20))).await;
        assert!(verdict.expect("it gives up").is_err());
        assert!(WHOLE + PATIENCE < crate::jobs::Lane::Heavy.patience(), "no file takes longer than the job that looks at it may");
    }

    /// A daemon that hangs up in the middle, as clamd does when a file is too large for it.
    #[tokio::test]
    async fn a_file_that_is_too_large_is_refused_not_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap().to_string());
        let daemon = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut head = [0; 14];
            connection.read_exact(&mut head).await.unwrap();
            assert_eq!(&head[..10], b"zINSTREAM\0");
            connection.write_all(b"INSTREAM size limit exceeded. ERROR\0").await.unwrap();
            connection.shutdown().await.unwrap();
            // What still comes is read, so that the answer is not lost with a reset connection.
            let _ = tokio::io::copy(&mut connection, &mut tokio::io::sink()).await;
        });
        let file = stream::iter((0..20).map(|_| Ok(Bytes::from(vec![0; 100_000]))));
        assert!(matches!(ask(&address, file).await.unwrap(), Verdict::Refused(_)));
        daemon.await.unwrap();
        assert!(ask(&address, stream::empty()).await.is_err());
    }
}
