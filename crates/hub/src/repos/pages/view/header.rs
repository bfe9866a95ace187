//! The head of all pages of a repository: its name, its tabs, what is done with one click, and the lines that fetch it.

use hub_types::RepoType;

use crate::notifications::watching::Level;
use crate::recalls::StandingInRepo;
use crate::scans::queries::Warning;
use crate::web::layout::{kind_icon, kind_word};

/// A page of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepoTab {
    /// The card.
    Card,
    /// Files, file, history, commit, branches.
    Files,
    /// Discussions and pull requests.
    Community,
    /// A page without a tab, such as how to load it.
    Other,
    /// Settings.
    Settings,
}

/// A link in the navigation of a repository or of settings.
#[derive(Debug)]
pub struct TabLink {
    /// Where it leads.
    pub href: String,
    /// Its icon.
    pub icon: &'static str,
    /// Its text.
    pub label: &'static str,
    /// How many there are of what it leads to, if that is worth telling.
    pub count: i64,
    /// Whether this page is it.
    pub current: bool,
}

/// A short fact with a link to all that share it.
#[derive(Debug, Clone)]
pub struct Chip {
    /// The icon.
    pub icon: &'static str,
    /// The text.
    pub label: String,
    /// The list it leads to.
    pub href: String,
    /// Whether it is the first thing to know.
    pub accent: bool,
    /// Whether files say it, and not the card.
    pub inferred: bool,
}

/// The head of all pages of a repository.
#[derive(Debug, Clone)]
pub struct RepoHeader {
    /// Its kind.
    pub kind: RepoType,
    /// Its owner.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether only members see it.
    pub private: bool,
    /// Whether readers must ask.
    pub gated: bool,
    /// Whether moderators disabled it.
    pub disabled: bool,
    /// Where moderators suspended its organisation, to which the viewer belongs: whether the viewer answers for it.
    pub suspended: Option<bool>,
    /// The branch that links without a revision lead to.
    pub default_branch: String,
    /// Whether the viewer may change settings.
    pub can_admin: bool,
    /// Task, library, licence.
    pub chips: Vec<Chip>,
    /// The page within the repository.
    pub tab: RepoTab,
    /// The hub's own address, without a slash at the end.
    pub hub_url: String,
    /// Its address for git over SSH, if the hub speaks it.
    pub ssh_url: Option<String>,
    /// The like button.
    pub like: LikeButton,
    /// How many discussions and pull requests are open.
    pub discussions: i64,
    /// What was found in its files that nobody should load.
    pub warning: Option<Warning>,
    /// What was recalled of it.
    pub recall: Option<StandingInRepo>,
    /// What the viewer hears of it.
    pub watch: WatchButton,
}

/// What the watch button shows.
#[derive(Debug, Clone)]
pub struct WatchButton {
    /// What the viewer hears now.
    pub level: Level,
}

impl WatchButton {
    /// The text of the button.
    pub fn label(&self) -> &'static str {
        match self.level {
            Level::All => "Watching",
            Level::Participating => "Watch",
            Level::Ignore => "Ignoring",
        }
    }

    /// What can be chosen.
    pub fn choices(&self) -> [WatchChoice; 3] {
        Level::EVERY.map(|level| {
            let hint = match level {
                Level::All => "Every discussion and pull request",
                Level::Participating => "Where you take part, or somebody says @you",
                Level::Ignore => "Nothing, not even mentions",
            };
            WatchChoice { level, hint, chosen: level == self.level }
        })
    }
}

/// What one can choose to hear of a repository.
#[derive(Debug)]
pub struct WatchChoice {
    /// The choice.
    pub level: Level,
    /// What it means.
    pub hint: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// What the like button shows.
#[derive(Debug, Clone, Default)]
pub struct LikeButton {
    /// How many like it.
    pub likes: u64,
    /// Whether the viewer does.
    pub liked: bool,
}

impl RepoHeader {
    /// Where is said why moderators disabled it.
    pub fn notice_href(&self) -> String {
        format!("/moderation/notice/{}/{}/{}", self.kind.plural(), self.namespace, self.name)
    }

