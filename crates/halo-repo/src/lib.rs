//! A folder of source code and its git history to bounded, confined answers, and the tools made of it.
//!
//! [`Repo`] stands for the checkout of the harness whose traces are looked into. [`tools`] gives a model eyes for it: tree, names, contents
//! and, where the folder is a git work tree, history. [`Repo::cite`] proves later that a place a finding cites exists, and
//! [`Repo::resolve_commit`] finds the commit that a trace names.
//!
//! The folder belongs to strangers: its links, ignore files and git configuration are read as an attack. No path leads out of it
//! (`resolve.rs`, `folder.rs`), git runs nothing that its configuration names (`git/command.rs`), and every answer ends in time, work and
//! length. This crate knows the tool contract and nothing of traces, models or agents.

mod cite;
mod error;
mod folder;
mod git;
mod guard;
mod ignores;
mod limits;
mod names;
mod repo;
mod resolve;
mod text;
mod tools;
mod walk;
mod window;

pub use cite::{CitedLines, code_source};
pub use error::RepoError;
pub use git::CommitInfo;
pub use limits::RepoLimits;
pub use repo::Repo;
pub use tools::tools;
