//! Every answer ends: in time, in length, in work. What is cut names the call that goes on.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use halo_repo::{Repo, RepoLimits};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::checkout::{Checkout, call, call_until};

/// The call that an answer names, as a tool and its arguments.
fn named_call(answer: &str) -> Option<(String, Value)> {
    let line = answer.lines().rev().find(|line| line.starts_with('[') && line.ends_with(")]"))?;
    let (_, call) = line.trim_end_matches(")]").split_once(": ")?;
    let (tool, arguments) = call.split_once('(')?;
    let mut map = Map::new();
    for argument in arguments.split(", ") {
        let (name, value) = argument.split_once('=')?;
        map.insert(name.to_owned(), serde_json::from_str(value).unwrap());
    }
    Some((tool.to_owned(), Value::Object(map)))
}

/// Follows the calls that answers name until one names none.
async fn follow(repo: &Repo, tool: &str, arguments: Value) -> Vec<String> {
    let mut answers = vec![call(repo, tool, arguments).await];
    while let Some((tool, arguments)) = named_call(answers.last().unwrap()) {
        answers.push(call(repo, &tool, arguments).await);
        assert!(answers.len() < 100, "{answers:?}");
    }
    answers
}

fn small() -> RepoLimits {
    RepoLimits { output_chars: 1000, ..RepoLimits::default() }
}

#[tokio::test]
async fn the_calls_that_answers_name_lead_to_the_end() {
    let checkout = Checkout::git();
    let lines: Vec<String> = (1..=300).map(|number| format!("line {number}")).collect();
    checkout.write("a.txt", lines.join("\n") + "\n");
    let many: Vec<String> = (1..=60).map(|number| format!("file{number:02}.txt")).collect();
    many.iter().for_each(|name| checkout.write(&format!("many/{name}"), ""));
    for number in 0..30 {
        checkout.write("b.txt", format!("{number}\n"));
        checkout.commit(&format!("Commit {number} of a long series"));
    }
    let repo = checkout.open_with(small());
    let whole = |answers: &[String], wanted: &[String]| {
        assert!(answers.len() > 1, "{answers:?}");
        assert!(answers.iter().all(|answer| answer.chars().count() < 2200), "{answers:?}");
        let all = answers.concat();
        for text in wanted {
            let count = all.lines().filter(|line| line.ends_with(text) || line.contains(&format!("{text} "))).count();
            assert_eq!(count, 1, "{text}: {all}");
        }
    };
    whole(&follow(&repo, "read_file", json!({"path": "a.txt"})).await, &lines);
    whole(&follow(&repo, "git_read_file", json!({"ref": "HEAD", "path": "a.txt"})).await, &lines);
    whole(&follow(&repo, "grep_files", json!({"regex_pattern": "^line", "path": "a.txt"})).await, &lines);
    whole(&follow(&repo, "git_blame", json!({"path": "a.txt", "start_line": 1, "end_line": 999})).await, &lines);
    whole(&follow(&repo, "glob_files", json!({"pattern": "many/*"})).await, &many);
    let subjects: Vec<String> = (0..30).map(|number| format!("Commit {number} of a long series")).collect();
    whole(&follow(&repo, "git_log", json!({})).await, &subjects);
    let first = checkout.run(&["rev-list", "--max-parents=0", "HEAD"]);
    let patch = follow(&repo, "git_show", json!({"ref": first, "path": "a.txt", "include_patch": true})).await;
    whole(&patch, &lines);
}

#[tokio::test]
async fn a_long_line_is_read_to_its_end() {
    let checkout = Checkout::plain();
    let line: String = (0..2500).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
    checkout.write("min.js", &line);
    let repo = checkout.open();
    let mut read = String::new();
    let mut next = Some(json!({"path": "min.js"}));
    while let Some(arguments) = next.take() {
        let answer = call(&repo, "read_file", arguments).await;
        let shown = answer.lines().nth(1).unwrap().split_once("| ").unwrap().1;
        let (text, more) = shown.split_once("… [").unwrap_or((shown, ""));
        read.push_str(text.trim_start_matches('…'));
        next = named_call(&format!("[{more}")).map(|(_, arguments)| arguments);
    }
    assert_eq!(read, line);
}

