//! The repository as it was opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::folder::Folder;
use crate::git::{self, Git};
use crate::guard::Guard;
use crate::ignores;
use crate::resolve::Root;
use crate::{CommitInfo, RepoError, RepoLimits};

/// A folder of source code, with its history when it is a git work tree. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Repo {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) root: Root,
    git: Result<Git, String>,
    pub(crate) limits: RepoLimits,
}

impl Repo {
    /// Opens a folder: the top of a checkout, or a folder in it, to which all answers are then confined. Nothing is run.
    ///
    /// # Errors
    /// [`RepoError::Folder`] when there is no such folder or it can't be read. A folder without git is none:
    /// [`git_missing`](Self::git_missing) says why.
    pub fn open(path: impl AsRef<Path>, limits: RepoLimits) -> Result<Self, RepoError> {
        let path = path.as_ref();
        let wrong = |error: std::io::Error| RepoError::Folder { path: path.to_owned(), reason: error.to_string() };
        let root = path.canonicalize().map_err(wrong)?;
        let folder = Folder::open(&root).map_err(wrong)?;
        let tree = git::discover(&root);
        let work_tree = tree.as_ref().ok().map(|tree| (tree.top.as_path(), tree.exclude.as_slice()));
        let rules = ignores::above(&root, work_tree);
        let git_folders = tree.as_ref().ok().map(|tree| [&tree.git_folder, &tree.common_folder]);
        let inside = |path: &PathBuf| path.strip_prefix(&root).ok().map(Path::to_path_buf);
        let git_folders = git_folders.into_iter().flatten().filter_map(inside).collect();
        let program = git::find_program(limits.search_path.as_ref(), &root);
        let git = tree.and_then(|tree| {
            let program = program.ok_or_else(|| "there is no git program on this machine".to_owned())?;
            Ok(Git { program, tree, root: root.clone() })
        });
        let root = Root { path: root, folder, rules, git_folders };
        Ok(Self { inner: Arc::new(Inner { root, git, limits }) })
    }

    /// The folder, absolute and without links.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.inner.root.path
    }

    /// Why there is no history to ask for; `None` when there is.
    #[must_use]
    pub fn git_missing(&self) -> Option<&str> {
        self.inner.git.as_ref().err().map(String::as_str)
    }

    /// The commit that a text names, such as the version in a trace's attribute: a hash or the beginning of one, a tag, a branch, a version
    /// whose tag begins with `v`, or one with the hash behind a `+`. `None` when no commit has that name, or there is no git.
    pub async fn resolve_commit(&self, text: &str) -> Option<CommitInfo> {
        let git = self.inner.git.as_ref().ok()?;
        let guard = self.guard(&CancellationToken::new());
        let text = text.trim();
        let behind_plus = text.rsplit_once('+').map(|(_, hash)| hash.trim_start_matches("g").to_owned());
        let names = [Some(text.to_owned()), Some(format!("v{text}")), behind_plus];
        for name in names.into_iter().flatten() {
            if let Ok(hash) = git.commit(&name, &guard).await {
                return git.commit_info(&hash, &guard).await.ok();
            }
        }
        None
    }

    pub(crate) fn git(&self) -> Result<&Git, RepoError> {
        let missing =
            |reason: &String| RepoError::argument(format!("the repository has no history to ask for: {reason}"));
        self.inner.git.as_ref().map_err(missing)
    }

    pub(crate) fn guard(&self, cancel: &CancellationToken) -> Guard {
        Guard::new(cancel, self.inner.limits.time)
    }

    /// Does work that waits for the disk beside the runtime's threads.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        cancel: &CancellationToken,
        work: impl FnOnce(&Inner, &Guard) -> Result<T, RepoError> + Send + 'static,
    ) -> Result<T, RepoError> {
        let (inner, guard) = (Arc::clone(&self.inner), self.guard(cancel));
        let done = tokio::task::spawn_blocking(move || work(&inner, &guard)).await;
        done.map_err(|error| RepoError::failed(format!("the work ended early: {error}")))?
    }
}
