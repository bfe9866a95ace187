//! What those who run the hub switch on and off while it runs. The settings say how a switch stands until somebody turns it, and again
//! when that is taken back. Each node keeps all of it in one number and hears of changes by the database, so that a look costs nothing.

pub mod queries;
pub mod read_only;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hub_types::RepoType;

use crate::accounts::UserPk;
use crate::app::App;
use crate::config::Config;
use crate::error::{HubError, HubResult};

/// On which channel of the database nodes hear that something was switched.
pub(crate) const CHANNEL: &str = "flags";

/// A switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// Strangers make accounts.
    SignUp,
    /// People make organisations.
    Organizations,
    /// People make Spaces.
    Spaces,
    /// People make buckets.
    Buckets,
    /// New repositories have discussions.
    Discussions,
    /// Downloads in chunks.
    Xet,
    /// The rules for new accounts.
    Rules,
    /// People and programs register applications.
    Applications,
    /// Git by SSH.
    Ssh,
    /// Nothing that people made is changed.
    ReadOnly,
}

impl Flag {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 10] = [
        Self::SignUp,
        Self::Organizations,
        Self::Spaces,
        Self::Buckets,
        Self::Discussions,
        Self::Xet,
        Self::Rules,
        Self::Applications,
        Self::Ssh,
        Self::ReadOnly,
    ];

    /// The word of forms and of the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Organizations => "organizations",
            Self::Spaces => "spaces",
            Self::Buckets => "buckets",
            Self::Discussions => "discussions",
            Self::Xet => "xet",
            Self::Rules => "rules",
            Self::Applications => "applications",
            Self::Ssh => "ssh",
            Self::ReadOnly => "read-only",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.as_str() == text)
    }

    /// What it is called.
    pub const fn label(self) -> &'static str {
        match self {
            Self::SignUp => "New accounts",
            Self::Organizations => "New organizations",
            Self::Spaces => "New Spaces",
            Self::Buckets => "New buckets",
            Self::Discussions => "Discussions in new repositories",
            Self::Xet => "Downloads in chunks (Xet)",
            Self::Rules => "Rules for new accounts",
            Self::Applications => "New applications",
            Self::Ssh => "Git by SSH",
            Self::ReadOnly => "Read-only operation",
        }
    }

    /// What it does.
    pub const fn effect(self) -> &'static str {
        match self {
            Self::SignUp => "Strangers make accounts themselves, with a password or where single sign-on lets them.",
            Self::Organizations => "People make organizations. Those that are there go on.",
            Self::Spaces => "People make Spaces, and copies of them. Those that are there go on.",
            Self::Buckets => "People make buckets, and copies of them. Those that are there go on.",
            Self::Discussions => "New repositories have discussions and pull requests; where they have not, owners turn them on.",
            Self::Xet => "Clients that know how are led to the chunks of files; if not, they download by plain HTTP.",
            Self::Rules => "What new accounts do is counted and looked at.",
            Self::Applications => "People register applications, and programs do so themselves. Those that are there go on.",
            Self::Ssh => "Git clones, fetches and pushes by SSH. What runs is let run.",
            Self::ReadOnly => {
                "Nothing that people made is changed: for maintenance. Reading, downloading and logging in go on, moderation, and this console."
            }
        }
    }

    /// How it stands by the settings.
    pub fn default(self, config: &Config) -> bool {
        match self {
            Self::SignUp => config.open_signup,
            Self::Xet => config.xet,
            Self::Rules => config.rules.apply(),
            Self::Ssh => config.ssh.is_some(),
            Self::ReadOnly => config.read_only,
            Self::Organizations | Self::Spaces | Self::Buckets | Self::Discussions | Self::Applications => true,
        }
    }

    /// The setting without which it cannot be switched on.
    pub fn needs(self, config: &Config) -> Option<&'static str> {
        match self {
            Self::Rules if !config.rules.apply() => Some("HUB_RULES_NEW_ACCOUNT_DAYS"),
            Self::Ssh if config.ssh.is_none() => Some("HUB_SSH_ADDRESS"),
            _ => None,
        }
    }

    const fn bit(self) -> u32 {
        1 << (self as u32)
    }
}

/// How this node knows all switches to stand; cheap to clone. The lower half says which were turned, the upper half how.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    turned: Arc<AtomicU32>,
    /// What people are told while nothing is changed.
    told: Arc<RwLock<Option<String>>>,
    /// Held while they are read: who reads later knows no less.
    loading: Arc<tokio::sync::Mutex<()>>,
}

