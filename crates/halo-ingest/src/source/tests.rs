//! Sources that grow, and sources that are no files.

use std::io::Write as _;

use super::*;

fn read(opened: OpenSource) -> (String, u64, u64) {
    let Unpacked::Stream { mut reader, .. } = opened.unpacked else { panic!("refused") };
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    (text, opened.stored.bytes(), opened.stored.fingerprint())
}

#[test]
fn a_grown_file_is_read_from_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.jsonl");
    std::fs::write(&path, "first\n").unwrap();
    let source = Source::File(path.clone());
    let first = read(source.open(Arc::default()).unwrap());
    assert_eq!((first.0.as_str(), first.1, first.2), ("first\n", 6, fingerprint_file(&path).unwrap()));
    File::options().append(true).open(&path).unwrap().write_all(b"second\n").unwrap();
    let prefix = Prefix::of_file(&path, 6).unwrap();
    assert_eq!((prefix.bytes(), prefix.fingerprint()), (6, first.2));
    let counter = Arc::<AtomicU64>::default();
    let second = read(source.open_at(prefix, Arc::clone(&counter)).unwrap());
    // The hash is that of the whole file; only what is new was read.
    assert_eq!((second.0.as_str(), second.1, second.2), ("second\n", 13, fingerprint_file(&path).unwrap()));
    assert_eq!(counter.load(Ordering::Relaxed), 7);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_a_source_without_a_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let source = Source::find(&[path.display().to_string()]).unwrap().remove(0);
    assert_eq!((&source, source.size()), (&Source::File(path.clone()), None));
    let writer = std::thread::spawn(move || std::fs::write(path, "through a pipe").unwrap());
    assert_eq!(read(source.open(Arc::default()).unwrap()).0, "through a pipe");
    writer.join().unwrap();
}
