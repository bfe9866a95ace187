//! Requests to addresses that users give. The hub must not be made to ask what only it can reach: itself, its database, its
//! neighbours, the services of its cloud.
//!
//! The name is resolved here, and the connection goes to an address that was looked at: a name that resolves to something else a
//! moment later gains nothing. Redirects are not followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use url::{Host, Url};

/// How long a whole answer may take that [`Asker`] reads.
const PATIENCE: Duration = Duration::from_secs(10);

/// What may be asked although it is not public, or nothing but that: networks, and hosts by name, whatever they resolve to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedTargets {
    networks: Vec<IpNet>,
    hosts: Vec<String>,
    /// Whether nothing else may be asked, public or not.
    only: bool,
}

/// An address that the hub does not ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address is not public")]
pub struct NotPublic;

impl AllowedTargets {
    /// Reads networks, addresses and names of hosts, such as `10.1.0.0/16, ci.example.org`, separated by commas or spaces.
    pub fn parse(text: &str) -> Option<Self> {
        let mut allowed = Self::default();
        for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
            let network = word.parse::<IpNet>().or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
            match network {
                Ok(network) => allowed.networks.push(network),
                Err(_) if is_host(word) => allowed.hosts.push(word.to_ascii_lowercase()),
                Err(_) => return None,
            }
        }
        Some(allowed)
    }

    /// The same, and nothing that is public besides.
    #[must_use]
    pub fn and_nothing_else(self) -> Self {
        Self { only: true, ..self }
    }

    /// Whether an address may be asked.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        (!self.only && is_public(address)) || self.networks.iter().any(|network| network.contains(&address))
    }

    fn allows_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|allowed| allowed == host)
    }

    /// Refuses a URL whose host is an address that may not be asked. Names are looked at when they are resolved.
    ///
    /// # Errors
    /// [`NotPublic`].
    pub fn check(&self, url: &Url) -> Result<(), NotPublic> {
        let allowed = match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            // It may resolve to what is in a network.
            Some(Host::Domain(host)) => !self.only || !self.networks.is_empty() || self.allows_host(&host.to_ascii_lowercase()),
            None => false,
        };
        if allowed { Ok(()) } else { Err(NotPublic) }
    }
}

/// A name with a letter in it: what has none was meant as an address.
fn is_host(word: &str) -> bool {
    let fits = word.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    fits && word.chars().any(|c| c.is_ascii_alphabetic())
}

/// A client that asks nothing else. It knows no proxy of the environment: such a proxy would resolve names itself. URLs are to be
/// checked with [`AllowedTargets::check`] first, because addresses are not resolved.
///
/// # Errors
/// There is no TLS.
pub fn client(allowed: &AllowedTargets, agent: &str) -> reqwest::Result<Client> {
    Client::builder()
        .dns_resolver(Resolver(allowed.clone()))
        .redirect(Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .user_agent(agent)
        .build()
}

/// Why there is nothing to read. What lies behind a name is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// The address is not one that may be asked.
    NotPublic,
    /// There was no connection.
    NoConnection,
    /// It broke off, or took too long.
    Broken,
    /// It leads elsewhere.
    Redirect,
    /// Another status than 200.
    Status(u16),
    /// There is more than was to be read.
    TooLong,
}

/// Reads small texts at addresses that users give. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Asker {
    client: Client,
    allowed: AllowedTargets,
}

impl Asker {
    /// Makes the client.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn new(allowed: &AllowedTargets, agent: &str) -> reqwest::Result<Self> {
        Ok(Self { client: client(allowed, agent)?, allowed: allowed.clone() })
    }

    /// The text at an address, if it has at most so many bytes.
    ///
    /// # Errors
    /// [`Unanswered`] says why there is none.
    pub async fn get_text(&self, url: Url, most: usize) -> Result<String, Unanswered> {
        self.allowed.check(&url).map_err(|NotPublic| Unanswered::NotPublic)?;
        let read = async {
            let mut response = self.client.get(url).send().await.map_err(|error| unanswered(&error))?;
            match response.status().as_u16() {
                200 => {}
                300..=399 => return Err(Unanswered::Redirect),
                status => return Err(Unanswered::Status(status)),
            }
            let mut bytes = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error))? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > most {
                    return Err(Unanswered::TooLong);
                }
            }
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap_or(Err(Unanswered::Broken))
    }
}

fn unanswered(error: &reqwest::Error) -> Unanswered {
    if is_not_public(error) {
        Unanswered::NotPublic
    } else if error.is_connect() {
        Unanswered::NoConnection
    } else {
        Unanswered::Broken
    }
}

