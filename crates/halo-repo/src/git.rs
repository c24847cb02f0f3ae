//! The history of the repository, asked of the `git` program.

use std::path::{Path, PathBuf};

mod command;
mod discover;
mod revs;

pub(crate) use command::DIFF_OPTIONS;
pub(crate) use discover::{WorkTree, discover, find_program};
pub use revs::CommitInfo;
pub(crate) use revs::{DATE_FORMAT, format_option};

/// A git work tree and the program that reads its history.
#[derive(Debug)]
pub(crate) struct Git {
    /// Absolute path of the program.
    pub(crate) program: PathBuf,
    pub(crate) tree: WorkTree,
    /// The folder that answers are relative to: the work tree's top, or a folder in it.
    pub(crate) root: PathBuf,
}

impl Git {
    /// What limits a command to the root, or to a path in it. Empty when nothing has to be limited.
    pub(crate) fn pathspecs(&self, path: Option<&str>) -> Vec<String> {
        match path {
            Some(path) if !path.is_empty() => vec![format!(":(literal){path}")],
            _ if self.is_top() => Vec::new(),
            _ => vec![".".to_owned()],
        }
    }

    /// The same without files that hold secrets, for what shows contents or tells whether they hold a text.
    pub(crate) fn pathspecs_without_secrets(&self, path: Option<&str>) -> Vec<String> {
        let mut specs = self.pathspecs(path);
        if specs.is_empty() {
            specs.push(".".to_owned());
        }
        specs.extend(crate::names::secret_pathspecs());
        specs
    }

    fn is_top(&self) -> bool {
        self.root == Path::new(&self.tree.top)
    }
}
