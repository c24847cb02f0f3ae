//! Code that means harm: each of `tests/hostile/*.py` ends as its first lines say, within its limits, and the session goes on.
//!
//! `ends` names the endings that are right, `says` the texts of which one must be in what the model reads, `wall` a time limit in
//! seconds for code that is meant to meet it.

use std::time::{Duration, Instant};

use halo_sandbox::Ending;

use crate::harness::{limits, python_files, run, session};

/// What the head of a file says.
fn heading<'a>(code: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = code.lines().take_while(|line| line.starts_with("# "));
    lines.find_map(|line| line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(": "))
}

fn name_of(ending: Ending, has_error: bool) -> &'static str {
    match ending {
        Ending::Finished if has_error => "error",
        Ending::Finished => "finished",
        Ending::Exited => "exited",
        Ending::Interrupted => "interrupted",
        Ending::TimedOut => "timed_out",
        Ending::OutOfMemory => "out_of_memory",
        Ending::StackOverflow => "stack_overflow",
        Ending::Crashed => "crashed",
        Ending::Misbehaved => "misbehaved",
        Ending::Cancelled => "cancelled",
    }
}

/// What is wrong with how a file ended.
async fn problem(name: &str, code: &str) -> Option<String> {
    let mut limits = limits();
    if let Some(wall) = heading(code, "wall") {
        limits.wall = Duration::from_secs(wall.parse().unwrap());
    }
    // The head, the time to end by oneself, and what a busy machine takes on top.
    let time_max = limits.wall + Duration::from_secs(30);
    let mut session = session(limits);
    let began = Instant::now();
    let outcome = run(&mut session, code).await;
    let time = began.elapsed();
    let text = outcome.text();
    let ending = name_of(outcome.ending, outcome.error.is_some());
    let next = run(&mut session, "print('well')\nsum([1, 2])").await;
    let is_right = heading(code, "ends").unwrap().split('|').any(|right| right == ending)
        && heading(code, "says").unwrap_or_default().split('|').any(|part| text.contains(part))
        && text.chars().count() < 12_000
        && time < time_max
        && next.printed == "well\n"
        && next.value.as_deref() == Some("3")
        && next.variables_lost.is_some() != outcome.ending.keeps_variables();
    (!is_right).then(|| format!("--- {name}: {ending} after {time:?}\n{text}\nnext: {:?}\n", next.text()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_code_ends_clearly_and_the_session_goes_on() {
    let files = python_files("hostile");
    assert!(files.len() >= 40, "{} files", files.len());
    let mut wrong = Vec::new();
    for pair in files.chunks(4) {
        let problems = pair.iter().map(|(name, code)| problem(name, code));
        wrong.extend(futures::future::join_all(problems).await.into_iter().flatten());
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}
