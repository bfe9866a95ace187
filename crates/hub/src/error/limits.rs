//! What is said where there is no room for more, and of what is switched off.

use hub_types::RepoId;

use super::{ErrorKind, HubError};
use crate::flags::Flag;

impl HubError {
    /// When a change that was refused may be tried again, in seconds. `huggingface_hub` waits so long, and a second more, before each of
    /// five tries, however long that is, and only then shows what it was told: so it is short.
    pub const READ_ONLY_RETRY_SECS: &str = "1";

    /// 503: the hub takes no changes. Whoever switched it so may have said why.
    pub fn read_only(told: Option<&str>) -> Self {
        let why = told.unwrap_or("those who run it are looking after it");
        let end = if why.ends_with(['.', '!', '?']) { "" } else { "." };
        Self::new(
            ErrorKind::ReadOnly,
            format!("The hub takes no changes at the moment: {why}{end} Reading and downloading go on. Try again later."),
        )
        .with_header("Retry-After", Self::READ_ONLY_RETRY_SECS)
    }

    /// 403: those who run the hub switched it off.
    pub fn switched_off(flag: Flag) -> Self {
        let what = match flag {
            Flag::SignUp => return Self::forbidden("Sign-up is closed on this hub: ask its operator for an account."),
            Flag::Organizations => "make organizations",
            Flag::Spaces => "make Spaces",
            Flag::Buckets => "make buckets",
            Flag::Applications => "register applications",
            Flag::Ssh => "use git by SSH",
            Flag::Discussions | Flag::Xet | Flag::Rules | Flag::ReadOnly => "do this",
        };
        let instead = if flag == Flag::Ssh { " Use HTTPS." } else { "" };
        Self::forbidden(format!("Nobody can {what} on this hub at the moment: those who run it switched that off.{instead}"))
    }

    /// 413: a bucket would hold more than the hub allows.
    pub fn bucket_full(id: &RepoId, used: u64, wanted: u64, limit: u64) -> Self {
        let [used, wanted, limit] = [used, wanted, limit].map(crate::web::filters::size_text);
        Self::too_large(format!(
            "The bucket {id} would hold {wanted}, and this hub allows {limit}; it holds {used} now. Nothing was changed: delete \
             files first, or ask the hub's operator for more."
        ))
    }

    /// 413: all buckets of an owner would hold more than the hub allows.
    pub fn owner_full(owner: &str, used: u64, wanted: u64, limit: u64) -> Self {
        let [used, wanted, limit] = [used, wanted, limit].map(crate::web::filters::size_text);
        Self::too_large(format!(
            "The buckets of {owner} would hold {wanted} together, and this hub allows {limit}; they hold {used} now. Nothing was \
             changed: delete files or buckets first, or ask the hub's operator for more."
        ))
    }

    /// 413: more files than somebody may send at once who may only propose.
    pub fn proposal_too_large(most: u64) -> Self {
        let most = crate::web::filters::size_text(most);
        Self::too_large(format!(
            "This is more than the {most} of text that somebody sends at once who may only propose changes. Nothing was stored: split \
             it into several commits to one pull request."
        ))
    }

    /// 413: an owner would hold more than they may.
    pub fn quota_reached(owner: &str, used: u64, more: u64, limit: u64) -> Self {
        let [used, more, limit] = [used, more, limit].map(crate::web::filters::size_text);
        Self::too_large(format!(
            "The storage of {owner} is full: it holds {used} of the {limit} that this hub allows, and this brings {more} more. \
             Nothing was stored: delete repositories or files first, or ask the hub's operator for more."
        ))
    }
}
