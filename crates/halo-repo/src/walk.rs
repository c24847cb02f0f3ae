//! All files below a folder in the order of their names, without what is ignored.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::RepoError;
use crate::folder::{Folder, Kind, Member};
use crate::guard::Guard;
use crate::ignores::Rules;
use crate::names;
use crate::resolve::{Found, Root, What, push_name};

/// Folders inside folders; each holds a file descriptor open.
const DEPTH_MAX: usize = 100;

/// What a walk meets.
pub(crate) struct Seen<'a> {
    /// Path relative to the root, with `/`.
    pub(crate) path: &'a str,
    /// The same with the root before it, for patterns.
    pub(crate) absolute: &'a Path,
    pub(crate) member: &'a Member,
    /// The folder it stands in.
    pub(crate) folder: &'a Folder,
    /// A folder that is named but not gone into: what others made, or another repository's.
    pub(crate) is_closed: bool,
}

/// What a walk did not look at.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    /// Folders that are too deep or can't be read.
    pub(crate) folders: usize,
    /// Whether the walk ended because it had looked at so many members.
    pub(crate) walked_max: Option<usize>,
    /// Whether it ended because its time was over.
    pub(crate) out_of_time: Option<RepoError>,
}

impl Missed {
    /// What to tell of it.
    pub(crate) fn note(&self) -> Option<String> {
        let mut notes = Vec::new();
        if self.folders > 0 {
            notes.push(format!(
                "{} not looked into (unreadable or too deep)",
                crate::text::counted(self.folders, "folder")
            ));
        }
        if let Some(max) = self.walked_max {
            notes.push(format!("only the first {max} files were looked at: give a path to look further"));
        }
        if let Some(error) = &self.out_of_time {
            notes.push(error.to_string());
        }
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

/// Visits what stands below a place, or the file itself.
pub(crate) fn walk(
    root: &Root,
    found: &Found,
    walked_max: usize,
    guard: &Guard,
    visit: &mut dyn FnMut(&Seen<'_>) -> ControlFlow<()>,
) -> Result<Missed, RepoError> {
    let mut walk = Walk { root, left: walked_max, walked_max, guard, visit, missed: Missed::default() };
    let absolute = root.path.join(&found.path);
    match &found.what {
        What::Folder(folder) => {
            let _ended: ControlFlow<()> = walk.folder(folder, &found.path, &absolute, (&found.rules, 0));
        }
        What::File(folder, member) => {
            let seen = Seen { path: &found.path, absolute: &absolute, member, folder, is_closed: false };
            let _ended: ControlFlow<()> = (walk.visit)(&seen);
        }
    }
    match walk.missed.out_of_time {
        Some(RepoError::Cancelled) => Err(RepoError::Cancelled),
        _ => Ok(walk.missed),
    }
}

struct Walk<'a> {
    root: &'a Root,
    left: usize,
    walked_max: usize,
    guard: &'a Guard,
    visit: &'a mut dyn FnMut(&Seen<'_>) -> ControlFlow<()>,
    missed: Missed,
}

impl Walk<'_> {
    fn folder(
        &mut self,
        folder: &Folder,
        path: &str,
        absolute: &Path,
        (rules, depth): (&Rules, usize),
    ) -> ControlFlow<()> {
        let Ok(members) = folder.members(self.left.saturating_add(1)) else {
            self.missed.folders += 1;
            return ControlFlow::Continue(());
        };
        for member in members {
            if let Err(error) = self.guard.check() {
                self.missed.out_of_time = Some(error);
                return ControlFlow::Break(());
            }
            if self.left == 0 {
                self.missed.walked_max = Some(self.walked_max);
                return ControlFlow::Break(());
            }
            self.left -= 1;
            let (mut below, absolute) = (path.to_owned(), absolute.join(&member.name));
            push_name(&mut below, &member.name);
            let is_folder = member.kind == Kind::Folder;
            if self.is_git(&member, &below) || rules.ignores(&absolute, is_folder) {
                continue;
            }
            let is_closed = is_folder && names::is_made(&member.name);
            (self.visit)(&Seen { path: &below, absolute: &absolute, member: &member, folder, is_closed })?;
            if !is_folder || is_closed {
                continue;
            }
            match folder.folder(&member.name) {
                Ok(inner) if depth < DEPTH_MAX => {
                    let inner_rules = rules.below(&inner, &absolute);
                    self.folder(&inner, &below, &absolute, (&inner_rules, depth + 1))?;
                }
                _ => self.missed.folders += 1,
            }
        }
        ControlFlow::Continue(())
    }

    fn is_git(&self, member: &Member, path: &str) -> bool {
        names::is_git_folder(&member.name) || self.root.git_folders.contains(&PathBuf::from(path))
    }
}
