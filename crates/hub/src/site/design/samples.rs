//! What the page of the design system shows in its components: made up, and of every state.

use chrono::{DateTime, TimeDelta, Utc};
use hub_cards::Table;
use hub_types::RepoType;

use crate::collections::pages::view::{CardItem, CollectionCard};
use crate::downloads::chart::{Bar, DownloadChart};
use crate::notifications::watching::Level;
use crate::repos::pages::view::{
    CommitSummary, Crumb, LikeButton, RefLink, RepoHeader, RepoSummary, RepoTab, RevisionPicker, SnippetPart, WatchButton,
};
use crate::site::profile::FollowView;
use crate::web::form::{Choice, Field};
use crate::web::layout::{Layout, ViewerBadge};

/// A facet, as lists have them.
#[derive(Debug)]
pub(super) struct Facet {
    pub key: &'static str,
    pub label: &'static str,
    pub options: Vec<FacetValue>,
    pub more: Vec<FacetValue>,
    pub cut: bool,
    pub find: &'static str,
    pub open: bool,
    pub why_href: &'static str,
}

impl Facet {
    pub(super) fn is_searchable(&self) -> bool {
        self.cut
    }
}

/// A value of it.
#[derive(Debug)]
pub(super) struct FacetValue {
    pub heading: Option<&'static str>,
    pub value: String,
    pub label: String,
    pub count: u64,
    pub chosen: bool,
}

/// One end of a range.
#[derive(Debug)]
pub(super) struct Bound {
    pub key: &'static str,
    pub label: &'static str,
    pub choices: Vec<Choice>,
}

/// The commits of a day.
#[derive(Debug)]
pub(super) struct Day {
    pub label: &'static str,
    pub commits: Vec<CommitSummary>,
}

/// What changed in a file.
#[derive(Debug)]
pub(super) struct Change {
    pub status: &'static str,
    pub old_path: Option<&'static str>,
    pub path: &'static str,
    pub additions: u64,
    pub deletions: u64,
    pub open: bool,
    pub note: Option<&'static str>,
    pub lines: Vec<ChangeLine>,
}

impl Change {
    /// What stands in its place in the list of files.
    pub(super) fn sign(&self) -> &'static str {
        self.status.get(..1).unwrap_or_default()
    }
}

/// A line of it.
#[derive(Debug)]
pub(super) struct ChangeLine {
    pub kind: &'static str,
    pub old_number: &'static str,
    pub new_number: &'static str,
    pub parts: Vec<SnippetPart>,
}

impl ChangeLine {
    /// The sign before the text.
    pub(super) fn mark(&self) -> &'static str {
        match self.kind {
            "added" => "+",
            "removed" => "−",
            _ => "",
        }
    }
}

/// Somebody in a list of people.
#[derive(Debug)]
pub(super) struct Person {
    pub name: &'static str,
    pub fullname: &'static str,
    pub since: DateTime<Utc>,
}

/// Facets: open with a choice made and sections, with more values than are shown, with nothing found, and closed.
pub(super) fn facets() -> Vec<Facet> {
    let value = |label: &str, count, chosen| FacetValue {
        heading: None,
        value: label.to_lowercase(),
        label: label.to_owned(),
        count,
        chosen,
    };
    let headed = |heading, value| FacetValue { heading: Some(heading), ..value };
    let facet =
        |key, label, options, more| Facet { key, label, options, more, cut: false, find: "", open: true, why_href: "#facets" };
    let languages = ["Arabic", "Catalan", "Danish", "Dutch", "Finnish", "Greek", "Hindi", "Polish", "Swahili"];
    let languages = languages.map(|language| value(language, 7, false)).into();
    let tasks = vec![
        headed("Multimodal", value("A task with a name that is longer than the column beside a list is wide", 12, false)),
        headed("Natural language", value("Text Generation", 1_204, true)),
        value("Text Classification", 310, false),
        headed("Other", value("None has it", 0, false)),
    ];
    vec![
        facet("design-task", "Task", tasks, Vec::new()),
        Facet {
            cut: true,
            ..facet("design-language", "Language", vec![value("English", 980, false), value("العربية", 41, false)], languages)
        },
        Facet { cut: true, find: "zz", ..facet("design-base", "Base model", Vec::new(), Vec::new()) },
        Facet { open: false, ..facet("design-licence", "Licence", vec![value("mit", 55, false)], Vec::new()) },
    ]
}

/// The colours of collections.
pub(super) fn themes() -> Vec<Choice> {
    ["orange", "blue", "green", "purple", "pink", "indigo"].map(|name| Choice::new(name, name, "green")).into()
}

