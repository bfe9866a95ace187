//! What every page has around its content, as plain values: this module knows no accounts and no repositories.

use hub_cards::SafeHtml;
use hub_types::RepoType;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The frame of a page.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// The document's title, without the product's name.
    pub title: String,
    /// One sentence for search engines and link previews.
    pub description: String,
    /// Who is logged in.
    pub viewer: Option<ViewerBadge>,
    /// The token of this page's forms.
    pub csrf: String,
    /// What everybody is told.
    pub banner: Option<Banner>,
    /// What is said while the hub takes no changes.
    pub read_only: Option<String>,
    /// What the last request achieved.
    pub flash: Option<Flash>,
    /// `light` or `dark`, when the person chose one.
    pub theme: Option<&'static str>,
    /// The section of the site this page belongs to.
    pub section: Option<RepoType>,
    /// Where logging in should lead back to.
    pub return_to: String,
    /// What is switched off on this hub, by its word.
    pub off: Vec<&'static str>,
}

/// The person in the page's corner.
#[derive(Debug, Clone)]
pub struct ViewerBadge {
    /// The user name.
    pub name: String,
    /// The names of their organisations.
    pub organizations: Vec<String>,
    /// How many notifications they have not read; counted up to a hundred.
    pub unread: i64,
}

impl ViewerBadge {
    /// How many notifications are not read, as the bell says it.
    pub fn unread_label(&self) -> String {
        if self.unread > 99 { "99+".to_owned() } else { self.unread.to_string() }
    }
}

/// What those who run the hub tell everybody.
#[derive(Debug, Clone)]
pub struct Banner {
    /// `info`, `warning` or `error`.
    pub kind: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// The text.
    pub html: SafeHtml,
    /// What closes it, if that can be done.
    pub dismiss: Option<String>,
}

/// One line about what just happened.
#[derive(Debug, Clone)]
pub struct Flash {
    /// `success` or `error`.
    pub kind: &'static str,
    /// The sentence.
    pub text: String,
}

impl Flash {
    /// The icon before the sentence.
    pub fn icon(&self) -> &'static str {
        if self.kind == "success" { "circle-check" } else { "circle-alert" }
    }
}

/// One link of the main navigation.
#[derive(Debug)]
pub struct SectionLink {
    /// The kind of repository it lists.
    pub kind: RepoType,
    /// Its icon.
    pub icon: &'static str,
    /// Its text.
    pub label: &'static str,
    /// Whether this page belongs to it.
    pub current: bool,
}

/// The icon of a kind of repository.
pub const fn kind_icon(kind: RepoType) -> &'static str {
    match kind {
        RepoType::Model => "box",
        RepoType::Dataset => "database",
        RepoType::Space => "app-window",
        RepoType::Bucket => "bucket",
    }
}

/// The plural of a kind, as headings say it.
pub const fn kind_title(kind: RepoType) -> &'static str {
    match kind {
        RepoType::Model => "Models",
        RepoType::Dataset => "Datasets",
        RepoType::Space => "Spaces",
        RepoType::Bucket => "Buckets",
    }
}

/// The word for one repository of a kind in running text.
pub const fn kind_word(kind: RepoType) -> &'static str {
    match kind {
        RepoType::Model => "model",
        RepoType::Dataset => "dataset",
        RepoType::Space => "Space",
        RepoType::Bucket => "bucket",
    }
}

/// The page that makes a repository of a kind.
pub const fn new_path(kind: RepoType) -> &'static str {
    match kind {
        RepoType::Model => "new",
        RepoType::Dataset => "new-dataset",
        RepoType::Space => "new-space",
        RepoType::Bucket => "new-bucket",
    }
}

impl Layout {
    /// The main navigation.
    pub fn sections(&self) -> Vec<SectionLink> {
        let link =
            |kind| SectionLink { kind, icon: kind_icon(kind), label: kind_title(kind), current: self.section == Some(kind) };
        RepoType::EVERY.into_iter().map(link).collect()
    }

    /// Whether something is switched on: what is not has no button.
    pub fn offers(&self, flag: &str) -> bool {
        !self.off.contains(&flag)
    }

    /// Whether a repository of a kind can be made.
    pub fn offers_new(&self, kind: RepoType) -> bool {
        match kind {
            RepoType::Space => self.offers("spaces"),
            RepoType::Bucket => self.offers("buckets"),
            RepoType::Model | RepoType::Dataset => true,
        }
    }

    /// One notification has just been read.
    pub fn one_read(&mut self) {
        if let Some(viewer) = &mut self.viewer {
            viewer.unread = (viewer.unread - 1).max(0);
        }
    }

    /// The query of the login link, so that people come back here.
    pub fn login_query(&self) -> String {
        if self.return_to.is_empty() || self.return_to == "/" {
            return String::new();
        }
        format!("?next={}", utf8_percent_encode(&self.return_to, NON_ALPHANUMERIC))
    }
}
