//! One file for each command.

pub(crate) mod analyze;
pub(crate) mod check;
pub(crate) mod compact;
pub(crate) mod export;
pub(crate) mod info;
pub(crate) mod ingest;
pub(crate) mod overview;
pub(crate) mod report;
pub(crate) mod rows;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod sql;
pub(crate) mod trace;
pub(crate) mod verify;