impl Flags {
    /// How a switch was turned, if it was.
    pub fn turned(&self, flag: Flag) -> Option<bool> {
        let all = self.turned.load(Ordering::Relaxed);
        (all & flag.bit() != 0).then_some(all & (flag.bit() << 16) != 0)
    }

    /// What those who switched the hub to read-only operation say about it.
    pub fn told(&self) -> Option<String> {
        self.told.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, told: Option<String>) {
        *self.told.write().unwrap_or_else(PoisonError::into_inner) = told;
    }

    fn set(&self, turned: impl IntoIterator<Item = (Flag, bool)>) {
        let bits = |(flag, on): (Flag, bool)| flag.bit() | if on { flag.bit() << 16 } else { 0 };
        self.turned.store(turned.into_iter().map(bits).fold(0, |all, bits| all | bits), Ordering::Relaxed);
    }
}

impl App {
    /// Whether something is switched on.
    pub fn allows(&self, flag: Flag) -> bool {
        flag.needs(&self.config).is_none() && self.flags.turned(flag).unwrap_or_else(|| flag.default(&self.config))
    }

    /// Refuses new repositories of a kind that is switched off.
    ///
    /// # Errors
    /// 403 that says so.
    pub fn require_new(&self, kind: RepoType) -> HubResult<()> {
        match kind {
            RepoType::Space => self.require(Flag::Spaces),
            RepoType::Bucket => self.require(Flag::Buckets),
            RepoType::Model | RepoType::Dataset => Ok(()),
        }
    }

    /// Refuses what is switched off.
    ///
    /// # Errors
    /// 403 that says so.
    pub fn require(&self, flag: Flag) -> HubResult<()> {
        if self.allows(flag) { Ok(()) } else { Err(HubError::switched_off(flag)) }
    }
}

/// Learns how all switches stand.
///
/// # Errors
/// The database does not answer.
pub async fn load(app: &App) -> sqlx::Result<()> {
    let _turn = app.flags.loading.lock().await;
    let rows = queries::list_turned(&app.pool).await?;
    let of_read_only = rows.iter().find(|row| row.flag == Flag::ReadOnly.as_str());
    app.flags.tell(of_read_only.filter(|row| row.after == Some(true)).and_then(|row| row.told.clone()));
    app.flags.set(rows.into_iter().filter_map(|row| Some((Flag::parse(&row.flag)?, row.after?))));
    Ok(())
}

/// Turns a switch, in a transaction at hand, and tells how it stood; `None` is as the settings say. [`load`] it afterwards. With `expected`
/// only if it still stands so. `told` is what people read who are refused by it.
///
/// # Errors
/// 400 for what the settings make impossible, 409 when it stands so already, or somebody else turned it meanwhile.
pub async fn turn(
    app: &App,
    conn: &mut sqlx::PgConnection,
    (by, reason, told): (UserPk, &str, Option<&str>),
    (flag, to): (Flag, Option<bool>),
    expected: Option<Option<bool>>,
) -> HubResult<Option<bool>> {
    if to == Some(true)
        && let Some(setting) = flag.needs(&app.config)
    {
        return Err(HubError::bad_request(format!("The setting `{setting}` is missing: nothing could be switched on.")));
    }
    queries::lock(&mut *conn).await?;
    let before = queries::find_turned(&mut *conn, flag.as_str()).await?;
    if expected.is_some_and(|expected| expected != before) {
        return Err(HubError::conflict("It was switched again since: look at how it stands now."));
    }
    if before == to && told.is_none() {
        return Err(HubError::conflict("It stands so already: look at the page again."));
    }
    queries::insert(&mut *conn, flag.as_str(), (before, to), by, (reason, told)).await?;
    queries::notify(conn, CHANNEL).await?;
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_stand_each_for_itself() {
        let flags = Flags::default();
        assert!(Flag::ALL.into_iter().all(|flag| flags.turned(flag).is_none()));
        flags.set([(Flag::Ssh, false), (Flag::SignUp, true)]);
        assert_eq!(
            (flags.turned(Flag::Ssh), flags.turned(Flag::SignUp), flags.turned(Flag::Xet)),
            (Some(false), Some(true), None)
        );
        for flag in Flag::ALL {
            assert_eq!(Flag::parse(flag.as_str()), Some(flag));
        }
    }
}
