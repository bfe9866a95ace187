//! How much is let through, and for how long.

use super::reader::Reader;

/// How long browsers stay logged in.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// At most, in days.
    pub days: i32,
    /// Without any request, in hours.
    pub idle_hours: i32,
}

/// How long people stay signed in to applications at most, in days.
#[derive(Debug, Clone, Copy)]
pub struct OauthLimits {
    /// To most.
    pub days: i32,
    /// To the command line.
    pub command_line_days: i32,
}

/// What accounts may do that are new: so much an hour, and what of it is reported (`moderation::rules`). 0: any amount.
#[derive(Debug, Clone)]
pub struct RulesConfig {
    /// For how many days an account is new; 0: there are no rules.
    pub new_account_days: u64,
    /// Repositories an hour.
    pub repos: u64,
    /// Discussions an hour.
    pub discussions: u64,
    /// Comments an hour.
    pub comments: u64,
    /// People mentioned an hour.
    pub mentions: u64,
    /// Invitations an hour.
    pub invitations: u64,
    /// Organisations an hour.
    pub organizations: u64,
    /// Links to elsewhere in one comment or card.
    pub links: u64,
    /// How often the same may be said within a week.
    pub copies: u64,
    /// By how many accounts nearly the same may be said within a week.
    pub alike: u64,
    /// How many repositories of one account may have nothing in them.
    pub empty_repos: u64,
    /// Names that nobody's should look like.
    pub names: Vec<String>,
}

impl RulesConfig {
    /// Whether there are any rules.
    pub const fn apply(&self) -> bool {
        self.new_account_days > 0
    }
}

/// How many requests somebody may make.
#[derive(Debug, Clone, Copy)]
pub struct RateLimits {
    /// Whether any are counted.
    pub enabled: bool,
    /// How long a window is, in seconds; at its end counting starts anew.
    pub window_secs: u64,
    /// For an account.
    pub accounts: RequestLimits,
    /// For a network address without one.
    pub anonymous: RequestLimits,
}

/// How many requests of each kind are taken in a window; 0: any number.
#[derive(Debug, Clone, Copy)]
pub struct RequestLimits {
    /// Of the API, git and LFS.
    pub api: u64,
    /// Of files.
    pub resolvers: u64,
    /// Of pages.
    pub pages: u64,
}

pub(super) fn read_rules(read: &mut Reader<'_>) -> RulesConfig {
    let names = read.text("rules.names").unwrap_or_default();
    RulesConfig {
        new_account_days: read.number("rules.new_account_days"),
        repos: read.number("rules.repos_per_hour"),
        discussions: read.number("rules.discussions_per_hour"),
        comments: read.number("rules.comments_per_hour"),
        mentions: read.number("rules.mentions_per_hour"),
        invitations: read.number("rules.invitations_per_hour"),
        organizations: read.number("rules.organizations_per_hour"),
        links: read.number("rules.links"),
        copies: read.number("rules.copies"),
        alike: read.number("rules.alike"),
        empty_repos: read.number("rules.empty_repos"),
        names: names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect(),
    }
}

pub(super) fn read_days(read: &mut Reader<'_>, key: &str) -> i32 {
    i32::try_from(read.number(key)).unwrap_or(i32::MAX)
}

/// A limit in GiB as bytes; 0 is none.
pub(super) fn read_limit(read: &mut Reader<'_>, key: &str) -> Option<u64> {
    Some(read.number(key)).filter(|gib| *gib > 0).map(|gib| gib * 1024 * 1024 * 1024)
}

/// A lifetime that clients outpace works, but costs a request for nearly each of theirs.
pub(super) fn read_token_secs(read: &mut Reader<'_>, key: &str) -> u64 {
    let secs = read.number(key);
    if secs < 60 {
        let because = "is short: clients renew a token half a minute before its end, so they will ask for one before nearly \
                       every request. 60 or more spares them that.";
        read.problems.doubtful_value(read.values, key, because);
    }
    secs
}

pub(super) fn read_rate_limits(read: &mut Reader<'_>) -> RateLimits {
    let accounts = RequestLimits {
        api: read.number("rate_limits.api"),
        resolvers: read.number("rate_limits.resolvers"),
        pages: read.number("rate_limits.pages"),
    };
    let anonymous = RequestLimits {
        api: read.number("rate_limits.anonymous_api"),
        resolvers: read.number("rate_limits.anonymous_resolvers"),
        pages: read.number("rate_limits.anonymous_pages"),
    };
    let window_secs = read.number("rate_limits.window_secs");
    RateLimits { enabled: read.switch("rate_limits.enabled"), window_secs, accounts, anonymous }
}
