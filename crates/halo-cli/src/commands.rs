//! One file for each command.

pub(crate) mod analyze;
pub(crate) mod ingest;
pub(crate) mod sql;