/// The ends of a range.
pub(super) fn bounds() -> Vec<Bound> {
    let choices =
        |chosen: &str| ["", "1B", "8B", "80B"].map(|mark| Choice::new(mark, if mark.is_empty() { "Any" } else { mark }, chosen));
    vec![
        Bound { key: "design-from", label: "At least", choices: choices("1B").into() },
        Bound { key: "design-to", label: "At most", choices: choices("").into() },
    ]
}

/// The frame as one who is logged in has it, and as anybody has it.
pub(super) fn layouts() -> [Layout; 2] {
    let viewer = ViewerBadge { name: "ada".to_owned(), organizations: Vec::new(), unread: 3 };
    [Layout { viewer: Some(viewer), ..Layout::default() }, Layout::default()]
}

/// The head of a repository, liked or not.
pub(super) fn headers() -> [RepoHeader; 2] {
    [true, false].map(|liked| RepoHeader {
        kind: RepoType::Model,
        namespace: "acme".to_owned(),
        name: "harbour-8b".to_owned(),
        private: false,
        gated: false,
        disabled: false,
        suspended: None,
        default_branch: "main".to_owned(),
        can_admin: false,
        chips: Vec::new(),
        tab: RepoTab::Card,
        hub_url: String::new(),
        ssh_url: None,
        like: LikeButton { likes: if liked { 1_204 } else { 0 }, liked },
        warning: None,
        recall: None,
        discussions: 2,
        watch: WatchButton { level: if liked { Level::All } else { Level::Participating } },
    })
}

/// Downloads that grow, and none.
pub(super) fn charts() -> [DownloadChart; 2] {
    let bar = |day: i64, downloads: i64| {
        let height = downloads.max(1);
        Bar { label: format!("{} May", day + 1), downloads, requests: downloads * 3, x: day * 10, y: 48 - height, height }
    };
    let busy: Vec<Bar> = (0..30).map(|day| bar(day, (day * day * 48 / 841 + day % 7).min(48))).collect();
    let downloads = busy.iter().map(|bar| bar.downloads).sum();
    [
        DownloadChart { bars: busy, downloads, requests: downloads * 3 },
        DownloadChart { bars: (0..30).map(|day| bar(day, 0)).collect(), downloads: 0, requests: 0 },
    ]
}

/// The first rows of a file.
pub(super) fn rows() -> Table {
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    Table {
        header: row(["text", "label", "source"]),
        rows: vec![
            row(["The harbour froze over in the first week of March.", "weather", "log-1851"]),
            row(["وصلت السفينة إلى الميناء.", "arrival", "log-1877"]),
            row(["", "unknown", ""]),
        ],
        truncated: true,
    }
}

/// Collections: with items, and without.
pub(super) fn collections() -> Vec<CollectionCard> {
    let item = |icon, label: &str| CardItem { icon, label: label.to_owned() };
    let card = |title: &str, theme: &str, items| CollectionCard {
        title: title.to_owned(),
        owner: "acme".to_owned(),
        description: "What we use to read the logs of ships.".to_owned(),
        theme: theme.to_owned(),
        private: false,
        upvotes: 12,
        updated_at: Utc::now() - TimeDelta::days(3),
        href: "#people".to_owned(),
        items,
    };
    vec![
        card("Harbours", "green", vec![item("box", "acme/harbour-8b"), item("database", "acme/ship-logs")]),
        CollectionCard { private: true, upvotes: 0, description: String::new(), ..card("To look at", "purple", Vec::new()) },
    ]
}

/// People: with a full name, and without.
pub(super) fn people() -> Vec<Person> {
    vec![
        Person { name: "ada", fullname: "Ada Lovelace", since: Utc::now() - TimeDelta::days(2) },
        Person { name: "bob", fullname: "", since: Utc::now() - TimeDelta::days(400) },
    ]
}

/// The form for a picture, as settings have it.
#[derive(Debug)]
pub(super) struct Picture {
    pub name: &'static str,
    pub class: &'static str,
    pub action: &'static str,
    pub has_picture: bool,
    pub file: Field,
}

/// Of one who has a picture.
pub(super) fn picture() -> Picture {
    let file = Field::new("picture", "Picture").hint("PNG, JPEG or WebP, at most 4 MB. It is cut to a square.");
    Picture { name: "ada", class: "avatar-large", action: "/settings/picture", has_picture: true, file }
}

/// Follow buttons: of somebody else, followed and not, and of oneself.
pub(super) fn follows() -> Vec<FollowView> {
    let view = |is_self, is_following| FollowView {
        href: "/ada".to_owned(),
        is_self,
        is_following,
        is_watching: is_following,
        followers: 12,
        following: 3,
        is_user: true,
    };
    vec![view(false, false), view(false, true), view(true, false)]
}