#[tokio::test]
async fn walks_and_reads_end_early_and_say_so() {
    let checkout = Checkout::plain();
    (0..20).for_each(|number| checkout.write(&format!("{number:02}.txt"), "x\n".repeat(1000)));
    let limits = RepoLimits { walked_max: 5, read_bytes_max: 100, ..RepoLimits::default() };
    let repo = checkout.open_with(limits);
    let told = call(&repo, "glob_files", json!({"pattern": "*.none"})).await;
    let note = "[only the first 5 files were looked at: give a path to look further]";
    assert_eq!(told.lines().last(), Some(note), "{told}");
    let told = call(&repo, "read_file", json!({"path": "19.txt", "offset": 49})).await;
    let expected = "19.txt, lines 49-50 of more than 50\n49| x\n50| x\n";
    assert_eq!(told, format!("{expected}[the next lines: read_file(path=\"19.txt\", offset=51)]\n"));

    let repo = checkout.open_with(RepoLimits { time: Duration::ZERO, ..RepoLimits::default() });
    let told = call(&repo, "read_file", json!({"path": "00.txt"})).await;
    assert_eq!(told, "ERROR stopped after 0 s; ask for less: a narrower path, range or pattern\n");
    let told = call(&repo, "grep_files", json!({"regex_pattern": "x"})).await;
    assert!(told.ends_with("[stopped after 0 s; ask for less: a narrower path, range or pattern]\n"), "{told}");

    let cancelled = CancellationToken::new();
    cancelled.cancel();
    for (tool, arguments) in [("read_file", json!({"path": "00.txt"})), ("grep_files", json!({"regex_pattern": "x"}))] {
        let told = call_until(&checkout.open(), tool, arguments, cancelled.clone()).await;
        assert_eq!(told, "ERROR interrupted\n", "{tool}");
    }
}

#[tokio::test]
async fn pipes_and_devices_are_never_waited_for() {
    let checkout = Checkout::plain();
    checkout.write("a.py", "x = 1\n");
    make_pipe(&checkout.root().join("pipe"));
    std::fs::create_dir(checkout.root().join("sub")).unwrap();
    make_pipe(&checkout.root().join("sub/.gitignore"));
    checkout.write("sub/b.py", "x = 2\n");
    checkout.link(".gitignore", "/dev/zero");
    let repo = checkout.open();
    let told = call(&repo, "grep_files", json!({"regex_pattern": "x"})).await;
    assert_eq!(told, "2 matches in 2 files\n\na.py\n1| x = 1\n\nsub/b.py\n1| x = 2\n");
    let told = call(&repo, "read_file", json!({"path": "pipe"})).await;
    assert_eq!(told, "ERROR `pipe` is a pipe, socket or device and is never opened\n");
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A stand-in for git that starts a process and never ends. Each holds a pipe open; its end tells that all are gone.
fn endless_git(checkout: &Checkout, time: Duration) -> Repo {
    let folder = checkout.around().join("bin");
    std::fs::create_dir(&folder).unwrap();
    let pipe = checkout.around().join("alive");
    make_pipe(&pipe);
    let text = format!("#!/bin/sh\nexec 9>'{}'\n/bin/sleep 300 &\n/bin/sleep 300\n", pipe.display());
    std::fs::write(folder.join("git"), text).unwrap();
    std::fs::set_permissions(folder.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    checkout.open_with(RepoLimits { time, search_path: Some(folder.into_os_string()), ..RepoLimits::default() })
}

/// Waits until the stand-in is there, and then until it and all it started are gone.
fn watch(checkout: &Checkout, started: impl FnOnce() + Send + 'static) -> std::thread::JoinHandle<()> {
    let pipe = checkout.around().join("alive");
    std::thread::spawn(move || {
        let mut alive = std::fs::File::open(pipe).unwrap();
        started();
        assert_eq!(std::io::Read::read_to_end(&mut alive, &mut Vec::new()).unwrap(), 0);
    })
}

#[tokio::test]
async fn git_and_what_it_started_end_with_the_time() {
    let checkout = crate::history::history();
    let repo = endless_git(&checkout, Duration::from_secs(1));
    let (begin, watched) = (Instant::now(), watch(&checkout, || ()));
    let told = call(&repo, "git_log", json!({})).await;
    assert_eq!(told, "ERROR stopped after 1 s; ask for less: a narrower path, range or pattern\n");
    // On a busy machine the stand-in may have ended before it came to open the pipe, which is then still waited for.
    drop(std::fs::OpenOptions::new().write(true).read(true).open(checkout.around().join("alive")).unwrap());
    watched.join().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(100));
}

#[tokio::test]
async fn git_and_what_it_started_end_when_the_run_does() {
    let checkout = crate::history::history();
    let repo = endless_git(&checkout, Duration::from_secs(1000));
    let cancel = CancellationToken::new();
    let canceller = cancel.clone();
    let (begin, watched) = (Instant::now(), watch(&checkout, move || canceller.cancel()));
    let told = call_until(&repo, "git_show", json!({"ref": "HEAD"}), cancel).await;
    assert_eq!(told, "ERROR interrupted\n");
    watched.join().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(100));
}
