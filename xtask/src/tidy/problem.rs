//! What a check has to say: where, what is wrong, and what to do about it.

use std::fmt;

/// One breach of the workspace's rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// Path below the workspace, with `/`.
    path: String,
    /// Counted from 1; none where the file as a whole is meant, or is missing.
    line: Option<usize>,
    /// What is wrong and what to do.
    text: String,
}

impl Problem {
    /// A problem of a whole file.
    pub(crate) fn of_file(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(path, None, text)
    }

    /// A problem with its line where that is known.
    pub(crate) fn new(path: impl Into<String>, line: Option<usize>, text: impl Into<String>) -> Self {
        Self { path: path.into(), line, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}: {}", self.path, self.text),
            None => write!(formatter, "{}: {}", self.path, self.text),
        }
    }
}
