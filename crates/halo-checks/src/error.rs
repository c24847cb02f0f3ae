//! What can go wrong with the checks, by who can mend it.

use std::path::PathBuf;

use halo_query::QueryError;

/// Why checks could not run at all. A single check that fails is an outcome, not an error.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A check's files are not as they must be: its author can mend it.
    #[error("check `{name}`: {reason}")]
    Catalogue {
        /// Name of the check.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A folder of checks can't be read.
    #[error("checks in `{path}`: {reason}", path = path.display())]
    Folder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A query failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A statement gives no column that is needed.
    #[error("the statement returns no column `{column}`; it returns {found}")]
    Column {
        /// The column.
        column: &'static str,
        /// What there is instead.
        found: String,
    },
    /// More rows than a count may rest on.
    #[error("the statement returns more than {rows_max} rows, so its traces can't be counted")]
    TooManyRows {
        /// The limit.
        rows_max: usize,
    },
}

impl CheckError {
    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Query(error) => error.hint(),
            Self::TooManyRows { .. } => Some("select DISTINCT trace_id"),
            Self::Catalogue { .. } | Self::Folder { .. } | Self::Column { .. } => None,
        }
    }
}
