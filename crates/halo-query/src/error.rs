//! What can go wrong with a query, by who can mend it.

use halo_dataset::DatasetError;

/// Why a query gave no result.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The statement is wrong: whoever wrote it can mend it.
    #[error("{message}")]
    Statement {
        /// What is wrong, with the position where it is known.
        message: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// The query took more than it was allowed.
    #[error("{message}")]
    Limit {
        /// Which limit.
        kind: LimitKind,
        /// How much was allowed.
        message: String,
    },
    /// The caller cancelled it.
    #[error("the query was cancelled")]
    Cancelled,
    /// The dataset can't be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A bug in halo or in its query engine.
    #[error("internal error of the query engine: {message}")]
    Internal {
        /// What the engine said.
        message: String,
    },
}

/// A limit that ends a query without a result. Rows and bytes are no errors: the result is cut and says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    /// Wall time.
    Time,
    /// Memory of all queries of a session together.
    Memory,
    /// What one call of a function makes.
    Call,
}

impl QueryError {
    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Statement { hint, .. } => hint.as_deref(),
            Self::Limit { kind: LimitKind::Time, .. } => Some(
                "narrow it: filter by trace_id or time, search fewer columns, ask `traces` instead of `spans`, and give every join a condition",
            ),
            Self::Limit { kind: LimitKind::Memory, .. } => Some(
                "select fewer long columns (input, output, attributes, events), aggregate or LIMIT before sorting and joining, or allow more memory",
            ),
            Self::Limit { kind: LimitKind::Call, .. } => Some(
                "shorten what goes in with substr(x, 1, 2000), take fewer rows or a smaller count, or allow more memory",
            ),
            Self::Dataset(error) => error.hint(),
            Self::Cancelled | Self::Internal { .. } => None,
        }
    }

    /// A statement that is wrong, without advice.
    pub(crate) fn statement(message: impl Into<String>) -> Self {
        Self::Statement { message: message.into(), hint: None }
    }

    /// A statement that is wrong, with advice.
    pub(crate) fn statement_with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Statement { message: message.into(), hint: Some(hint.into()) }
    }

    /// A state that should not occur.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::Internal { message: message.into() }
    }
}
