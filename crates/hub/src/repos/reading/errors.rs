use hub_git::Error;

use crate::error::{ErrorKind, HubError};

impl From<Error> for HubError {
    fn from(error: Error) -> Self {
        match error {
            Error::RevisionNotFound(revision) => Self::revision_not_found(&revision),
            Error::RevisionAmbiguous(_) => Self::new(ErrorKind::RevisionNotFound, error.to_string()),
            Error::EntryNotFound(_) => Self::entry_not_found(),
            Error::NothingToDelete(_) => Self::nothing_to_delete(),
            Error::PathConflict { .. } => Self::unprocessable(error.to_string()),
            Error::TooLarge { .. } => Self::too_large(error.to_string()),
            // The disk may be full.
            Error::Io(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl HubError {
    /// The same error for another of those who waited for one result.
    pub(crate) fn again(error: &std::sync::Arc<Self>) -> Self {
        Self::new(error.kind(), error.message())
    }
}
