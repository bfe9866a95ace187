//! The codes and texts that client libraries compare, word for word.
//!
//! Source: `huggingface_hub` `utils/_http.py`, `hf_raise_for_status`.

/// `X-Error-Code` of a repository that is missing or not for this viewer's eyes.
pub const REPO_NOT_FOUND: &str = "RepoNotFound";
/// `X-Error-Code` of an unknown branch, tag or commit.
pub const REVISION_NOT_FOUND: &str = "RevisionNotFound";
/// `X-Error-Code` of a missing file or folder.
pub const ENTRY_NOT_FOUND: &str = "EntryNotFound";
/// `X-Error-Code` of a file whose owner wants to be asked first.
pub const GATED_REPO: &str = "GatedRepo";
/// `X-Error-Code` of a repository whose files nobody needs to ask for.
pub const REPO_NOT_GATED: &str = "RepoNotGated";

/// Message of a 401 for a token the hub does not know; with another text, clients report a missing repository.
pub const INVALID_CREDENTIALS: &str = "Invalid credentials in Authorization header";
/// Message of a 403 for a repository that was switched off.
pub const REPO_DISABLED: &str = "Access to this resource is disabled.";
/// Message of a 412: the branch is not where the client's `parentCommit` says.
pub const STALE_PARENT: &str = "The branch was updated since you opened this page. Please refresh and try again.";
