//! A few bytes on disk that are very many, and lines that are very long or very deep: memory and time stay what they are for any input.

use halo_ingest::RejectKind::{NotJson, TooLong};
use halo_ingest::{IngestOptions, RejectKind};

use crate::make::{between, field, frame, good, proto, with};
use crate::{Gives, case, check, gives, ingest_one, options, outcome};

/// Packs parts, each so many times over, without ever holding them.
fn zstd_of(parts: &[(&[u8], usize)]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    for (part, times) in parts {
        (0..*times).for_each(|_| encoder.write_all(part).unwrap());
    }
    encoder.finish().unwrap()
}

/// Most memory that this process had so far, in megabytes.
fn peak_megabytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok().map(|kilobytes: usize| kilobytes / 1024)
}

/// Without optimization a bomb takes its time: most are small then, and do not tell of memory.
const MEGABYTES: usize = if cfg!(debug_assertions) { 16 } else { 4000 };
const BLOCK: usize = 1 << 20;

fn check_bomb(bytes: &[u8], wanted: &Gives) {
    let folder = tempfile::tempdir().unwrap();
    let (file, root) = (folder.path().join("t.jsonl"), folder.path().join("ds"));
    std::fs::write(&file, bytes).unwrap();
    assert!(bytes.len() < 1 << 20, "a test should be light: {}", bytes.len());
    let report = ingest_one(&file.display().to_string(), &root, &options(1, 1 << 16)).unwrap();
    assert_eq!(outcome(&report, &root).0, *wanted);
    // The other tests of this binary run in the same process, and hold little. The bytes of a bomb alone would be far beyond.
    assert!(peak_megabytes().is_none_or(|peak| peak < 190), "{:?} MB", peak_megabytes());
}

/// A bomb as the second of three lines.
fn bomb_between(before: &str, byte: u8, after: &str) {
    bomb_of(MEGABYTES, before, byte, after);
}

fn bomb_of(megabytes: usize, before: &str, byte: u8, after: &str) {
    let (first, last, block) = (good(1) + "\n" + before, after.to_owned() + "\n" + &good(3), vec![byte; BLOCK]);
    let bytes = zstd_of(&[(first.as_bytes(), 1), (&block, megabytes), (last.as_bytes(), 1)]);
    check_bomb(&bytes, &gives(&[1, 3]).reject(2, TooLong));
}

#[test]
fn letters() {
    // Large enough to be seen in the memory also without optimization.
    bomb_of(MEGABYTES.max(200), "", b'a', "");
}

#[test]
fn zeros() {
    bomb_between("", 0, "");
}

#[test]
fn blanks() {
    bomb_between("", b' ', "");
}

#[test]
fn a_string() {
    bomb_between("{\"a\":\"", b'x', "\"}");
}

#[test]
fn a_string_in_a_list() {
    bomb_between("[{\"a\":\"", b'x', "\"}]");
}

#[test]
fn packed_twice_over() {
    let inner = zstd_of(&[(&vec![b'a'; BLOCK], MEGABYTES)]);
    check_bomb(&crate::make::gzip(&inner), &gives(&[]).reject(1, TooLong));
}

/// With the limit that an ingest has unless it is told otherwise.
#[test]
fn a_line_over_the_usual_limit() {
    let usual = IngestOptions::for_threads(1);
    let limit = if cfg!(debug_assertions) { 10 << 20 } else { usual.line_bytes_max };
    let first = good(1) + "\n{\"a\":\"";
    let last = "\"}\n".to_owned() + &good(3);
    let line = [(first.as_bytes(), 1), (&vec![b'x'; BLOCK][..], limit / BLOCK * 11 / 10), (last.as_bytes(), 1)];
    let folder = tempfile::tempdir().unwrap();
    let (file, root) = (folder.path().join("t.jsonl.zst"), folder.path().join("ds"));
    std::fs::write(&file, zstd_of(&line)).unwrap();
    let report =
        ingest_one(&file.display().to_string(), &root, &IngestOptions { line_bytes_max: limit, ..usual }).unwrap();
    assert_eq!(outcome(&report, &root).0, gives(&[1, 3]).reject(2, TooLong));
}

#[test]
fn deep() {
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let bad = |name: &str, line: String, kind: RejectKind| case(name, between(line), gives(&[1, 3]).reject(2, kind));
    let text = serde_json::Value::from(nested("[", "]")).to_string();
    check(&[
        bad("lists in an attribute", with(2, "12345", &nested("[", "]")), NotJson),
        bad("objects in an attribute", with(2, "12345", &nested("{\"a\":", "}")), NotJson),
        bad("lists", nested("[", "]"), NotJson),
        bad("objects", nested("{\"a\":", "}"), NotJson),
        // As a text it is a text, which is looked into and left alone.
        case("lists in a text", between(with(2, "12345", &text)), gives(&[1, 2, 3])),
        case(
            "lists in a text that holds messages",
            between(with(2, "\"yes\"", &format!("\"input.value\":{text},\"yes\""))),
            gives(&[1, 2, 3]),
        ),
        case(
            "values of protobuf",
            {
                let value = (0..5000).fold(Vec::new(), |inner, _| field(5, &field(1, &inner)));
                let attribute = field(9, &[field(1, b"a"), field(2, &value)].concat());
                let message = field(1, &field(2, &field(2, &attribute)));
                [frame(&proto(&[1])), frame(&message), frame(&proto(&[3]))].concat()
            },
            gives(&[1, 3]).reject(2, RejectKind::BadField),
        ),
        case(
            "half a million brackets, and then the end",
            good(1) + "\n" + &"[".repeat(500_000),
            gives(&[1]).reject(2, RejectKind::CutJson),
        ),
        case("half a million lines of nothing", "\n".repeat(500_000), gives(&[]).blanks(500_000)),
        case(
            "thirty thousand empty lists in a line",
            format!("[{}]", "[],".repeat(30_000)),
            gives(&[]).reject(1, NotJson),
        ),
    ]);
}