    /// The icon of its kind.
    pub fn icon(&self) -> &'static str {
        kind_icon(self.kind)
    }

    /// `namespace/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Its page.
    pub fn href(&self) -> String {
        format!("/{}{}", self.kind.url_prefix(), self.id())
    }

    /// Its API.
    pub fn api_href(&self) -> String {
        format!("/api/{}/{}", self.kind.plural(), self.id())
    }

    /// The word for it in running text.
    pub fn kind_label(&self) -> &'static str {
        kind_word(self.kind)
    }

    /// What its README is called.
    pub fn card_label(&self) -> &'static str {
        match self.kind {
            RepoType::Model => "Model card",
            RepoType::Dataset => "Dataset card",
            RepoType::Space => "About",
            RepoType::Bucket => "Files",
        }
    }

    /// What the page of related repositories shows, where there is one.
    pub fn related_label(&self) -> Option<&'static str> {
        match self.kind {
            RepoType::Model => Some("Datasets for it, similar models"),
            RepoType::Dataset => Some("Models trained on it"),
            RepoType::Space | RepoType::Bucket => None,
        }
    }

    /// Whether the page's heading is the repository itself.
    pub fn is_card_tab(&self) -> bool {
        self.tab == RepoTab::Card
    }

    /// The tabs the viewer may open.
    pub fn tabs(&self) -> Vec<TabLink> {
        let link = |tab, href: String, icon, label| TabLink { href, icon, label, count: 0, current: self.tab == tab };
        let mut tabs = match self.kind.has_git() {
            true => vec![
                link(RepoTab::Card, self.href(), "book-open", self.card_label()),
                link(RepoTab::Files, self.tree_href(), "folder-open", "Files"),
                TabLink {
                    count: self.discussions,
                    ..link(RepoTab::Community, format!("{}/discussions", self.href()), "message-square-text", "Community")
                },
            ],
            false => vec![link(RepoTab::Files, self.href(), "folder-open", "Files")],
        };
        if self.can_admin {
            tabs.push(link(RepoTab::Settings, format!("{}/settings", self.href()), "settings", "Settings"));
        }
        tabs
    }

    /// The page of the file that was found, with what was found in it; in a bucket, its folder.
    pub fn warning_href(&self, warning: &Warning) -> String {
        if !self.has_git() {
            return match warning.path.rsplit_once('/') {
                Some((folder, _)) => format!("{}/tree/{}", self.href(), crate::web::links::encode_path(folder)),
                None => self.href(),
            };
        }
        let branch = crate::web::links::encode_segment(&self.default_branch);
        format!("{}/blob/{branch}/{}#security", self.href(), crate::web::links::encode_path(&warning.path))
    }

    fn tree_href(&self) -> String {
        format!("{}/tree/{}", self.href(), crate::web::links::encode_segment(&self.default_branch))
    }

    /// The page with code that loads it, for what libraries load.
    pub fn use_href(&self) -> Option<String> {
        matches!(self.kind, RepoType::Model | RepoType::Dataset).then(|| format!("{}/use", self.href()))
    }

    /// Whether it is a git repository.
    pub fn has_git(&self) -> bool {
        self.kind.has_git()
    }

    /// The lines that send a folder to a bucket and fetch it.
    pub fn sync_commands(&self) -> (String, String) {
        let (id, hub) = (self.id(), &self.hub_url);
        let line = |from: &str, to: &str| format!("HF_ENDPOINT={hub} \\\n  hf sync {from} {to}");
        let bucket = format!("hf://buckets/{id}");
        (line("./folder", &bucket), line(&bucket, "./folder"))
    }

    /// The line that clones it.
    pub fn git_command(&self) -> String {
        format!("git clone {}{}", self.hub_url, self.href())
    }

    /// The same over SSH, if the hub speaks it.
    pub fn ssh_command(&self) -> Option<String> {
        self.ssh_url.as_ref().map(|url| format!("git clone {url}"))
    }

    /// The line that downloads it.
    pub fn hf_command(&self) -> String {
        format!("HF_ENDPOINT={} \\\n  hf download {}{}", self.hub_url, self.id(), self.kind.hf_option())
    }
}
