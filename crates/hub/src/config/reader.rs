//! How the text of a setting becomes a value.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::problems::Problems;
use super::settings::{Form, Setting};
use super::sources::Values;
use crate::publishers::{Issuer, read_issuers};
use crate::scans::clamd::Address;
use crate::web::client_address::TrustedProxies;
use crate::web::outbound::AllowedTargets;

/// Reads typed values, and notes what does not fit. A wrong value reads as its default.
pub(super) struct Reader<'a> {
    pub(super) values: &'a Values,
    pub(super) problems: &'a mut Problems,
}

impl Reader<'_> {
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        Some(self.values.get(key).to_owned()).filter(|text| !text.is_empty())
    }

    pub(super) fn choice(&mut self, key: &str) -> String {
        let Some(Setting { form: Form::Choice(words), .. }) = Setting::find(key) else { return String::new() };
        let read = |text: &str| words.contains(&text).then(|| text.to_owned());
        self.typed(key, read, &format!("must be one of {}", listed(words))).unwrap_or_default()
    }

    pub(super) fn switch(&mut self, key: &str) -> bool {
        let read = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        };
        self.typed(key, read, "must be `true` or `false`").unwrap_or_default()
    }

    pub(super) fn number(&mut self, key: &str) -> u64 {
        let Some(Setting { form: Form::Number(min, max), .. }) = Setting::find(key) else { return 0 };
        let read = |text: &str| text.parse().ok().filter(|number| (min..=max).contains(&number));
        self.typed(key, read, &format!("must be a whole number from {min} to {max}")).unwrap_or(*min)
    }

    pub(super) fn address(&mut self, key: &str) -> SocketAddr {
        let read = |text: &str| text.replace("localhost:", "127.0.0.1:").parse().ok();
        let wanted = "must be an address and a port, such as `127.0.0.1:8080` or `0.0.0.0:80`";
        self.typed(key, read, wanted).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)))
    }

    pub(super) fn optional_address(&mut self, key: &str) -> Option<SocketAddr> {
        self.text(key)?;
        let read = |text: &str| text.replace("localhost:", "127.0.0.1:").parse().ok();
        self.typed(key, read, "must be an address and a port, such as `0.0.0.0:2222`")
    }

    pub(super) fn url(&mut self, key: &str) -> Option<String> {
        let Some(Setting { form: Form::Url(schemes), .. }) = Setting::find(key) else { return None };
        let read = |text: &str| {
            let url = url::Url::parse(text).ok()?;
            (schemes.contains(&url.scheme()) && url.host().is_some()).then(|| text.to_owned())
        };
        let starts: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
        self.text(key)?;
        self.typed(key, read, &format!("must be a URL with a host that starts with {}", listed(&starts)))
    }

    pub(super) fn networks(&mut self, key: &str) -> TrustedProxies {
        let wanted = "must be addresses or networks such as `10.0.0.5, 172.16.0.0/12`";
        self.typed(key, TrustedProxies::parse, wanted).unwrap_or_default()
    }

    pub(super) fn clamd(&mut self, key: &str) -> Option<Address> {
        self.text(key)?;
        self.typed(key, Address::parse, "must be `host:port`, or the path of a socket such as `/run/clamav/clamd.ctl`")
    }

    pub(super) fn targets(&mut self, key: &str) -> AllowedTargets {
        let wanted = "must be networks, addresses or names of hosts such as `10.1.0.0/16, ci.example.org`";
        self.typed(key, AllowedTargets::parse, wanted).unwrap_or_default()
    }

    pub(super) fn issuers(&mut self, key: &str) -> Vec<Issuer> {
        let wanted = "must be addresses of issuers with their kinds, such as `github+https://token.actions.githubusercontent.com, \
                      gitlab+https://gitlab.example.org`, or `off`";
        self.typed(key, read_issuers, wanted).unwrap_or_default()
    }

    /// A URL in which `{domain}` stands for a domain.
    pub(super) fn domain_url(&mut self, key: &str) -> String {
        let read = |text: &str| {
            let url = url::Url::parse(&text.replace("{domain}", "example.org")).ok()?;
            (text.contains("{domain}") && matches!(url.scheme(), "http" | "https")).then(|| text.to_owned())
        };
        let wanted = "must be a URL with `{domain}` in it, such as `https://{domain}/.well-known/hub-domain-challenge.txt`";
        self.typed(key, read, wanted).unwrap_or_default()
    }

    pub(super) fn log_filter(&mut self, key: &str) -> String {
        let read = |text: &str| tracing_subscriber::EnvFilter::try_new(text).ok().map(|_| text.to_owned());
        let wanted = "must be a level (`error`, `warn`, `info`, `debug`, `trace`) or a list such as `info,hub=debug`";
        self.typed(key, read, wanted).unwrap_or_else(|| "info".to_owned())
    }

    fn typed<T>(&mut self, key: &str, read: impl Fn(&str) -> Option<T>, wanted: &str) -> Option<T> {
        if let Some(value) = read(self.values.get(key)) {
            return Some(value);
        }
        self.problems.bad_value(self.values, key, wanted);
        read(Setting::find(key)?.default)
    }
}

impl Values {
    /// A folder; any text names one.
    pub(super) fn path(&self, key: &str) -> PathBuf {
        PathBuf::from(self.get(key))
    }
}

fn listed(words: &[impl AsRef<str>]) -> String {
    words.iter().map(|word| format!("`{}`", word.as_ref())).collect::<Vec<_>>().join(", ")
}
