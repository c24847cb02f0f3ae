//! A path as a model writes it to a place inside the repository, link by link.
//!
//! Nothing outside is ever touched: a link that leads out is refused by its text, before anybody asks whether its target exists.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::RepoError;
use crate::folder::{Folder, Kind, Member};
use crate::ignores::Rules;
use crate::names;
use crate::text::short;

/// Links on one way, as many as Linux allows.
const LINKS_MAX: usize = 40;
/// Components of one path.
const STEPS_MAX: usize = 256;
const PATH_BYTES_MAX: usize = 4096;

/// The folder that no path leaves.
#[derive(Debug)]
pub(crate) struct Root {
    /// Where it is, without links.
    pub(crate) path: PathBuf,
    pub(crate) folder: Folder,
    /// What is ignored before the root's own .gitignore.
    pub(crate) rules: Rules,
    /// Folders inside that are git's, whatever their name, relative to the root.
    pub(crate) git_folders: Vec<PathBuf>,
}

/// A place that exists, with no link on the way.
#[derive(Debug)]
pub(crate) struct Found {
    /// The path relative to the root, with `/`; empty for the root.
    pub(crate) path: String,
    pub(crate) what: What,
    /// What is ignored in the folder, or in the file's folder.
    pub(crate) rules: Rules,
}

#[derive(Debug)]
pub(crate) enum What {
    Folder(Folder),
    /// The folder that it stands in, and itself.
    File(Folder, Member),
}

impl Root {
    /// Finds a place. What is ignored, secret or git's is refused.
    pub(crate) fn find(&self, path: &str) -> Result<Found, RepoError> {
        let shown = short(path, 200);
        let mut way = Way { root: self, shown: &shown, done: Vec::new(), pending: self.steps(path, &shown)?, links: 0 };
        // A link with a secret's name is as secret as what it points to.
        let asks_for_secret = matches!(way.pending.first(), Some(Step::Into(name)) if names::is_secret(name));
        let file = way.walk()?;
        if asks_for_secret && file.is_some() {
            return Err(RepoError::argument(names::secret_refusal(&shown)));
        }
        let folders: Vec<(OsString, Folder)> = way.done;
        self.admit(folders, file, &shown)
    }

    /// Opens a file that was found.
    pub(crate) fn open(found: &Found) -> Result<(File, u64), RepoError> {
        let What::File(folder, member) = &found.what else {
            let hint = format!("view_repo_tree(path={:?}) shows what is in it", found.path);
            return Err(RepoError::argument(format!("`{}` is a folder; {hint}", found.path)));
        };
        let file = folder.file(&member.name).map_err(|error| unreadable(&found.path, &error))?;
        Ok((file, member.bytes))
    }

    /// The steps of a path, the last first, because they are taken from the end.
    fn steps(&self, path: &str, shown: &str) -> Result<Vec<Step>, RepoError> {
        if path.contains('\0') || path.len() > PATH_BYTES_MAX {
            return Err(RepoError::argument(format!(
                "`{shown}` is no path; give one relative to the repository's root"
            )));
        }
        steps_of(Path::new(path), &self.path).ok_or_else(|| outside(shown))
    }

    /// Refuses what is ignored, secret or git's.
    fn admit(&self, folders: Vec<(OsString, Folder)>, file: Option<Member>, shown: &str) -> Result<Found, RepoError> {
        let mut absolute = self.path.clone();
        let mut path = String::new();
        let mut rules = self.rules.below(&self.folder, &absolute);
        let ignored = || {
            RepoError::argument(format!(
                "`{shown}` is ignored by .gitignore and not shown; ask for files that belong to the code"
            ))
        };
        for (name, folder) in &folders {
            absolute.push(name);
            push_name(&mut path, name);
            if rules.ignores(&absolute, true) {
                return Err(ignored());
            }
            rules = rules.below(folder, &absolute);
        }
        let folder = match folders.into_iter().next_back() {
            Some((_, folder)) => folder,
            None => self.folder.again().map_err(|error| unreadable(shown, &error))?,
        };
        let Some(member) = file else {
            return Ok(Found { path, what: What::Folder(folder), rules });
        };
        absolute.push(&member.name);
        push_name(&mut path, &member.name);
        // Before the rules: a secret is named as what it is.
        if names::is_secret(&member.name) {
            return Err(RepoError::argument(names::secret_refusal(shown)));
        }
        if rules.ignores(&absolute, false) {
            return Err(ignored());
        }
        Ok(Found { path, what: What::File(folder, member), rules })
    }
}

/// One step of a path.
#[derive(Debug)]
enum Step {
    Into(OsString),
    Up,
}

/// The way to a place, as far as it is gone.
struct Way<'a> {
    root: &'a Root,
    shown: &'a str,
    done: Vec<(OsString, Folder)>,
    pending: Vec<Step>,
    links: usize,
}