/// The commits of a day.
pub(super) fn days() -> Vec<Day> {
    let commit = |title: &str, oid: &str| CommitSummary {
        oid: oid.repeat(5),
        short: oid.chars().take(7).collect(),
        title: title.to_owned(),
        author: "Ada Lovelace".to_owned(),
        by_service: false,
        committer: None,
        at: Utc::now() - TimeDelta::hours(5),
        href: "#changes".to_owned(),
        tree_href: "#changes".to_owned(),
        restore_href: None,
        signature: None,
    };
    vec![Day {
        label: "7 March 2026",
        commits: vec![
            commit("Say what the model cannot do", "4f2a9c1d"),
            commit("Add the tokenizer, which was left out when the weights were converted, and its tests", "09be77a2"),
        ],
    }]
}

/// Changes of files: lines, a new place, and one without lines.
pub(super) fn changes() -> Vec<Change> {
    let line = |kind, old_number, new_number, text: &str| {
        let parts = vec![SnippetPart { text: text.to_owned(), marked: false }];
        ChangeLine { kind, old_number, new_number, parts }
    };
    let change = |status, path| Change {
        status,
        old_path: None,
        path,
        additions: 0,
        deletions: 0,
        open: false,
        note: None,
        lines: Vec::new(),
    };
    vec![
        Change {
            additions: 1,
            deletions: 1,
            open: true,
            lines: vec![
                line("hunk", "", "", "@@ -1,3 +1,3 @@"),
                line("context", "1", "1", "# Harbour"),
                line("removed", "2", "", "A large model."),
                line("added", "", "2", "A small model of ships and the weather."),
            ],
            ..change("Changed", "README.md")
        },
        Change { old_path: Some("tokens.json"), ..change("Renamed", "tokenizer.json") },
        Change { note: Some("A large file: only its pointer changed."), open: true, ..change("Added", "model.safetensors") },
        change("Deleted", "notes.txt"),
    ]
}

/// Fields: empty, filled in, refused.
pub(super) fn fields() -> Vec<Field> {
    vec![
        Field::new("empty", "Empty"),
        Field::new("filled", "Filled, with a hint").value("harbour-7b").hint("Letters, digits, `-`, `_` and `.`."),
        Field::new("wrong", "Refused").value("no spaces here").error(Some("A name has no spaces in it.".to_owned())),
    ]
}

/// Repositories of every kind.
pub(super) fn cards() -> Vec<RepoSummary> {
    let card = |kind, name: &str, task: Option<&str>, private| RepoSummary {
        kind,
        namespace: "acme".to_owned(),
        name: name.to_owned(),
        private,
        task: task.map(str::to_owned),
        library: Some("Transformers".to_owned()).filter(|_| kind == RepoType::Model),
        parameters: Some(8_030_261_248).filter(|_| kind == RepoType::Model),
        size_bytes: 16_060_522_496,
        downloads: 1_234_567,
        likes: 321,
        updated_at: Utc::now() - TimeDelta::hours(5),
        snippet: Vec::new(),
        why_href: None,
    };
    let part = |text: &str, marked| SnippetPart { text: text.to_owned(), marked };
    let mut found = card(RepoType::Model, "harbour-8b-instruct", Some("Text Generation"), false);
    found.snippet = vec![part("Answers questions about ", false), part("volcanoes", true), part(" in plain words.", false)];
    vec![
        found,
        card(RepoType::Dataset, "ship-logs-of-the-northern-harbours-1850-to-1914", Some("Text Classification"), true),
        RepoSummary { downloads: 0, likes: 0, ..card(RepoType::Space, "demo", None, false) },
        card(RepoType::Bucket, "training-run", None, false),
    ]
}

/// The way to a file.
pub(super) fn crumbs() -> Vec<Crumb> {
    let link = |label: &str| Crumb { label: label.to_owned(), href: Some("/design".to_owned()) };
    vec![link("harbour-8b"), link("checkpoints"), Crumb { label: "model.safetensors".to_owned(), href: None }]
}

/// A menu of revisions.
pub(super) fn picker() -> RevisionPicker {
    let link = |name: &str, current| RefLink { name: name.to_owned(), href: "/design".to_owned(), current };
    RevisionPicker {
        label: "main".to_owned(),
        detached: false,
        branches: vec![link("main", true), link("experiment", false)],
        tags: vec![link("v1.0", false)],
        all_href: "/design".to_owned(),
        compare_href: "/design".to_owned(),
        create: None,
    }
}
