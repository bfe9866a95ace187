//! What is said where there is no room for more, and of what is switched off.

use hub_types::RepoId;

use super::HubError;
use crate::flags::Flag;

impl HubError {
    /// 403: those who run the hub switched it off.
    pub fn switched_off(flag: Flag) -> Self {
        let what = match flag {
            Flag::SignUp => return Self::forbidden("Sign-up is closed on this hub: ask its operator for an account."),
            Flag::Organizations => "make organizations",
            Flag::Spaces => "make Spaces",
            Flag::Buckets => "make buckets",
            Flag::Applications => "register applications",
            Flag::Ssh => "use git by SSH",
            Flag::Discussions | Flag::Xet | Flag::Rules => "do this",
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

    /// 413: an owner would hold more than they may.
    pub fn quota_reached(owner: &str, used: u64, more: u64, limit: u64) -> Self {
        let [used, more, limit] = [used, more, limit].map(crate::web::filters::size_text);
        Self::too_large(format!(
            "The storage of {owner} is full: it holds {used} of the {limit} that this hub allows, and this brings {more} more. \
             Nothing was stored: delete repositories or files first, or ask the hub's operator for more."
        ))
    }
}