/// Resolves names as the system does, and gives only addresses that may be asked.
struct Resolver(AllowedTargets);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let host = name.as_str().to_ascii_lowercase();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let trusted = allowed.allows_host(&host);
            let reachable: Vec<SocketAddr> = found.filter(|address| trusted || allowed.allows(address.ip())).collect();
            if reachable.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(reachable.into_iter()) as Addrs)
        })
    }
}

/// Whether an error comes of [`NotPublic`].
pub fn is_not_public(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if current.is::<NotPublic>() {
            return true;
        }
        cause = current.source();
    }
    false
}

fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// IANA's special-purpose registry, and the one address of a cloud's own service that lies outside of it (Azure).
fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18..=19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [168, 63, 129, 16]
    )
}

/// Only global unicast, without what stands for addresses of IPv4 or for nothing. Unique local, link-local, multicast and all the
/// rest lie outside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64: what is reached in the end.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))),
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_asked() {
        let nothing = AllowedTargets::default();
        for address in
            ["1.1.1.1", "8.8.8.8", "100.63.0.1", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.1"]
        {
            assert!(nothing.allows(address.parse().unwrap()), "{address}");
        }
        for address in ["2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808", "::ffff:1.1.1.1"] {
            assert!(nothing.allows(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "100.64.0.1",
            "100.100.100.200",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
        ] {
            assert!(!nothing.allows(address.parse().unwrap()), "{address}");
            assert!(!nothing.allows(format!("::ffff:{address}").parse().unwrap()), "{address} in IPv6");
            assert!(!nothing.allows(format!("::{address}").parse().unwrap()), "{address} in IPv6 of old");
            assert!(!nothing.allows(format!("64:ff9b::{address}").parse().unwrap()), "{address} behind NAT64");
        }
        for address in [
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "64:ff9b:1::1",
            "100::1",
            "3fff::1",
            "5f00::1",
        ] {
            assert!(!nothing.allows(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_operator_lets_more_in() {
        let allowed = AllowedTargets::parse("127.0.0.0/8, ::1 ci.Example.org").unwrap();
        for (address, expected) in [("127.0.0.1", true), ("::ffff:127.1.1.1", true), ("::1", true), ("10.0.0.1", false)] {
            assert_eq!(allowed.allows(address.parse().unwrap()), expected, "{address}");
        }
        assert!(allowed.allows_host("ci.example.org") && !allowed.allows_host("example.org"));
        assert_eq!(AllowedTargets::parse(""), Some(AllowedTargets::default()));
        for text in ["10.0.0.0/33", "1.2.3", "http://x", "*.example.org"] {
            assert_eq!(AllowedTargets::parse(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn an_operator_lets_nothing_else_in() {
        let check = |allowed: &AllowedTargets, url: &str| allowed.check(&Url::parse(url).unwrap()).is_ok();
        let hosts = AllowedTargets::parse("ci.example.org").unwrap().and_nothing_else();
        assert!(check(&hosts, "https://CI.example.org/hook"));
        for url in ["https://example.org/", "https://other.ci.example.org/", "http://1.1.1.1/", "http://10.0.0.1/"] {
            assert!(!check(&hosts, url), "{url}");
        }
        let networks = AllowedTargets::parse("10.0.0.0/8, 1.1.1.0/24").unwrap().and_nothing_else();
        assert!(
            check(&networks, "http://10.0.0.1/") && check(&networks, "http://1.1.1.1/") && !check(&networks, "http://8.8.8.8/")
        );
        let found = Resolver(networks).resolve("localhost".parse().unwrap()).await;
        assert!(is_not_public(found.err().unwrap().as_ref()), "a name is looked at when it is resolved");
        assert!(!check(&AllowedTargets::default().and_nothing_else(), "https://example.org/"));
    }

    #[test]
    fn addresses_in_disguise_are_known() {
        let nothing = AllowedTargets::default();
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://①②⑦.⓪.⓪.①/",
            "http://169.254.169.254/latest/meta-data/",
        ] {
            assert_eq!(nothing.check(&Url::parse(url).unwrap()), Err(NotPublic), "{url}");
        }
        assert_eq!(nothing.check(&Url::parse("http://1.1.1.1/").unwrap()), Ok(()));
    }

    #[tokio::test]
    async fn names_are_looked_at_when_they_are_resolved() {
        let resolve = async |allowed: &str, name: &str| {
            let resolver = Resolver(AllowedTargets::parse(allowed).unwrap());
            resolver.resolve(name.parse().unwrap()).await.map(|found| found.collect::<Vec<_>>())
        };
        let refused = resolve("", "localhost").await.unwrap_err();
        assert!(is_not_public(refused.as_ref()), "{refused}");
        assert!(resolve("127.0.0.1", "localhost").await.unwrap().iter().all(|address| address.ip().to_string() == "127.0.0.1"));
        assert!(!resolve("LocalHost", "localhost").await.unwrap().is_empty());
    }
}
