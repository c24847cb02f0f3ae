//! What .gitignore files leave out, with or without git.
//!
//! The files are read through [`Folder`], so that one that is a link or a pipe is passed over, as git passes it over.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::folder::Folder;

const FILE: &str = ".gitignore";
/// Bytes of one file of patterns; what stands behind them does not count.
const BYTES_MAX: u64 = 1 << 20;

/// The patterns that hold in one folder: its own last, because the nearest decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    stack: Vec<Arc<Gitignore>>,
}

impl Rules {
    /// What holds in the work tree's top before its own file: `.git/info/exclude`.
    pub(crate) fn of_work_tree(top: &Path, exclude: &[u8]) -> Self {
        let mut rules = Self::default();
        rules.push(top, exclude);
        rules
    }

    /// What holds in a folder that stands in a place where these hold.
    pub(crate) fn below(&self, folder: &Folder, path: &Path) -> Self {
        let mut rules = self.clone();
        if let Ok(content) = folder.read(OsStr::new(FILE), BYTES_MAX) {
            rules.push(path, &content);
        }
        rules
    }

    /// Whether a member of the folder is left out.
    pub(crate) fn ignores(&self, path: &Path, is_folder: bool) -> bool {
        for patterns in self.stack.iter().rev() {
            match patterns.matched(path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }

    fn push(&mut self, path: &Path, content: &[u8]) {
        let mut builder = GitignoreBuilder::new(path);
        for line in String::from_utf8_lossy(content).lines() {
            // A pattern that git can't read matches nothing there, and nothing here.
            drop(builder.add_line(None, &plain_braces(line)));
        }
        if let Ok(patterns) = builder.build()
            && !patterns.is_empty()
        {
            self.stack.push(Arc::new(patterns));
        }
    }
}

/// A pattern in which braces are characters like any other, as git has them; the library takes them for alternatives.
fn plain_braces(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut is_escaped = false;
    for c in line.chars() {
        if matches!(c, '{' | '}') && !is_escaped {
            out.push('\\');
        }
        is_escaped = c == '\\' && !is_escaped;
        out.push(c);
    }
    out
}

/// What holds in `root` before its own file: the files of the folders from the work tree's top down to it.
pub(crate) fn above(root: &Path, work_tree: Option<(&Path, &[u8])>) -> Rules {
    let Some((top, exclude)) = work_tree else {
        return Rules::default();
    };
    let mut rules = Rules::of_work_tree(top, exclude);
    let mut path = PathBuf::from(top);
    for name in root.strip_prefix(top).into_iter().flatten() {
        if let Ok(folder) = Folder::open(&path) {
            rules = rules.below(&folder, &path);
        }
        path.push(name);
    }
    rules
}
