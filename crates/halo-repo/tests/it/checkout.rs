//! A folder in a temporary place, with or without git.

use std::path::{Path, PathBuf};
use std::process::Command;

use halo_repo::{Repo, RepoLimits, tools};
use halo_tool::ToolContext;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A folder that goes away with it. The repository is `root()`; what lies beside it is outside.
pub(crate) struct Checkout {
    folder: TempDir,
    commits: std::cell::Cell<u32>,
}

impl Checkout {
    /// An empty folder.
    pub(crate) fn plain() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("repo")).unwrap();
        Self { folder, commits: 0.into() }
    }

    /// An empty git work tree.
    pub(crate) fn git() -> Self {
        let checkout = Self::plain();
        checkout.run(&["init", "--quiet", "--initial-branch=main"]);
        checkout
    }

    /// The folder around the repository.
    pub(crate) fn around(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.around().join("repo")
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    #[cfg(unix)]
    pub(crate) fn link(&self, path: &str, target: impl AsRef<Path>) {
        std::os::unix::fs::symlink(target, self.root().join(path)).unwrap();
    }

    /// Runs git in the work tree; gives what it says.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.run_at(&self.root(), arguments)
    }

    pub(crate) fn run_at(&self, folder: &Path, arguments: &[&str]) -> String {
        // One minute later with each commit, so that hashes are the same everywhere.
        let date = format!("2026-01-02T03:{:02}:00Z", self.commits.get());
        let output = Command::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgSign=false"])
            .args(["-c", "protocol.file.allow=always"])
            .args(arguments)
            .current_dir(folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .expect("these tests need the git program on the PATH");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Commits everything; gives the hash.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.commits.set(self.commits.get() + 1);
        self.run(&["add", "--all", "--force"]);
        self.run(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.run(&["rev-parse", "HEAD"])
    }

    pub(crate) fn open(&self) -> Repo {
        self.open_with(RepoLimits::default())
    }

    pub(crate) fn open_with(&self, limits: RepoLimits) -> Repo {
        open_at(&self.root(), limits)
    }

    /// What a tool answers, or the error that the model reads.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> String {
        call(&self.open(), tool, arguments).await
    }
}

/// Opens a folder with the git program that the tests use.
pub(crate) fn open_at(path: &Path, limits: RepoLimits) -> Repo {
    let search_path = limits.search_path.clone().or_else(|| option_env!("PATH").map(Into::into));
    Repo::open(path, RepoLimits { search_path, ..limits }).unwrap()
}

/// What a tool answers, or the error that the model reads.
pub(crate) async fn call(repo: &Repo, tool: &str, arguments: Value) -> String {
    call_until(repo, tool, arguments, CancellationToken::new()).await
}

pub(crate) async fn call_until(repo: &Repo, tool: &str, arguments: Value, cancel: CancellationToken) -> String {
    let context = ToolContext { cancel, agent_id: "root".to_owned(), tool_call_id: "call".to_owned() };
    match tools(repo.clone()).call(tool, &arguments.to_string(), &context).await {
        Ok(output) => output.text,
        Err(error) => format!("ERROR {error}\n"),
    }
}
