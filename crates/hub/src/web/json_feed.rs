//! Feeds as JSON (<https://www.jsonfeed.org/version/1.1/>), beside Atom.

use actix_web::HttpResponse;
use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::atom::{Feed, FeedEntry};

impl Feed {
    /// The answer. Readers may keep it as long as that of [`Feed::respond`].
    pub fn respond_json(&self) -> HttpResponse {
        HttpResponse::Ok()
            .content_type("application/feed+json; charset=utf-8")
            .insert_header(("Cache-Control", "private, max-age=300"))
            .insert_header(("Vary", "Cookie, Authorization"))
            .body(self.to_json().to_string())
    }

    fn to_json(&self) -> Value {
        json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": self.title,
            "home_page_url": self.page,
            "feed_url": self.href,
            "items": self.entries.iter().map(item).collect::<Vec<_>>(),
        })
    }
}

fn item(entry: &FeedEntry) -> Value {
    json!({
        "id": entry.id(),
        "url": entry.href,
        "title": entry.title,
        // One of the contents must be there.
        "content_text": entry.title,
        "date_published": entry.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "authors": [{ "name": entry.author }],
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_feed_has_what_the_format_asks_for() {
        let entry = FeedEntry {
            title: "ada/bert <b>".to_owned(),
            href: "http://hub/ada/bert".to_owned(),
            tag: "x".to_owned(),
            author: "ada".to_owned(),
            at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        };
        let href = "http://hub/models.json?license=mit".to_owned();
        let feed = Feed { title: "Models".to_owned(), page: "http://hub/models".to_owned(), href, entries: vec![entry] };
        let expected = json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": "Models",
            "home_page_url": "http://hub/models",
            "feed_url": "http://hub/models.json?license=mit",
            "items": [{
                "id": "http://hub/ada/bert#x", "url": "http://hub/ada/bert", "title": "ada/bert <b>",
                "content_text": "ada/bert <b>", "date_published": "2023-11-14T22:13:20Z", "authors": [{ "name": "ada" }],
            }],
        });
        assert_eq!(feed.to_json(), expected);
    }
}
