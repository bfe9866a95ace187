//! Where links and images of a card lead: paths are relative to the file in its repository.

use hub_types::{RepoId, RepoType};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is kept as it is in a path segment. All else is escaped, so that no character of a file name
/// can end an attribute or change where the URL leads.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'@').remove(b'+');

/// The file that is rendered: relative links start from here.
#[derive(Debug, Clone)]
pub struct LinkContext {
    repo_url: String,
    revision: String,
    folder: Vec<String>,
    /// `https://hub.example`: what is under it is the hub's own.
    origin: Option<String>,
    /// Whether files of comments are the hub's own by whatever host they are named.
    in_comment: bool,
}

/// What a link of a card is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkUse {
    /// `<a href>`: a page of the hub, or any web or mail address.
    Page,
    /// `<img src>`: a file of the repository, or any web address.
    Image,
    /// `<video src>`, `<audio src>`: a file of the repository, or of a comment.
    Media,
}

impl LinkContext {
    /// A file in `folder` (empty at the root) of a repository at a revision.
    pub fn new(repo_type: RepoType, repo_id: &RepoId, revision: &str, folder: &str) -> Self {
        let repo_url = format!("/{}{repo_id}", repo_type.url_prefix());
        let revision = utf8_percent_encode(revision, SEGMENT).to_string();
        let folder = folder.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Self { repo_url, revision, folder, origin: None, in_comment: false }
    }

    /// Of a hub at this address, without a slash at its end: images that a card names by it are the hub's own.
    #[must_use]
    pub fn of_hub(self, origin: &str) -> Self {
        Self { origin: Some(origin.to_owned()), ..self }
    }

    /// In a comment: programs write the addresses of its files by whatever name of the hub they know.
    #[must_use]
    pub fn of_comment(self) -> Self {
        Self { in_comment: true, ..self }
    }

    /// The path of a file of a comment: of this hub, and in comments of any host, since another's would not be shown anyway.
    pub(super) fn upload<'u>(&self, url: &'u str) -> Option<&'u str> {
        let url = self.own_path(url).unwrap_or(url);
        upload_in(url).filter(|_| self.in_comment || url.starts_with('/'))
    }

    /// The path of an address of this hub.
    fn own_path<'u>(&self, url: &'u str) -> Option<&'u str> {
        let origin = self.origin.as_deref()?;
        let start = url.get(..origin.len())?;
        url.get(origin.len()..).filter(|path| path.starts_with('/') && start.eq_ignore_ascii_case(origin))
    }

    /// Rewrites one URL; `None` means that it must go.
    pub(crate) fn rewrite(&self, url: &str, link_use: LinkUse) -> Option<String> {
        let url = url.trim_matches(|c: char| c.is_whitespace() || c.is_control());
        if url.is_empty() || url.chars().any(char::is_control) {
            return None;
        }
        if let Some(anchor) = url.strip_prefix('#') {
            return (link_use == LinkUse::Page).then(|| format!("#{}", super::sanitize::prefixed_id(anchor)));
        }
        if link_use != LinkUse::Page
            && let Some(upload) = self.upload(url)
        {
            return Some(upload.to_owned());
        }
        let own = self.own_path(url).filter(|_| link_use != LinkUse::Page);
        let url = own.unwrap_or(url);
        if let Some(scheme) = scheme(url) {
            let allowed = match link_use {
                LinkUse::Page => matches!(scheme.as_str(), "http" | "https" | "mailto"),
                LinkUse::Image => matches!(scheme.as_str(), "http" | "https"),
                LinkUse::Media => false,
            };
            return allowed.then(|| url.to_owned());
        }
        // Browsers read a backslash as a slash, so `/\host` names a host as `//host` does.
        if url.starts_with('/') || url.starts_with('\\') {
            let names_host = url[1..].starts_with(['/', '\\']);
            if link_use == LinkUse::Image && names_host {
                let address = url.trim_start_matches(['/', '\\']);
                return (!address.is_empty()).then(|| format!("https://{address}"));
            }
            return (link_use != LinkUse::Media || !names_host && self.is_own(url)).then(|| url.to_owned());
        }
        Some(self.in_repo(url, link_use))
    }

    fn is_own(&self, url: &str) -> bool {
        let resolve = format!("{}/resolve/", self.repo_url);
        url.starts_with(&resolve) && !url.to_ascii_lowercase().replace("%2e", ".").contains("..") && !url.contains('\\')
    }

    fn in_repo(&self, url: &str, link_use: LinkUse) -> String {
        let (rest, anchor) = url.split_once('#').map_or((url, None), |(rest, anchor)| (rest, Some(anchor)));
        let path = rest.split_once('?').map_or(rest, |(path, _)| path);
        let mut segments = self.folder.clone();
        // Escapes are undone first: browsers take `%2e%2e` for `..` too.
        for segment in path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy()) {
            match segment.as_ref() {
                "" | "." => {}
                ".." => {
                    segments.pop();
                }
                name => segments.push(name.to_owned()),
            }
        }
        let is_folder = segments.is_empty() || path.ends_with('/') || path.ends_with("..");
        let view = match link_use {
            LinkUse::Image | LinkUse::Media => "resolve",
            LinkUse::Page if is_folder => "tree",
            LinkUse::Page => "blob",
        };
        let mut target = format!("{}/{view}/{}", self.repo_url, self.revision);
        for segment in &segments {
            target.push('/');
            target.extend(utf8_percent_encode(segment, SEGMENT));
        }
        if let Some(anchor) = anchor.filter(|_| link_use == LinkUse::Page) {
            target.push('#');
            target.push_str(anchor);
        }
        target
    }
}

