//! Finds the work tree that a folder lies in, and the git program, without running anything.
//!
//! git's own search would also stop at folders that belong to somebody else. That guard is there because git runs what a repository's
//! configuration names; `command.rs` switches all of it off, and so a checkout of another user's can be read.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::folder::{Folder, Kind};

const DOT_GIT: &str = ".git";
/// Bytes of one of git's small files.
const SMALL: u64 = 1 << 16;
/// Where programs usually are.
const USUAL: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin", "/opt/homebrew/bin", "/opt/local/bin"];
/// Parts of git's folder that would show another repository's history if they were links to it.
const OWN_PARTS: &[&str] = &[
    "HEAD",
    "config",
    "packed-refs",
    "refs",
    "refs/heads",
    "refs/tags",
    "refs/remotes",
    "objects",
    "objects/info",
    "objects/pack",
    "reftable",
];

/// Where a work tree and its git folder are, without links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkTree {
    pub(crate) top: PathBuf,
    /// The folder of this work tree.
    pub(crate) git_folder: PathBuf,
    /// The folder that work trees of one repository share.
    pub(crate) common_folder: PathBuf,
    /// Content of `info/exclude`.
    pub(crate) exclude: Vec<u8>,
}

/// The work tree that a folder lies in, or why there is none that may be read.
pub(crate) fn discover(root: &Path) -> Result<WorkTree, String> {
    for top in root.ancestors() {
        let Ok(folder) = Folder::open(top) else { break };
        let Ok(member) = folder.member(OsStr::new(DOT_GIT)) else { continue };
        return match member.kind {
            Kind::Folder => own(top, &top.join(DOT_GIT)),
            Kind::Link => own(top, &top.join(DOT_GIT)),
            Kind::File => elsewhere(top, &folder),
            Kind::Other => Err(format!("{} is neither a folder nor a file", top.join(DOT_GIT).display())),
        };
    }
    Err("it is not in a git work tree".to_owned())
}

/// A git folder that stands in the work tree.
fn own(top: &Path, git_folder: &Path) -> Result<WorkTree, String> {
    let git_folder = canonical(git_folder)?;
    if !git_folder.starts_with(top) {
        return Err(format!("its {DOT_GIT} is a link to another place"));
    }
    if git_folder.join("commondir").exists() {
        return Err(format!("its {DOT_GIT} folder borrows another repository's history"));
    }
    for part in OWN_PARTS {
        let path = git_folder.join(part);
        let is_link = std::fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_symlink());
        if is_link && !path.canonicalize().is_ok_and(|target| target.starts_with(top)) {
            return Err(format!("{DOT_GIT}/{part} is a link to another place"));
        }
    }
    finish(top, git_folder.clone(), git_folder)
}

/// A git folder that a file points to: that of a linked work tree or of a submodule, which must point back.
fn elsewhere(top: &Path, folder: &Folder) -> Result<WorkTree, String> {
    let content = folder.read(OsStr::new(DOT_GIT), SMALL).map_err(|error| error.to_string())?;
    let content = String::from_utf8_lossy(&content);
    let Some(target) = content.trim_end().strip_prefix("gitdir: ") else {
        return Err(format!("its {DOT_GIT} file names no folder"));
    };
    let git_folder = canonical(&top.join(target))?;
    if !(is_submodule(top, &git_folder) || points_back(top, &git_folder) || git_folder.starts_with(top)) {
        return Err(format!("its {DOT_GIT} file points to the folder of another repository"));
    }
    let common = match small_file(&git_folder, "commondir") {
        Some(common) => canonical(&git_folder.join(common.trim_end()))?,
        None => git_folder.clone(),
    };
    // A linked work tree's folder stands in the one it shares.
    if !git_folder.starts_with(&common) {
        return Err(format!("its {DOT_GIT} file points to a folder that borrows another repository's history"));
    }
    finish(top, git_folder, common)
}

/// Whether a git folder lies in that of a repository around this one.
fn is_submodule(top: &Path, git_folder: &Path) -> bool {
    let mut around = top.ancestors().skip(1).map(|folder| folder.join(DOT_GIT));
    around.any(|folder| git_folder.starts_with(folder.join("modules")))
}

/// Whether a git folder names this work tree as its own.
fn points_back(top: &Path, git_folder: &Path) -> bool {
    let is_here = |path: PathBuf, expected: &Path| path.canonicalize().is_ok_and(|path| path == expected);
    if let Some(back) = small_file(git_folder, "gitdir") {
        return is_here(git_folder.join(back.trim_end()), &top.join(DOT_GIT));
    }
    let config = small_file(git_folder, "config").unwrap_or_default();
    let mut values =
        config.lines().filter_map(|line| line.trim().strip_prefix("worktree")?.trim_start().strip_prefix('='));
    values.next_back().is_some_and(|path| is_here(git_folder.join(path.trim().trim_matches('"')), top))
}

fn finish(top: &Path, git_folder: PathBuf, common_folder: PathBuf) -> Result<WorkTree, String> {
    if std::fs::symlink_metadata(git_folder.join("HEAD")).is_err() || !common_folder.join("objects").is_dir() {
        return Err(format!("its {DOT_GIT} is no git folder"));
    }
    let exclude = Folder::open(&common_folder.join("info")).and_then(|info| info.read(OsStr::new("exclude"), SMALL));
    Ok(WorkTree { top: top.to_owned(), git_folder, common_folder, exclude: exclude.unwrap_or_default() })
}

fn small_file(folder: &Path, name: &str) -> Option<String> {
    let content = Folder::open(folder).ok()?.read(OsStr::new(name), SMALL).ok()?;
    Some(String::from_utf8_lossy(&content).into_owned())
}

fn canonical(path: &Path) -> Result<PathBuf, String> {
    path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))
}

/// The git program. A relative folder, or one inside the repository, could hold a program of the repository's.
pub(crate) fn find_program(search_path: Option<&OsString>, root: &Path) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = match search_path {
        Some(path) => std::env::split_paths(path).collect(),
        None => USUAL.iter().map(PathBuf::from).collect(),
    };
    let name = format!("git{}", std::env::consts::EXE_SUFFIX);
    folders.iter().filter(|folder| folder.is_absolute()).find_map(|folder| {
        let program = folder.join(&name);
        let real = program.canonicalize().ok()?;
        let folder = folder.canonicalize().ok()?;
        (real.is_file() && !real.starts_with(root) && !folder.starts_with(root)).then_some(program)
    })
}