impl Way<'_> {
    /// Goes to the end; gives the file when it ends at one.
    fn walk(&mut self) -> Result<Option<Member>, RepoError> {
        while let Some(step) = self.pending.pop() {
            let name = match step {
                Step::Into(name) => name,
                Step::Up if self.done.pop().is_some() => continue,
                Step::Up => return Err(outside(self.shown)),
            };
            self.refuse_git(&name)?;
            let here = self.done.last().map_or(&self.root.folder, |(_, folder)| folder);
            let member = here.member(&name).map_err(|error| self.missing(&name, &error))?;
            match member.kind {
                Kind::Link => self.follow(&name)?,
                Kind::Folder => {
                    let folder = here.folder(&name).map_err(|error| unreadable(self.shown, &error))?;
                    self.done.push((name, folder));
                    if self.done.len() > STEPS_MAX {
                        return Err(RepoError::argument(format!("`{}` is too deep", self.shown)));
                    }
                }
                Kind::File if self.pending.is_empty() => return Ok(Some(member)),
                Kind::File => {
                    let text = format!("`{}` leads through a file; give the path of the file itself", self.shown);
                    return Err(RepoError::argument(text));
                }
                Kind::Other => {
                    let text = format!("`{}` is a pipe, socket or device and is never opened", self.shown);
                    return Err(RepoError::argument(text));
                }
            }
        }
        Ok(None)
    }

    fn follow(&mut self, name: &OsStr) -> Result<(), RepoError> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(RepoError::argument(format!("`{}` goes round in a circle of links", self.shown)));
        }
        let here = self.done.last().map_or(&self.root.folder, |(_, folder)| folder);
        let target = here.link_target(name).map_err(|error| unreadable(self.shown, &error))?;
        let leads_out = || {
            RepoError::argument(format!(
                "`{}` is a link that leads out of the repository and is not followed",
                self.shown
            ))
        };
        let steps = steps_of(&target, &self.root.path).ok_or_else(leads_out)?;
        if target.is_absolute() {
            self.done.clear();
        }
        // Whatever follows is checked against the root, so a relative way out is found where it is gone.
        let mut depth = self.done.len();
        for step in steps.iter().rev() {
            match step {
                Step::Into(_) => depth += 1,
                Step::Up => depth = depth.checked_sub(1).ok_or_else(leads_out)?,
            }
        }
        self.pending.extend(steps);
        if self.pending.len() > STEPS_MAX {
            return Err(RepoError::argument(format!("`{}` leads through too many links", self.shown)));
        }
        Ok(())
    }

    fn refuse_git(&self, name: &OsStr) -> Result<(), RepoError> {
        let mut here: PathBuf = self.done.iter().map(|(name, _)| name).collect();
        here.push(name);
        if names::is_git_folder(name) || self.root.git_folders.contains(&here) {
            let text = format!("`{}` is git's own and not shown; the git_ tools tell the history", self.shown);
            return Err(RepoError::argument(text));
        }
        Ok(())
    }

    fn missing(&self, name: &OsStr, error: &io::Error) -> RepoError {
        if error.kind() != io::ErrorKind::NotFound {
            return unreadable(self.shown, error);
        }
        let name = short(&name.to_string_lossy(), 100);
        let hint = format!("glob_files(pattern={:?}) tells where files of that name are", format!("**/{name}*"));
        RepoError::argument(format!("there is no `{}` in the repository; {hint}", self.shown))
    }
}

/// The steps of a path, the last first; `None` when it is absolute and does not lie under the root.
fn steps_of(path: &Path, root: &Path) -> Option<Vec<Step>> {
    let below = if path.has_root() || path.is_absolute() { path.strip_prefix(root).ok()? } else { path };
    let mut steps = Vec::new();
    for component in below.components() {
        match component {
            Component::Normal(name) => steps.push(Step::Into(name.to_owned())),
            Component::ParentDir => steps.push(Step::Up),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    steps.reverse();
    Some(steps)
}

/// A path without `.` and `..`, relative to the root and with `/`, that need not exist: as git knows files of other times.
pub(crate) fn lexical(path: &str, root: &Path) -> Result<String, RepoError> {
    let shown = short(path, 200);
    if path.contains(['\0', '\n', '\r']) || path.len() > PATH_BYTES_MAX {
        return Err(RepoError::argument(format!("`{shown}` is no path; give one relative to the repository's root")));
    }
    let steps = steps_of(Path::new(path), root).ok_or_else(|| outside(&shown))?;
    let mut names: Vec<OsString> = Vec::new();
    for step in steps.into_iter().rev() {
        match step {
            Step::Into(name) if names::is_git_folder(&name) => {
                return Err(RepoError::argument(format!("`{shown}` is git's own and not shown")));
            }
            Step::Into(name) => names.push(name),
            Step::Up => {
                names.pop().ok_or_else(|| outside(&shown))?;
            }
        }
    }
    let mut out = String::new();
    names.iter().for_each(|name| push_name(&mut out, name));
    Ok(out)
}

/// Refuses a path of another time when it is a file that holds secrets.
pub(crate) fn refuse_secret(path: &str) -> Result<(), RepoError> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if names::is_secret(OsStr::new(name)) {
        return Err(RepoError::argument(names::secret_refusal(&short(path, 200))));
    }
    Ok(())
}

/// Adds a name to a path.
pub(crate) fn push_name(path: &mut String, name: &OsStr) {
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(&name.to_string_lossy());
}

fn outside(shown: &str) -> RepoError {
    RepoError::argument(format!("`{shown}` lies outside of the repository; paths are relative to its root"))
}

/// That something could not be read, by the system's word for it.
pub(crate) fn unreadable(shown: &str, error: &io::Error) -> RepoError {
    let shown = short(shown, 200);
    RepoError::argument(format!("`{shown}` can't be read ({}); ask for another file", error.kind()))
}
