//! What several tools need: files at a revision, globs, and how lines are asked for.

use std::path::Path;

use ignore::overrides::{Override, OverrideBuilder};
use tokio_util::sync::CancellationToken;

use crate::git::Git;
use crate::guard::Guard;
use crate::names;
use crate::resolve::{lexical, refuse_secret};
use crate::text::short;
use crate::window::{Lines, Wanted, Window};
use crate::{Repo, RepoError};

/// Lines that one call shows when it does not say how many, and at most.
const LINES: u64 = 500;
const LINES_MAX: u64 = 2000;
/// Names shown of a folder at a revision.
const NAMES_SHOWN: usize = 100;

/// Which lines a call asks for; what is out of range is brought into it.
pub(crate) fn wanted(offset: Option<u64>, limit: Option<u64>, column: Option<u64>, chars_max: usize) -> Wanted {
    Wanted {
        offset: offset.unwrap_or(1).max(1),
        limit: limit.unwrap_or(LINES).clamp(1, LINES_MAX),
        column: column.unwrap_or(1).max(1),
        chars_max,
    }
}

pub(crate) fn is_binary_text(path: &str) -> String {
    format!("`{path}` is a binary file and not shown; ask for a text file")
}

/// A glob as .gitignore means it, relative to the root or to the folder that is asked about.
pub(crate) struct Glob {
    from_root: Override,
    from_folder: Override,
}

impl Glob {
    pub(crate) fn new(pattern: &str, root: &Path, folder: &str) -> Result<Self, RepoError> {
        let build = |from: &Path| {
            let mut builder = OverrideBuilder::new(from);
            builder.add(pattern).and_then(|builder| builder.build()).map_err(|error| {
                let hint = "use *, **, ?, [a-z] and {a,b}, such as src/**/*.py";
                RepoError::argument(format!("`{}` is no glob ({error}); {hint}", short(pattern, 200)))
            })
        };
        Ok(Self { from_root: build(root)?, from_folder: build(&root.join(folder))? })
    }

    /// Whether a file, by its absolute path, is meant.
    pub(crate) fn matches(&self, path: &Path) -> bool {
        !self.from_root.matched(path, false).is_ignore() || !self.from_folder.matched(path, false).is_ignore()
    }
}

/// Some lines of a file at a revision.
pub(crate) struct Blob {
    pub(crate) path: String,
    /// The whole hash of the commit.
    pub(crate) commit: String,
    pub(crate) lines: Lines,
    pub(crate) is_partial: bool,
}

/// Reads lines of a file at a revision.
pub(crate) async fn blob(
    repo: &Repo,
    revision: &str,
    path: &str,
    wanted: Wanted,
    guard: &Guard,
) -> Result<Blob, RepoError> {
    let git = repo.git()?;
    let path = lexical(path, repo.root())?;
    let commit = git.commit(revision, guard).await?;
    let entry = entry(git, &commit, &path, guard).await?;
    let shown = short(revision, 100);
    match (entry.kind.as_str(), entry.mode.as_str()) {
        ("blob", "120000") => {
            let target = git.text(&cat(&entry.hash), guard).await?.1;
            let text = format!("`{path}` is a link to `{}` at {shown}; read that path instead", short(&target, 200));
            return Err(RepoError::argument(text));
        }
        ("blob", _) => refuse_secret(&path)?,
        ("tree", _) => return Err(folder_at(git, &commit, &path, guard).await),
        _ => {
            let text = format!("`{path}` is a submodule at {shown}; its files belong to another repository");
            return Err(RepoError::argument(text));
        }
    }
    let mut window = Window::new(wanted);
    let bytes_max = repo.inner.limits.read_bytes_max;
    let ended = git.stream(&cat(&entry.hash), bytes_max, guard, &mut |piece| window.feed(piece)).await?.ok()?;
    Ok(Blob { path, commit, lines: window.finish(), is_partial: ended.is_partial })
}

fn cat(hash: &str) -> Vec<String> {
    ["cat-file", "blob", hash].map(str::to_owned).into()
}

/// What stands under a path in a commit.
struct Entry {
    mode: String,
    kind: String,
    hash: String,
}

async fn entry(git: &Git, commit: &str, path: &str, guard: &Guard) -> Result<Entry, RepoError> {
    if path.is_empty() {
        return Ok(Entry { mode: String::new(), kind: "tree".to_owned(), hash: String::new() });
    }
    let arguments = ["ls-tree", "-z", commit, "--", path].map(str::to_owned);
    let (ended, text) = git.text(&arguments, guard).await?;
    ended.ok()?;
    let line = text.split('\0').next().unwrap_or("");
    let mut words = line.split(['\t', ' ']);
    match (words.next(), words.next(), words.next()) {
        (Some(mode), Some(kind), Some(hash)) => {
            Ok(Entry { mode: mode.to_owned(), kind: kind.to_owned(), hash: hash.to_owned() })
        }
        _ => {
            let hint = format!("git_log(path={path:?}) tells when it was there");
            Err(RepoError::argument(format!("there is no `{path}` at {}; {hint}", short_hash(commit))))
        }
    }
}

/// That a path is a folder, with what is in it.
async fn folder_at(git: &Git, commit: &str, path: &str, guard: &Guard) -> RepoError {
    let below = if path.is_empty() { String::new() } else { format!("{path}/") };
    let mut arguments = ["ls-tree", "-z", "--name-only", commit, "--"].map(str::to_owned).to_vec();
    arguments.extend((!below.is_empty()).then_some(below));
    let text = match git.text(&arguments, guard).await {
        Ok((_, text)) => text,
        Err(error) => return error,
    };
    let names: Vec<String> = text.split('\0').filter(|name| !name.is_empty()).map(|name| short(name, 200)).collect();
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let shown: Vec<String> = names.into_iter().take(NAMES_SHOWN).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let path = if path.is_empty() { "." } else { path };
    RepoError::argument(format!("`{path}` is a folder; ask for a file in it: {}{more}", shown.join(", ")))
}

/// The beginning of a hash that is long enough.
pub(crate) fn short_hash(hash: &str) -> &str {
    hash.get(..10).unwrap_or(hash)
}

/// The path of a call about history, without `.` and `..`. Contents of secrets are left out by the command; here they are refused by name,
/// but for the one name that folders of code have, too.
pub(crate) fn path_of(repo: &Repo, path: Option<&str>) -> Result<Option<String>, RepoError> {
    let path = path.filter(|path| !path.is_empty()).map(|path| lexical(path, repo.root())).transpose()?;
    let path = path.filter(|path| !path.is_empty());
    match path.as_deref() {
        Some(path) if path.rsplit('/').next() != Some("credentials") => refuse_secret(path)?,
        _ => {}
    }
    Ok(path)
}

/// A guard for a call about history, and git.
pub(crate) fn git_call<'a>(repo: &'a Repo, cancel: &CancellationToken) -> Result<(&'a Git, Guard), RepoError> {
    Ok((repo.git()?, repo.guard(cancel)))
}

/// Whether the last part of a path, as a summary of changes writes it, is the name of a file that holds secrets.
pub(crate) fn names_secret(path: &str) -> bool {
    path.split(" => ").any(|side| {
        let name = side.rsplit('/').next().unwrap_or(side).trim_matches(['{', '}', '"']);
        names::is_secret(name.as_ref())
    })
}
