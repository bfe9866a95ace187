//! Which address a request comes from.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The networks of proxies: what those say of others is believed. Anybody can send the header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads addresses and networks such as `10.0.0.5, 172.16.0.0/12`, separated by commas or spaces.
    pub fn parse(text: &str) -> Option<Self> {
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let network = |word: &str| word.parse::<IpNet>().or_else(|_| word.parse::<IpAddr>().map(IpNet::from)).ok();
        words.map(network).collect::<Option<Vec<_>>>().map(Self)
    }

    /// Whether an address is a proxy's.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// The address of the client: the last one of `X-Forwarded-For` that is no proxy's, each proxy adding that of whoever
    /// asked it.
    pub fn client_of(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        if !self.contains(peer) {
            return Some(peer);
        }
        let lines = request.headers().get_all("x-forwarded-for").filter_map(|line| line.to_str().ok());
        let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            let Ok(address) = hop.parse::<IpAddr>() else { break };
            client = address.to_canonical();
            if !self.contains(client) {
                break;
            }
        }
        Some(client)
    }
}

/// The network that counts as one client: a household has as many IPv6 addresses as it likes, in one network of 64 bits.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_proxies_are_believed_and_only_what_they_added() {
        let trusted = TrustedProxies::parse("127.0.0.0/8, ::1 10.0.0.5").unwrap();
        for (peer, forwarded, client) in [
            ("198.51.100.7:80", "203.0.113.9", "198.51.100.7"),
            ("10.0.0.6:80", "203.0.113.9", "10.0.0.6"),
            ("10.0.0.5:80", "203.0.113.9", "203.0.113.9"),
            ("127.0.0.1:80", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
            ("127.0.0.1:80", "203.0.113.9, 10.0.0.5", "203.0.113.9"),
            ("127.0.0.1:80", "nonsense", "127.0.0.1"),
            ("[::1]:80", "2001:db8::1", "2001:db8::1"),
            ("[::ffff:127.0.0.1]:80", "203.0.113.9", "203.0.113.9"),
        ] {
            let request = TestRequest::get().insert_header(("x-forwarded-for", forwarded)).peer_addr(peer.parse().unwrap());
            assert_eq!(trusted.client_of(&request.to_http_request()), client.parse().ok(), "{peer} {forwarded}");
        }
        assert_eq!(TrustedProxies::parse(""), Some(TrustedProxies::default()));
        assert_eq!(TrustedProxies::parse("10.0.0.0/33"), None);
    }
}
