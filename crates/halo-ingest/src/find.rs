//! Inputs as the user names them: files, folders, globs and standard input.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use crate::{IngestError, Source};

/// Endings of files that are read from a folder. A file that is named is read whatever its name.
const ENDINGS: &[&str] =
    &[".json", ".jsonl", ".ndjson", ".otlp", ".pb", ".binpb", ".protobuf", ".proto", ".bin", ".trace", ".traces"];
const COMPRESSED: &[&str] = &[".gz", ".gzip", ".zst", ".zstd"];

/// What [`Source::find`] does.
pub(crate) fn find(inputs: &[String]) -> Result<Vec<Source>, IngestError> {
    let mut sources = Vec::new();
    for input in inputs {
        if input == "-" {
            sources.push(Source::Stdin);
            continue;
        }
        let path = Path::new(input);
        let exists = path.try_exists().map_err(|source| IngestError::Input { path: path.to_owned(), source })?;
        if !exists {
            sources.extend(find_by_glob(input)?);
        } else if path.is_dir() {
            let before = sources.len();
            find_in_folder(path, &mut HashSet::new(), &mut sources)?;
            if sources.len() == before {
                return Err(IngestError::NothingInFolder { path: path.to_owned() });
            }
        } else {
            sources.push(Source::File(path.to_owned()));
        }
    }
    // The same file named twice is read once, whatever the way to it.
    let mut seen = HashSet::new();
    sources.retain(|source| match source {
        Source::File(path) => seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())),
        Source::Stdin => seen.insert(PathBuf::from("-")),
    });
    Ok(sources)
}

/// All trace files below a folder. Hidden files, datasets and links that lead nowhere or in a circle are passed over.
fn find_in_folder(folder: &Path, visited: &mut HashSet<PathBuf>, sources: &mut Vec<Source>) -> Result<(), IngestError> {
    let unreadable = |source| IngestError::Input { path: folder.to_owned(), source };
    if !visited.insert(folder.canonicalize().map_err(unreadable)?) || is_dataset(folder) {
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()
        .map_err(unreadable)?;
    entries.sort();
    for path in entries {
        let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            find_in_folder(&path, visited, sources)?;
        } else if is_trace_file(&name) && path.is_file() {
            sources.push(Source::File(path));
        }
    }
    Ok(())
}

/// A dataset of halo among the traces: its manifest and its rejects look like traces, and are none.
fn is_dataset(folder: &Path) -> bool {
    folder.join("manifest.json").is_file() && folder.join("segments").is_dir()
}

/// Whether a file is one of traces by its name, also after log rotation (`traces.jsonl.1.gz`, `traces.jsonl-20260101`).
fn is_trace_file(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let mut name = lower.as_str();
    loop {
        if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            return true;
        }
        let shorter = COMPRESSED
            .iter()
            .find_map(|ending| name.strip_suffix(ending))
            .or_else(|| without_rotation(name))
            .or_else(|| name.strip_suffix(".old"))
            .or_else(|| name.strip_suffix(".bak"));
        match shorter {
            Some(shorter) => name = shorter,
            None => return false,
        }
    }
}

/// A name without the number or date that a rotation appended.
fn without_rotation(name: &str) -> Option<&str> {
    let stem =
        name.trim_end_matches(|letter: char| letter.is_ascii_digit() || matches!(letter, '-' | '_' | ':' | 't' | 'z'));
    let stem = if stem.len() < name.len() { stem.strip_suffix('.').unwrap_or(stem) } else { return None };
    (name[stem.len()..].bytes().any(|byte| byte.is_ascii_digit())).then_some(stem)
}

fn find_by_glob(pattern: &str) -> Result<Vec<Source>, IngestError> {
    let missing = || IngestError::Missing { path: PathBuf::from(pattern) };
    if !pattern.contains(['*', '?', '[']) {
        return Err(missing());
    }
    let paths = glob::glob(pattern).map_err(|_| missing())?;
    let found: Vec<Source> = paths.flatten().filter(|path| path.is_file()).map(Source::File).collect();
    if found.is_empty() { Err(missing()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_trace_files() {
        let yes = [
            "t.json",
            "T.JSONL",
            "t.ndjson.gz",
            "t.jsonl.zst",
            "t.pb",
            "t.binpb",
            "t.proto.zst",
            "t.bin",
            "t.jsonl.1",
            "t.jsonl.12.gz",
            "t.jsonl-20260101",
            "t.jsonl-20260101.gz",
            "t.jsonl.2026-01-01t00",
            "t.json.old",
            "traces-2026-01-01T00-00-00.000.json",
            "traces-2026-01-01T00-00-00.000.json.zst",
        ];
        for name in yes {
            assert!(is_trace_file(name), "{name}");
        }
        for name in ["notes.txt", "t.csv", "t.parquet", "1", "2026-01-01", "readme.md", "json", "t.gz", "t.txt.1"] {
            assert!(!is_trace_file(name), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_without_what_is_no_trace_and_no_way_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a.jsonl", ".hidden.jsonl", "in/b.pb", "in/.git/c.json", "ds/manifest.json", "ds/segments/x.json"]
        {
            std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            std::fs::write(path(name), "").unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), path("in/circle")).unwrap();
        std::os::unix::fs::symlink(path("nowhere"), path("dead.jsonl")).unwrap();
        std::os::unix::fs::symlink(path("a.jsonl"), path("z.jsonl")).unwrap();
        let words = [folder.path().display().to_string(), path("in/../a.jsonl").display().to_string(), "-".to_owned()];
        let found: Vec<String> =
            find(&words).unwrap().iter().map(|source| source.name().replace(&words[0], "")).collect();
        assert_eq!(found, ["/a.jsonl", "/in/b.pb", "-"]);
    }
}
