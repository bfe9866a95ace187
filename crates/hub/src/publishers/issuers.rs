//! Whose signatures count, as the operator says.

use url::Url;

/// Where GitHub signs for its jobs.
const GITHUB: &str = "https://token.actions.githubusercontent.com";
/// Where GitLab's own site does.
const GITLAB: &str = "https://gitlab.com";
/// The word for none.
const OFF: &str = "off";

/// What an issuer calls what it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As GitHub Actions does, and what follows it (Forgejo, Gitea).
    GitHub,
    /// As GitLab does.
    GitLab,
    /// Nothing is known but the subject.
    Other,
}

/// Somebody who signs for jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// How to read what it signs.
    pub kind: Kind,
    /// Its address, exactly as it names itself.
    pub url: String,
}

/// Reads issuers, separated by commas or spaces, such as `github+https://token.actions.githubusercontent.com`; `off` for none.
pub fn read_issuers(text: &str) -> Option<Vec<Issuer>> {
    if text.trim() == OFF {
        return Some(Vec::new());
    }
    text.split([',', ' ']).filter(|word| !word.is_empty()).map(Issuer::read).collect()
}

impl Issuer {
    fn read(word: &str) -> Option<Self> {
        let (kind, url) = match word.split_once('+') {
            Some(("github", url)) => (Kind::GitHub, url),
            Some(("gitlab", url)) => (Kind::GitLab, url),
            _ => (Kind::Other, word),
        };
        let parsed = Url::parse(url).ok()?;
        let is_plain = parsed.query().is_none() && parsed.fragment().is_none() && parsed.username().is_empty();
        let fits = matches!(parsed.scheme(), "http" | "https") && parsed.host().is_some() && is_plain;
        fits.then(|| Self { kind, url: url.to_owned() })
    }

    /// What people call it.
    pub fn label(&self) -> String {
        let known = match self.kind {
            Kind::GitHub => "GitHub Actions",
            Kind::GitLab => "GitLab CI/CD",
            Kind::Other => return host_of(&self.url),
        };
        if [GITHUB, GITLAB].contains(&self.url.as_str()) {
            known.to_owned()
        } else {
            format!("{known} at {}", host_of(&self.url))
        }
    }
}

/// The host of an address with its port; what is no address is given as it is.
fn host_of(url: &str) -> String {
    let parsed = Url::parse(url).ok();
    let host = parsed.as_ref().and_then(|url| Some((url.host_str()?, url.port())));
    match host {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_owned(),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_read_with_their_kinds() {
        let found = read_issuers(
            "github+https://token.actions.githubusercontent.com, gitlab+https://git.example.org:8443 https://id.example.org/ci",
        );
        let found: Vec<(Kind, String)> = found.unwrap().into_iter().map(|issuer| (issuer.kind, issuer.label())).collect();
        let expected = [
            (Kind::GitHub, "GitHub Actions"),
            (Kind::GitLab, "GitLab CI/CD at git.example.org:8443"),
            (Kind::Other, "id.example.org"),
        ];
        assert_eq!(found, expected.map(|(kind, label)| (kind, label.to_owned())));
        assert_eq!(read_issuers("off"), Some(Vec::new()));
        for text in
            ["github", "github+", "ftp://example.org", "https://a.example?x", "https://me@a.example", "svn+https://a.example"]
        {
            assert_eq!(read_issuers(text), None, "{text}");
        }
    }
}
