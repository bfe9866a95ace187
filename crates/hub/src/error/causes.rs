//! What the errors of the database, the store, the disk and the types mean to a person.

use hub_storage::Error as StoreError;
use hub_types::{NameError, PathError, RefError};

use super::HubError;

impl From<sqlx::Error> for HubError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::unavailable("The database is not answering. Try again in a moment.", error)
            }
            sqlx::Error::Database(cause) if is_away(cause.code().as_deref()) => {
                let error = sqlx::Error::Database(cause);
                Self::unavailable("The database is not answering. Try again in a moment.", error)
            }
            // `deadlock_detected`, `serialization_failure`: the same once more finds nobody in its way.
            sqlx::Error::Database(cause) if matches!(cause.code().as_deref(), Some("40P01" | "40001")) => Self::unavailable(
                "Somebody else changed the same things at this moment. Nothing was changed; try again in a moment.",
                sqlx::Error::Database(cause),
            ),
            // `disk_full`
            sqlx::Error::Database(cause) if cause.code().as_deref() == Some("53100") => Self::unavailable(
                "The disk of the hub's database is full. Nothing was changed; ask its operator to make room.",
                sqlx::Error::Database(cause),
            ),
            // A trigger that sees an organisation end at this moment.
            sqlx::Error::Database(cause) if cause.constraint() == Some("repos_namespace_deleted") => Self::conflict(
                "The owner of this repository is deleted. Choose another owner, or have that one brought back first.",
            ),
            // PostgreSQL keeps no NUL in text (`character_not_in_repertoire`) and JSON (`untranslatable_character`); nobody types one
            // by accident.
            sqlx::Error::Database(error) if matches!(error.code().as_deref(), Some("22021" | "22P05")) => {
                Self::bad_request("Text cannot contain the character NUL.")
            }
            other => Self::internal(other),
        }
    }
}

/// Whether PostgreSQL says that it takes no work now, and not that there is something wrong with the work: it stops, starts,
/// recovers, hands over to another server or has too many connections.
fn is_away(code: Option<&str>) -> bool {
    code.is_some_and(|code| code.starts_with("08") || ["53300", "57P01", "57P02", "57P03", "25006"].contains(&code))
}

impl From<NameError> for HubError {
    fn from(error: NameError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<RefError> for HubError {
    fn from(error: RefError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<PathError> for HubError {
    fn from(error: PathError) -> Self {
        Self::unprocessable(error.to_string())
    }
}

impl From<StoreError> for HubError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full { .. } => {
                Self::unavailable("The hub's storage is full. Nothing was stored; ask its operator to make room.", error)
            }
            StoreError::Denied { .. } | StoreError::Config(_) => {
                Self::unavailable("The hub may not use its object store. Nothing was changed; tell its operator.", error)
            }
            StoreError::Unavailable { .. } | StoreError::Interrupted { .. } => {
                Self::unavailable("The hub's object store is not answering. Nothing was changed; try again in a moment.", error)
            }
            // What the database knows of must be there, and what the hub asks of the store must make sense.
            StoreError::NotFound { .. }
            | StoreError::SizeMismatch { .. }
            | StoreError::TooLarge { .. }
            | StoreError::HashMismatch { .. }
            | StoreError::RangeOutside { .. }
            | StoreError::PresignUnsupported => Self::internal(error),
        }
    }
}

impl From<std::io::Error> for HubError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::unavailable("The hub's disk is full. Nothing was changed; ask its operator to make room.", error)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<actix_web::error::BlockingError> for HubError {
    fn from(error: actix_web::error::BlockingError) -> Self {
        Self::internal(error)
    }
}

impl From<tokio::task::JoinError> for HubError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error;
    use std::fmt;

    use sqlx::error::{DatabaseError, ErrorKind as Cause};

    use super::*;
    use crate::error::ErrorKind;

    /// What PostgreSQL says with this code.
    #[derive(Debug)]
    struct Said(&'static str);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Said {}

    impl DatabaseError for Said {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> Cause {
            Cause::Other
        }
    }

    #[test]
    fn what_works_when_it_is_tried_again_is_no_fault_of_the_hub() {
        for (code, kind) in [
            ("40P01", ErrorKind::Unavailable),
            ("40001", ErrorKind::Unavailable),
            ("53100", ErrorKind::Unavailable),
            ("57P01", ErrorKind::Unavailable),
            ("22021", ErrorKind::BadRequest),
            ("42601", ErrorKind::Internal),
        ] {
            let error = HubError::from(sqlx::Error::Database(Box::new(Said(code))));
            assert_eq!(error.kind(), kind, "{code}");
        }
    }
}
