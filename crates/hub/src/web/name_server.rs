//! Questions to a name server: the texts that a domain says of itself. Connecting to hosts by name is the work of
//! [`super::outbound`].

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

/// How long the name server may take in all, and how long until it is asked once more.
const PATIENCE: Duration = Duration::from_secs(10);
const ONE_TRY: Duration = Duration::from_secs(3);

/// Why there is no text to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsaid {
    /// There is no such record.
    NoRecord,
    /// The name server answers that it cannot tell, or nothing that can be read.
    Failure,
    /// There is no name server, or it says nothing.
    NoAnswer,
}

/// What the TXT records at a name say, each in one piece: a name server keeps long texts in several. Asks the given name server, or
/// else the system's. Nothing is kept from one question to the next, so that who just wrote a record need not wait.
///
/// # Errors
/// [`Unsaid`] says why there is none.
pub async fn texts_at(server: Option<SocketAddr>, name: &str) -> Result<Vec<String>, Unsaid> {
    // A name that is too long is nobody's.
    let mut name = Name::from_ascii(name).map_err(|_| Unsaid::NoRecord)?;
    // Or else the domains in which the system looks for its own hosts would be tried, too.
    name.set_fqdn(true);
    let ask = async {
        // It reads files of the system.
        let resolver = match tokio::task::spawn_blocking(move || resolver(server)).await {
            Ok(Ok(resolver)) => resolver,
            Ok(Err(error)) => {
                tracing::warn!(%error, "no name server is known");
                return Err(Unsaid::NoAnswer);
            }
            Err(_) => return Err(Unsaid::NoAnswer),
        };
        let found = resolver.lookup(name, RecordType::TXT).await.map_err(|error| unsaid(&error))?;
        let texts = found.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(text) => {
                let bytes: Vec<u8> = text.txt_data.iter().flat_map(|part| part.iter().copied()).collect();
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            _ => None,
        });
        let texts: Vec<String> = texts.collect();
        if texts.is_empty() { Err(Unsaid::NoRecord) } else { Ok(texts) }
    };
    tokio::time::timeout(PATIENCE, Box::pin(ask)).await.unwrap_or(Err(Unsaid::NoAnswer))
}

fn resolver(server: Option<SocketAddr>) -> Result<TokioResolver, NetError> {
    let mut builder = match server {
        None => TokioResolver::builder_tokio()?,
        Some(address) => {
            let mut server = NameServerConfig::udp_and_tcp(address.ip());
            for connection in &mut server.connections {
                connection.port = address.port();
            }
            TokioResolver::builder_with_config(ResolverConfig::from_name_servers(vec![server]), TokioRuntimeProvider::default())
        }
    };
    let options = builder.options_mut();
    options.timeout = ONE_TRY;
    options.attempts = 1;
    options.use_hosts_file = ResolveHosts::Never;
    builder.build()
}

fn unsaid(error: &NetError) -> Unsaid {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(_)) => Unsaid::NoRecord,
        NetError::Dns(_) | NetError::Proto(_) => Unsaid::Failure,
        _ => Unsaid::NoAnswer,
    }
}