/// The path of an address that leads to a file of a comment on whatever host: `/uploads/{id}/{name}`.
fn upload_in(url: &str) -> Option<&str> {
    let path = match url.split_once("://") {
        Some(("http" | "https", rest)) => rest.get(rest.find('/')?..)?,
        Some(_) => return None,
        None => url,
    };
    let (id, name) = path.strip_prefix("/uploads/")?.split_once('/')?;
    let is_id = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (is_id && !name.starts_with('.') && name.bytes().all(is_name)).then_some(path)
}

/// The scheme of an absolute URL, lower case.
fn scheme(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    let mut bytes = scheme.bytes();
    let valid = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    valid.then(|| scheme.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(folder: &str) -> LinkContext {
        LinkContext::new(RepoType::Dataset, &"ada/data".parse().unwrap(), "refs/pr/1", folder)
    }

    fn page(folder: &str, url: &str) -> String {
        context(folder).rewrite(url, LinkUse::Page).unwrap()
    }

    #[test]
    fn paths_are_resolved_inside_the_repo() {
        let base = "/datasets/ada/data";
        for (folder, url, expected) in [
            ("", "a.md", "/blob/refs%2Fpr%2F1/a.md"),
            ("docs", "a b.md#x", "/blob/refs%2Fpr%2F1/docs/a%20b.md#x"),
            ("docs", "a%20b.md", "/blob/refs%2Fpr%2F1/docs/a%20b.md"),
            ("docs/x", "../a.md?y=1", "/blob/refs%2Fpr%2F1/docs/a.md"),
            ("", "../../../../etc/passwd", "/blob/refs%2Fpr%2F1/etc/passwd"),
            ("", "%2e%2e/%2E%2e/x", "/blob/refs%2Fpr%2F1/x"),
            ("", "..%2f..%2fx", "/blob/refs%2Fpr%2F1/..%2F..%2Fx"),
            ("", "./docs/", "/tree/refs%2Fpr%2F1/docs"),
            ("", "a\"b<c>", "/blob/refs%2Fpr%2F1/a%22b%3Cc%3E"),
        ] {
            assert_eq!(page(folder, url), format!("{base}{expected}"), "{folder:?} {url:?}");
        }
        assert_eq!(
            context("").rewrite("./img/a.png", LinkUse::Image).unwrap(),
            "/datasets/ada/data/resolve/refs%2Fpr%2F1/img/a.png"
        );
    }

    #[test]
    fn foreign_addresses_stay_and_scripts_go() {
        assert_eq!(page("", "https://x.org/a"), "https://x.org/a");
        assert_eq!(page("", "/ada/other"), "/ada/other");
        assert_eq!(page("", "#Usage"), "#user-content-Usage");
        for url in
            ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "vbscript:x", " \u{1}javascript:x", "java\nscript:x", ""]
        {
            assert_eq!(context("").rewrite(url, LinkUse::Page), None, "{url:?}");
        }
    }

    #[test]
    fn files_of_comments_are_shown_from_here() {
        let upload = "/uploads/0123456789abcdef0123456789abcdef/a-film.mp4";
        for (url, found) in [
            (upload.to_owned(), true),
            (format!("https://hub.example.org{upload}"), true),
            (format!("http://10.0.0.1:8080{upload}"), true),
            (format!("ftp://hub.example.org{upload}"), false),
            (format!("//hub.example.org{upload}"), false),
            (format!("{upload}?x"), false),
            (upload.replace('f', "F"), false),
            (upload.replace("a-film", "../film"), false),
            (upload.replace("/a-film.mp4", ""), false),
        ] {
            assert_eq!(upload_in(&url), found.then_some(upload), "{url}");
            let comment = context("").of_comment();
            assert_eq!(comment.rewrite(&url, LinkUse::Media).as_deref() == Some(upload), found, "{url}");
        }
        // A card means the host that it names.
        let card = context("").of_hub("https://hub.example.org");
        for use_of in [LinkUse::Image, LinkUse::Media] {
            for own in [upload.to_owned(), format!("https://hub.example.org{upload}")] {
                assert_eq!(card.rewrite(&own, use_of).as_deref(), Some(upload), "{own}");
            }
        }
        let foreign = format!("https://other.example.org{upload}");
        assert_eq!(card.rewrite(&foreign, LinkUse::Image), Some(foreign.clone()));
        assert_eq!(card.rewrite(&foreign, LinkUse::Media), None);
        let link = format!("https://hub.example.org{upload}");
        assert_eq!(page("", &link), link);
    }

    #[test]
    fn media_come_from_the_repo_only() {
        let media = |url: &str| context("").rewrite(url, LinkUse::Media);
        assert!(media("clip.mp4").is_some());
        assert!(media("/datasets/ada/data/resolve/main/clip.mp4").is_some());
        for url in
            ["https://x.org/a.mp4", "//x.org/a.mp4", "/\\x.org/a", "\\\\x.org/a", "/logout", "/datasets/ada/data/resolve/../x"]
        {
            assert_eq!(media(url), None, "{url}");
        }
    }
}
