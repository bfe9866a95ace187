//! Where people may be sent back to: exactly where the application said when it was made known.

use url::Url;

use crate::accounts::page::own_path;
use crate::error::{HubError, HubResult};

/// How many addresses an application can have.
pub(super) const MOST: usize = 20;
const LONGEST: usize = 2000;

/// Checks an address at which an application wants people back.
///
/// # Errors
/// 400 that says what is wrong with it.
pub(super) fn check(uri: &str) -> HubResult<()> {
    let shown: String = uri.chars().take(100).collect();
    let refuse = |why: &str| Err(HubError::bad_request(format!("`{shown}` cannot be a redirect URI: {why}")));
    if uri.len() > LONGEST {
        return refuse("keep it under 2000 characters.");
    }
    let Ok(url) = Url::parse(uri) else {
        return refuse("it is not a URL. Write it whole, as `https://app.example.org/callback`.");
    };
    if url.fragment().is_some() {
        return refuse("leave the part after `#` out.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("leave the name and password out.");
    }
    if uri.contains('*') {
        return refuse("it must be one address, without `*`.");
    }
    // One way to write each address: what browsers, clients and the hub read differently, is not one.
    if url.as_str() != uri && url.as_str() != format!("{uri}/") {
        return refuse(&format!("write it as `{url}`."));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => refuse("use `https`; `http` is only for `localhost`, `127.0.0.1` and `[::1]`."),
        scheme if scheme.contains('.') => Ok(()),
        _ => refuse("use `https`, or for an app on a device a scheme like `org.example.app`."),
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Whether an address is one of those that an application has. Programs on the person's own machine listen at a port that they get
/// at random (RFC 8252), and `huggingface_hub` and Gradio note in `_target_url` to which of their pages to go on.
pub(super) fn is_registered(registered: &[String], asked: &str) -> bool {
    asked.len() <= LONGEST && registered.iter().any(|one| one == asked || differs_by_port(one, asked) || has_target(one, asked))
}

fn differs_by_port(one: &str, asked: &str) -> bool {
    let parse = |text: &str| {
        let mut url = Url::parse(text).ok().filter(|url| url.as_str() == text && url.scheme() == "http" && is_loopback(url))?;
        url.set_port(None).ok()?;
        Some(url)
    };
    // What does not parse to itself, or has a fragment or a name, was registered by nobody and is equal to nothing that was.
    parse(one).is_some_and(|one| parse(asked) == Some(one))
}

fn has_target(one: &str, asked: &str) -> bool {
    let Some(query) = asked.strip_prefix(one).and_then(|rest| rest.strip_prefix('?')) else { return false };
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let is_target = pairs.next().is_some_and(|(key, value)| key == "_target_url" && own_path(&value).is_some());
    is_target && pairs.next().is_none() && query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

/// Whether only the application itself can be at this address: another program on the person's machine could take any other.
pub(super) fn is_of_the_application(uri: &str) -> bool {
    uri.starts_with("https://")
}

/// An address with something to tell the application.
pub(super) fn with(uri: &str, pairs: &[(&str, &str)]) -> String {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{uri}{}{query}", if uri.contains('?') { '&' } else { '?' })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_one_and_safe() {
        for uri in [
            "https://app.example.org/callback",
            "https://app.example.org",
            "https://app.example.org/cb?tenant=1",
            "http://localhost/cb",
            "http://127.0.0.1:7860/cb",
            "http://[::1]/",
            "org.example.app:/callback",
        ] {
            assert!(check(uri).is_ok(), "{uri}");
        }
        for uri in [
            "",
            "/callback",
            "http://app.example.org/callback",
            "http://localhost.evil.example/",
            "https://app.example.org/cb#",
            "https://app.example.org/cb#x",
            "https://ada@app.example.org/",
            "https://app.example.org\\@evil.example/",
            "https://*.example.org/",
            "https://app.example.org/a/../b",
            "https://app.example.org/a/%2e%2e/b",
            "https://APP.example.org/",
            "https://app.example.org:443/",
            "https://app.example.org/a b",
            "https:app.example.org/",
            "https:///app.example.org/",
            " https://app.example.org/",
            "javascript:alert(1)",
            "javascript://app.example.org/%0aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "myapp:/callback",
        ] {
            assert!(check(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn only_what_was_registered_is_gone_back_to() {
        let registered =
            ["https://app.example.org/cb".to_owned(), "http://127.0.0.1/cb".to_owned(), "http://localhost:1/cb".to_owned()];
        for asked in [
            "https://app.example.org/cb",
            "http://127.0.0.1:50123/cb",
            "http://127.0.0.1/cb",
            "http://localhost:50123/cb",
            "https://app.example.org/cb?_target_url=%2F%3Fpage%3D2",
        ] {
            assert!(is_registered(&registered, asked), "{asked}");
        }
        for asked in [
            "https://app.example.org/cb/",
            "https://app.example.org/cb/../evil",
            "https://app.example.org/cb%2f..%2fevil",
            "https://app.example.org/CB",
            "https://app.example.org:444/cb",
            "https://app.example.org/cb?x=1",
            "https://app.example.org/cb#x",
            "https://app.example.org/cb?_target_url=https%3A%2F%2Fevil.example",
            "https://app.example.org/cb?_target_url=%2F%2Fevil.example",
            "https://app.example.org/cb?_target_url=%2F&x=1",
            "https://app.example.org/cb?_target_url=/#x",
            "https://app.example.org.evil.example/cb",
            "http://app.example.org/cb",
            "https://app.example.org@evil.example/cb",
            "http://127.0.0.1:1@evil.example/cb",
            "http://ada@127.0.0.1:50123/cb",
            "http://127.1:50123/cb",
            "http://localhost:50123/cb?x",
            "http://localhost:50123/cb#x",
            "https://127.0.0.1:50123/cb",
            "http://[::1]:50123/cb",
            "",
        ] {
            assert!(!is_registered(&registered, asked), "{asked}");
        }
    }
}
