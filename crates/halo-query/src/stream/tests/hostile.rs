//! Every hostile statement of `tests/hostile/*.txt` gives what its file says, and leaves the process as it was.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use halo_testkit::{TestSpan, tiny_dataset};
use tokio_util::sync::CancellationToken;

use super::idle;
use crate::{LimitKind, QueryError, QueryLimits, QueryResult, SessionOptions, TraceSession};

const MEMORY_BYTES: usize = 24 << 20;

struct Case {
    wanted: String,
    sql: String,
}

fn cases(file: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        match (line.strip_prefix("=== "), cases.last_mut()) {
            (Some(wanted), _) => cases.push(Case { wanted: wanted.to_owned(), sql: String::new() }),
            (None, Some(case)) => case.sql.push_str(&format!("{line}\n")),
            (None, None) => assert_eq!(line, ""),
        }
    }
    cases
}

/// The statement that a file stands for: `<<5 x>>` is `xxxxx`, and `<<U+200B>>` that character.
fn written_out(text: &str) -> String {
    let (mut sql, mut rest) = (String::new(), text.trim_end());
    while let Some((before, after)) = rest.split_once("<<") {
        let end = after.find(">>").expect("closed");
        // What is repeated may end with the sign itself.
        let end = end + after[end + 2..].len() - after[end + 2..].trim_start_matches('>').len();
        sql.push_str(before);
        match after[..end].split_once(' ') {
            Some((times, what)) => sql.push_str(&what.repeat(times.parse().expect("a number"))),
            None => {
                let code = u32::from_str_radix(after[..end].trim_start_matches("U+"), 16).expect("hex");
                sql.push(char::from_u32(code).expect("a character"));
            }
        }
        rest = &after[end + 2..];
    }
    sql + rest
}

/// What it gave, in the words of the files; an error's message where text is wanted.
fn is_wanted(wanted: &str, result: &Result<QueryResult, QueryError>) -> bool {
    match (wanted, result) {
        ("runs", Ok(result)) => result.row_count() < 1000,
        ("cut", Ok(result)) => result.truncated,
        ("time", Err(QueryError::Limit { kind, .. })) => *kind == LimitKind::Time,
        ("memory", Err(QueryError::Limit { kind, .. })) => *kind != LimitKind::Time,
        ("stopped", Err(QueryError::Limit { .. })) => true,
        (wanted, Err(error @ QueryError::Statement { .. })) => {
            let text = wanted.strip_prefix("wrong:").map(str::trim);
            text.is_some_and(|text| error.to_string().contains(text) && !error.to_string().contains('\n'))
        }
        _ => false,
    }
}

/// Files below a folder and their sizes.
fn files(folder: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let meta = entry.metadata().expect("is there");
        if meta.is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path().display().to_string(), meta.len());
        }
    }
    found
}

async fn all_give_what_they_must(file: &str) {
    let spans: Vec<TestSpan> = (0..9)
        .map(|index| {
            TestSpan::tool(&format!("t{}", index % 3), &format!("s{index}"))
                .input(r#"{"a":1}"#)
                .output(&format!("result {index}"))
        })
        .collect();
    let (folder, dataset) = tiny_dataset(&spans);
    let options = SessionOptions { threads: 2, memory_bytes: MEMORY_BYTES };
    let session = TraceSession::open(&dataset, options).await.expect("opens");
    let here = std::env::current_dir().expect("a folder");
    let before = (files(folder.path()), files(&here));
    let mut unlike = String::new();
    for case in cases(file) {
        let time_max = match case.wanted.as_str() {
            "time" => Duration::from_millis(300),
            "stopped" => Duration::from_secs(1),
            _ => Duration::from_secs(60),
        };
        let limits = QueryLimits { rows_max: 1000, bytes_max: 5_000_000, time_max };
        let result = session.query(&written_out(&case.sql), &limits, &CancellationToken::new()).await;
        let start: String = case.sql.chars().take(200).collect();
        if !is_wanted(&case.wanted, &result) {
            let gave = match result {
                Ok(result) => format!("{} rows, cut: {}", result.row_count(), result.truncated),
                Err(error) => format!("{error:?}").chars().take(400).collect(),
            };
            unlike.push_str(&format!("{start}  wanted {}\n  gave {gave}\n", case.wanted));
        }
        idle(&session, &start).await;
    }
    assert_eq!(unlike, "");
    // The session works on, and nothing was written.
    let limits = QueryLimits { rows_max: 10, bytes_max: 1000, time_max: Duration::from_secs(60) };
    let count = session.query("SELECT count(*) AS n FROM spans", &limits, &CancellationToken::new()).await;
    assert_eq!(count.expect("runs").texts("n"), Some(vec![Some("9".to_owned())]));
    assert_eq!((files(folder.path()), files(&here)), before);
}

#[tokio::test]
async fn statements_that_write() {
    all_give_what_they_must(include_str!("../../../tests/hostile/writes.txt")).await;
}

#[tokio::test]
async fn statements_that_reach_out() {
    all_give_what_they_must(include_str!("../../../tests/hostile/reach.txt")).await;
}

#[tokio::test]
async fn statements_without_end() {
    all_give_what_they_must(include_str!("../../../tests/hostile/endless.txt")).await;
}

#[tokio::test]
async fn statements_that_want_much() {
    all_give_what_they_must(include_str!("../../../tests/hostile/large.txt")).await;
}

#[tokio::test]
async fn statements_of_odd_shapes() {
    all_give_what_they_must(include_str!("../../../tests/hostile/shapes.txt")).await;
}

#[test]
fn the_list_is_long() {
    let files = [
        include_str!("../../../tests/hostile/writes.txt"),
        include_str!("../../../tests/hostile/reach.txt"),
        include_str!("../../../tests/hostile/endless.txt"),
        include_str!("../../../tests/hostile/large.txt"),
        include_str!("../../../tests/hostile/shapes.txt"),
    ];
    assert!(files.iter().map(|file| cases(file).len()).sum::<usize>() >= 250);
    assert_eq!(written_out("a<<3 x>>b<<2 <>>><<U+0041>>"), "axxxb<><>A");
}
