//! The files that git knows or would take, read once, so that every check works on values in memory.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

/// Nothing this large is text that a check would read; its size alone matters.
const READ_BYTES_MAX: u64 = 4 << 20;
const FOLDERS_PASSED_OVER: &[&str] = &["target", ".git"];

/// Paths below the workspace, with `/`, in order.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, File>,
}

/// A file as the checks see it.
#[derive(Debug)]
pub(crate) struct File {
    /// Its size on disk.
    pub(crate) bytes: u64,
    /// None for what is no UTF-8, or too large to be read.
    pub(crate) text: Option<String>,
}

impl Tree {
    /// Reads all files below `folder` that git tracks or would add; without git, all but build output.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let paths = match listed_by_git(folder) {
            Some(paths) => paths,
            None => walk(folder)?,
        };
        let mut files = BTreeMap::new();
        for path in paths {
            let on_disk = folder.join(&path);
            // A file that is deleted but not yet staged is still listed; a link's target is judged where it lies.
            let Ok(metadata) = on_disk.symlink_metadata() else {
                continue;
            };
            if !metadata.is_file() {
                continue;
            }
            let text = if metadata.len() <= READ_BYTES_MAX {
                let bytes = std::fs::read(&on_disk).with_context(|| format!("cannot read {}", on_disk.display()))?;
                String::from_utf8(bytes).ok()
            } else {
                None
            };
            let bytes = metadata.len();
            files.insert(path, File { bytes, text });
        }
        Ok(Self { files })
    }

    /// A tree in memory.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.insert(path, (*text).to_owned());
        }
        tree
    }

    /// Adds or replaces a file in memory.
    #[cfg(test)]
    pub(crate) fn insert(&mut self, path: &str, text: String) {
        let bytes = text.len() as u64;
        let text = Some(text);
        self.files.insert(path.to_owned(), File { bytes, text });
    }

    /// All files in order of their paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// All files whose path starts with `prefix`.
    pub(crate) fn below(&self, prefix: &str) -> impl Iterator<Item = (&str, &File)> {
        self.files().filter(move |(path, _)| path.starts_with(prefix))
    }

    /// The text of a file, none when it is missing or no text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.text.as_deref()
    }

    /// Whether there is a file of this path.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Whether there is a file in a folder of this path; the empty path is the workspace.
    pub(crate) fn has_folder(&self, path: &str) -> bool {
        path.is_empty() || self.below(&format!("{path}/")).next().is_some()
    }
}

/// None when git or a work tree is missing. A folder unpacked inside another repository is listed as empty, or without
/// its own Cargo.toml; it is walked, too.
fn listed_by_git(folder: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let listing = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<String> = listing.split_terminator('\0').map(str::to_owned).collect();
    paths.iter().any(|path| path == "Cargo.toml").then_some(paths)
}

fn walk(root: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
            let name = entry.file_name();
            let kind = entry.file_type().with_context(|| format!("cannot look at {}", entry.path().display()))?;
            if kind.is_dir() {
                if !FOLDERS_PASSED_OVER.iter().any(|passed| name == *passed) {
                    folders.push(entry.path());
                }
            } else if let Ok(path) = entry.path().strip_prefix(root) {
                let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
                paths.push(parts.join("/"));
            }
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_git_is_walked_and_build_output_passed_over() {
        // The sources of this crate stand for any folder: it holds no Cargo.toml, so git's list is not taken.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let walked = walk(folder).unwrap();
        assert!(walked.contains(&"src/tidy/tree.rs".to_owned()));
        assert!(walked.contains(&"Cargo.toml".to_owned()));
        assert!(listed_by_git(&folder.join("src")).is_none());

        let workspace = folder.parent().unwrap();
        let walked = walk(workspace).unwrap();
        assert!(!walked.iter().any(|path| path.starts_with("target/")));
    }

    #[test]
    fn folders_are_those_of_files() {
        let tree = Tree::of(&[("docs/a.md", ""), ("docs.md", "")]);
        assert!(tree.has_folder("docs") && tree.has_folder(""));
        assert!(!tree.has_folder("doc") && !tree.has_folder("docs.md"));
    }
}
