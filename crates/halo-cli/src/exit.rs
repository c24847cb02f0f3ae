//! Exit codes, and failures as the user reads them. Scripts rely on the codes: they are part of the interface.

use halo_checks::CheckError;
use halo_dataset::DatasetError;
use halo_ingest::IngestError;
use halo_llm::LlmError;
use halo_query::QueryError;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Done, and the gate fired: a finding at `--fail-on` or above.
    Gate,
    /// The command line, or a statement in it, makes no sense.
    Usage,
    /// The input can't be read, or too much of it was rejected.
    Input,
    /// The model or the network failed.
    Model,
    /// A budget was spent; the report holds what was found by then.
    Budget,
    /// A bug in halo.
    Bug,
    /// The user interrupted.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::Gate => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Model => 4,
            Self::Budget => 5,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

/// Why a command did not do its work: one line, and one more with what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn with_hint(mut self, hint: Option<&str>) -> Self {
        self.hint = hint.map(str::to_owned);
        self
    }
}

impl From<DatasetError> for Failure {
    fn from(error: DatasetError) -> Self {
        let exit = if matches!(error, DatasetError::Arrow(_)) { Exit::Bug } else { Exit::Input };
        Self::new(exit, error.to_string()).with_hint(error.hint())
    }
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Dataset(error) => error.into(),
            IngestError::Interrupted => Self::new(Exit::Interrupted, error.to_string()),
            IngestError::Internal(_) => Self::new(Exit::Bug, error.to_string()),
            IngestError::Missing { .. } | IngestError::NothingInFolder { .. } | IngestError::Input { .. } => {
                Self::new(Exit::Input, error.to_string())
            }
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let hint = error.hint().map(str::to_owned);
        let message = error.to_string();
        let exit = match error {
            QueryError::Dataset(error) => return error.into(),
            QueryError::Statement { .. } | QueryError::Limit { .. } => Exit::Usage,
            QueryError::Cancelled => Exit::Interrupted,
            QueryError::Internal { .. } => Exit::Bug,
        };
        Self { exit, message, hint }
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Query(error) => error.into(),
            // The user's own: those of the program are whole.
            CheckError::Folder { .. } | CheckError::Catalogue { .. } => Self::new(Exit::Usage, error.to_string()),
            other => Self::new(Exit::Bug, other.to_string()).with_hint(other.hint()),
        }
    }
}

impl From<LlmError> for Failure {
    fn from(error: LlmError) -> Self {
        let exit = if matches!(error, LlmError::Options { .. }) { Exit::Usage } else { Exit::Model };
        Self::new(exit, error.to_string()).with_hint(error.advice())
    }
}
