//! Atom feeds (RFC 4287).

use actix_web::HttpResponse;
use chrono::{DateTime, SecondsFormat, Utc};

/// A feed.
#[derive(Debug)]
pub struct Feed {
    /// Its title.
    pub title: String,
    /// Its own address, absolute, which is also its id.
    pub href: String,
    /// The page it is about, absolute.
    pub page: String,
    /// The entries, the latest first.
    pub entries: Vec<FeedEntry>,
}

/// An entry of a feed.
#[derive(Debug)]
pub struct FeedEntry {
    /// Its title.
    pub title: String,
    /// Where it leads, absolute.
    pub href: String,
    /// What tells it from others that lead there; possibly empty.
    pub tag: String,
    /// Who.
    pub author: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl FeedEntry {
    /// What tells it from all other entries.
    pub(super) fn id(&self) -> String {
        if self.tag.is_empty() { self.href.clone() } else { format!("{}#{}", self.href, self.tag) }
    }
}

impl Feed {
    /// The answer. Readers ask again and again: they may keep it for five minutes.
    pub fn respond(&self) -> HttpResponse {
        HttpResponse::Ok()
            .content_type("application/atom+xml; charset=utf-8")
            .insert_header(("Cache-Control", "private, max-age=300"))
            .insert_header(("Vary", "Cookie, Authorization"))
            .body(self.to_xml())
    }

    fn to_xml(&self) -> String {
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let updated = self.entries.iter().map(|entry| entry.at).max().unwrap_or_default();
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
        xml.push_str(&format!("<title>{}</title>\n<id>{}</id>\n", escape(&self.title), escape(&self.href)));
        xml.push_str(&format!("<updated>{}</updated>\n<author><name>Hub</name></author>\n", time(updated)));
        xml.push_str(&format!("<link rel=\"self\" href=\"{}\"/>\n<link href=\"{}\"/>\n", escape(&self.href), escape(&self.page)));
        for entry in &self.entries {
            xml.push_str(&format!(
                "<entry><title>{}</title><id>{}</id><link href=\"{}\"/><updated>{}</updated><author><name>{}</name></author></entry>\n",
                escape(&entry.title),
                escape(&entry.id()),
                escape(&entry.href),
                time(entry.at),
                escape(&entry.author)
            ));
        }
        xml.push_str("</feed>\n");
        xml
    }
}

/// Text for XML, without the characters that XML cannot have.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | ' '.. if !matches!(c, '\u{FFFE}' | '\u{FFFF}') => escaped.push(c),
            _ => {}
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let entry = FeedEntry {
            title: "<b>\u{1}&".to_owned(),
            href: "http://hub/ada/bert?a=1&b=2".to_owned(),
            tag: "x".to_owned(),
            author: "ada".to_owned(),
            at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        };
        let href = "http://hub/ada.atom".to_owned();
        let xml = Feed { title: "A \"feed\"".to_owned(), page: href.clone(), href, entries: vec![entry] }.to_xml();
        assert!(xml.contains("<title>&lt;b&gt;&amp;</title>") && xml.contains("<title>A &quot;feed&quot;</title>"), "{xml}");
        assert!(xml.contains("<id>http://hub/ada/bert?a=1&amp;b=2#x</id>") && xml.contains("2023-11-14T22:13:20Z"));
    }
}
