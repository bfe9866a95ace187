//! Heads of discussions and pull requests in each state.

use chrono::{DateTime, TimeDelta, Utc};

/// As `components/discussion.html` takes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub num: i64,
    pub title: &'static str,
    pub icon: &'static str,
    pub state: &'static str,
    pub author: &'static str,
    pub at: DateTime<Utc>,
    pub pinned: bool,
    pub locked: bool,
    pub base: Option<&'static str>,
    pub merged: Option<Link>,
    pub href: &'static str,
}

/// A link.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub label: &'static str,
    pub href: &'static str,
}

impl Head {
    /// The classes of the word for its state.
    pub(super) fn badge(&self) -> &'static str {
        if self.merged.is_some() { "badge" } else { "badge badge-accent" }
    }
}

/// A discussion that goes on, and a pull request that was merged.
pub(super) fn heads() -> [Head; 2] {
    let talk = Head {
        num: 3,
        title: "Which licence has the tokenizer?",
        icon: "message-square-text",
        state: "Open",
        author: "ada",
        at: Utc::now() - TimeDelta::hours(5),
        pinned: true,
        locked: true,
        base: None,
        merged: None,
        href: "#changes",
    };
    let pull = Head {
        num: 2,
        title: "Say which data it was trained on",
        icon: "git-branch",
        state: "Merged",
        pinned: false,
        locked: false,
        base: Some("main"),
        merged: Some(Link { label: "4f2c91d", href: "#changes" }),
        ..talk
    };
    [talk, pull]
}
