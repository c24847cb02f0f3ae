//! What stands behind a name: odd names, nothing, a pipe, links in a circle, files that go away.

use std::fs;
use std::path::Path;

use halo_ingest::RejectKind::BrokenStream;
use halo_ingest::{IngestError, IngestOptions, Source, ingest};

use crate::make::{good, gzip, lines};
use crate::{check_refused, gives, ingest_one, options, outcome};

#[test]
fn odd_names_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let names =
        [" .jsonl", "a b.jsonl", "-.jsonl", "*.jsonl", "ä.jsonl", "new\nline.jsonl", "'quoted\".jsonl", "🎉.ndjson.gz"];
    for (id, name) in (1..).zip(names) {
        // Compressed or not, whatever the name says.
        let text = lines(&[&good(id)]);
        fs::write(folder.path().join(name), if id % 2 == 0 { gzip(text.as_bytes()) } else { text.into_bytes() })
            .unwrap();
    }
    fs::create_dir(folder.path().join("folder.jsonl")).unwrap();
    fs::write(folder.path().join("folder.jsonl/in it.json"), lines(&[&good(9)])).unwrap();
    fs::write(folder.path().join("notes.txt"), "no traces").unwrap();
    fs::write(folder.path().join(".t.jsonl.swp"), "no traces").unwrap();
    let root = folder.path().join("ds");
    let report = ingest_one(&folder.path().display().to_string(), &root, &options(2, 1 << 16)).unwrap();
    assert_eq!(outcome(&report, &root).0, gives(&[1, 2, 3, 4, 5, 6, 7, 8, 9]));
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.jsonl");
    // Some file systems refuse such a name, which is as good.
    if fs::write(folder.path().join(name), lines(&[&good(1)])).is_ok() {
        let root = folder.path().join("ds");
        let report = ingest_one(&folder.path().display().to_string(), &root, &options(1, 1 << 16)).unwrap();
        assert_eq!(outcome(&report, &root).0, gives(&[1]));
    }
}

/// Ends in one line that names the file, and the dataset is as it was.
fn check_unreadable(path: &Path, sources: &[Source], root: &Path) {
    let before = halo_dataset::Dataset::open(root).unwrap().manifest().clone();
    let error = ingest(sources, root, &IngestOptions::for_threads(1)).expect_err("unreadable").to_string();
    assert!(error.contains(&path.display().to_string()) && !error.contains('\n'), "{error}");
    assert_eq!(halo_dataset::Dataset::open(root).unwrap().manifest().spans, before.spans);
}

#[test]
fn a_file_that_goes_away_after_it_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let (stays, goes, root) = (folder.path().join("a.jsonl"), folder.path().join("b.jsonl"), folder.path().join("ds"));
    fs::write(&stays, lines(&[&good(1)])).unwrap();
    ingest_one(&stays.display().to_string(), &root, &options(1, 1 << 16)).unwrap();
    fs::write(&stays, lines(&[&good(1), &good(2)])).unwrap();
    fs::write(&goes, lines(&[&good(3)])).unwrap();
    let sources = Source::find(&[folder.path().display().to_string()]).unwrap();
    fs::remove_file(&goes).unwrap();
    check_unreadable(&goes, &sources, &root);
    // A folder has its place now: it opens, and nothing can be read of it.
    fs::create_dir(&goes).unwrap();
    let report = ingest(&sources, &root, &IngestOptions::for_threads(1)).unwrap();
    assert_eq!(report.spans, 1);
    assert_eq!(outcome(&report, &root).0, gives(&[1, 2]).span_lines(1).reject(1, BrokenStream));
}

#[cfg(unix)]
#[test]
fn links_and_modes() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let words = |name: &str| Source::find(&[path(name).display().to_string()]).map_err(|error| error.to_string());
    symlink(path("b.jsonl"), path("a.jsonl")).unwrap();
    symlink(path("a.jsonl"), path("b.jsonl")).unwrap();
    symlink(folder.path(), path("circle")).unwrap();
    symlink(path("nowhere"), path("dead.jsonl")).unwrap();
    assert!(words("a.jsonl").unwrap_err().starts_with("cannot read"), "{:?}", words("a.jsonl"));
    assert!(words("dead.jsonl").unwrap_err().starts_with("there is no file"), "{:?}", words("dead.jsonl"));
    assert!(words("").unwrap_err().contains("holds no trace files"));
    assert!(words("circle").unwrap_err().contains("holds no trace files"));
    assert!(words("[").unwrap_err().starts_with("there is no file"));
    assert!(words("***").unwrap_err().starts_with("there is no file"));
    fs::write(path("shut.jsonl"), lines(&[&good(1)])).unwrap();
    fs::set_permissions(path("shut.jsonl"), fs::Permissions::from_mode(0o0)).unwrap();
    // Root reads it all the same.
    if fs::File::open(path("shut.jsonl")).is_err() {
        let result = ingest_one(&path("shut.jsonl").display().to_string(), &path("ds"), &options(1, 1 << 16));
        assert!(matches!(result, Err(IngestError::Input { .. })), "{result:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("p.jsonl");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        return;
    }
    // Within a folder nobody waits for a writer that may never come.
    let found = Source::find(&[folder.path().display().to_string()]);
    assert!(matches!(found, Err(IngestError::NothingInFolder { .. })), "{found:?}");
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::write(pipe, lines(&[&good(1), &good(2)]) + &good(3)[..50]).unwrap())
    };
    let root = folder.path().join("ds");
    let report = ingest_one(&pipe.display().to_string(), &root, &options(1, 1 << 16)).unwrap();
    writer.join().unwrap();
    assert_eq!(outcome(&report, &root).0, gives(&[1, 2]).reject(3, halo_ingest::RejectKind::CutJson));
}

#[cfg(target_os = "linux")]
#[test]
fn devices() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("ds");
    let report = ingest_one("/dev/null", &root, &options(1, 1 << 16)).unwrap();
    assert_eq!(outcome(&report, &root).0, gives(&[]));
    check_refused(&[("a dump of memory", fs::read("/proc/self/exe").unwrap()[..100_000].to_vec(), "binary")]);
}
