//! What a session keeps, what it loses and how it is ended from outside.

use std::time::{Duration, Instant};

use halo_sandbox::{CodeOutcome, CodeSession, Ending, SandboxError, WorkerCommand};
use tokio_util::sync::CancellationToken;

use crate::harness::{TestHost, functions, limits, run, session};

fn texts(outcomes: &[CodeOutcome]) -> String {
    let texts: Vec<String> = outcomes.iter().map(CodeOutcome::text).collect();
    texts.join("\n---\n")
}

#[tokio::test]
async fn variables_functions_and_imports_last() {
    let mut session = session(limits());
    let mut outcomes = Vec::new();
    for code in [
        "import re\nrows = sql('SELECT * FROM errors')\ndef first(pattern):\n    return re.search(pattern, rows[0]['message']).group()\n",
        "first('[0-9]+')",
        "first('nothing')",
        "rows[0][",
        "len(rows), _",
    ] {
        outcomes.push(run(&mut session, code).await);
    }
    insta::assert_snapshot!(texts(&outcomes));
}

#[tokio::test]
async fn what_a_model_reads_of_errors() {
    let mut session = session(limits());
    let mut outcomes = Vec::new();
    for code in [
        "print('so far')\ndef f(n):\n    if n == 0:\n        return {}['trace_id']\n    return f(n - 1)\nf(3)",
        "def g(n):\n    return g(n + 1)\ng(0)",
        "import pandas as pd",
        "import socket",
        "open('traces.jsonl')",
        "import os\nos.environ['HOME'], os.listdir('.')",
        "import os\nos.listdir('.')",
        "sql('SELECT * FROM nowhere')",
        "sql('SELECT 1', 5)",
        "llm_batch(['a', 3])",
        "help(view_trace)",
        "for i in range(3) print(i)",
        "x = 1",
        "exit()",
        "sum(json.loads('[1]'))",
        "import json, statistics\nraise ValueError(json.dumps({'a': statistics.mean([1, 2])}))",
    ] {
        outcomes.push(run(&mut session, code).await);
    }
    insta::assert_snapshot!(texts(&outcomes));
}

#[tokio::test]
async fn long_output_keeps_both_ends_and_says_what_is_missing() {
    let mut limits = limits();
    limits.output_chars = 60;
    let mut session = session(limits);
    let printed = run(&mut session, "for i in range(1000): print('line', i)").await;
    let value = run(&mut session, "list(range(1000))").await;
    insta::assert_snapshot!(texts(&[printed, value]));
}

#[tokio::test]
async fn interrupted_code_keeps_its_variables() {
    let mut limits = limits();
    limits.wall = Duration::from_millis(700);
    let mut session = session(limits);
    let first = run(&mut session, "n = 0\nprint('began')\nwhile True: n += 1").await;
    let second = run(&mut session, "n > 1000").await;
    insta::assert_snapshot!(texts(&[first, second]));
}

#[tokio::test]
async fn code_that_is_killed_loses_its_variables_and_what_it_printed_is_kept() {
    let mut limits = limits();
    limits.wall = Duration::from_millis(700);
    let mut session = session(limits);
    let mut outcomes = Vec::new();
    for code in ["kept = 1", "import time\nprint('before')\necho(1)\ntime.sleep(1000)", "kept", "kept = 2", "kept"] {
        outcomes.push(run(&mut session, code).await);
    }
    insta::assert_snapshot!(texts(&outcomes));
}

#[tokio::test]
async fn time_of_host_functions_does_not_count_and_cancel_ends_them() {
    let mut limits = limits();
    limits.wall = Duration::from_millis(500);
    let (mut session, mut other) = (session(limits.clone()), session(limits));
    let cancel = CancellationToken::new();
    let host = TestHost::default();
    let stop = async {
        // Code that is not in a host function is over its time when this returns.
        let other = run(&mut other, "import time\ntime.sleep(1000)").await;
        assert_eq!(other.ending, Ending::TimedOut);
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(session.run("wait()", &host, &cancel), stop);
    let outcome = outcome.unwrap();
    assert_eq!((outcome.ending, outcome.host_calls, session.is_live()), (Ending::Cancelled, 1, false));
    assert_eq!(*host.calls.lock().unwrap(), ["wait"]);
    let next = run(&mut session, "1").await;
    assert_eq!(next.text(), "(A fresh Python: variables of earlier calls are gone, because it was interrupted.)\n=> 1");
}

#[tokio::test]
async fn a_run_that_is_dropped_kills_its_worker() {
    let mut session = session(limits());
    let host = TestHost::default();
    let cancel = CancellationToken::new();
    let began = Instant::now();
    let dropped =
        tokio::time::timeout(Duration::from_millis(500), session.run("while True: pass", &host, &cancel)).await;
    assert!(dropped.is_err() && !session.is_live());
    let next = run(&mut session, "1").await;
    let reason = next.variables_lost.as_deref();
    assert_eq!((reason, next.value.as_deref()), (Some("the call before was interrupted"), Some("1")));
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_session_that_is_ended_starts_afresh_and_says_why() {
    let mut session = session(limits());
    session.end("nothing ran yet");
    assert_eq!(run(&mut session, "x = 1").await.variables_lost, None);
    session.end("other agents needed the room");
    let next = run(&mut session, "x").await;
    insta::assert_snapshot!(next.text());
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_told() {
    let mut problems = Vec::new();
    for (program, args) in
        [("/nonexistent/halo", Vec::new()), ("/bin/sh", vec!["-c".into(), "echo no such thing >&2".into()])]
    {
        let command = WorkerCommand { program: program.into(), args };
        let mut session = CodeSession::start(command, limits(), functions());
        let result = session.run("1", &TestHost::default(), &CancellationToken::new()).await;
        problems.push(result.unwrap_err());
    }
    assert!(matches!(problems[0], SandboxError::Spawn { .. }));
    let [_, no_worker] = &problems[..] else { panic!("two problems") };
    assert_eq!(no_worker.to_string(), "the Python worker `/bin/sh` does not answer: no such thing");
}

#[tokio::test]
async fn a_worker_that_talks_nonsense_is_killed() {
    let nonsense = "read start; echo '{\"type\":\"ready\"}'; read run; ";
    for (script, ending) in [
        ("echo hello; read more", Ending::Misbehaved),
        ("echo '{\"type\":\"ready\"}'; read more", Ending::Misbehaved),
        ("kill -9 $$", Ending::Crashed),
        ("exit 0", Ending::Crashed),
    ] {
        let args = vec!["-c".into(), format!("{nonsense}{script}").into()];
        let command = WorkerCommand { program: "/bin/sh".into(), args };
        let mut session = CodeSession::start(command, limits(), functions());
        let outcome = session.run("1", &TestHost::default(), &CancellationToken::new()).await.unwrap();
        assert_eq!((outcome.ending, session.is_live()), (ending, false), "{script}");
    }
}

#[tokio::test]
async fn values_go_to_the_host_and_come_back() {
    let mut session = session(limits());
    let code = "value = {'n': [1, -2, 2.5, 2 ** 63, True, None], 't': ('a', 'ü…'), 3: {'deep': [[]]}, 'big': -2 ** 63}\necho(value)";
    let outcome = run(&mut session, code).await;
    let expected = "{'n': [1, -2, 2.5, 9223372036854775808, True, None], 't': ['a', 'ü…'], '3': {'deep': [[]]}, 'big': -9223372036854775808}";
    // The order of keys is the host's to choose.
    let same = run(&mut session, &format!("echo(value) == {expected}")).await;
    assert_eq!((outcome.error, same.value.as_deref()), (None, Some("True")));
}

#[tokio::test]
async fn sessions_are_apart() {
    let (mut one, mut other) = (session(limits()), session(limits()));
    run(&mut one, "secret = 1").await;
    let outcome = run(&mut other, "secret").await;
    assert_eq!(outcome.error.map(|error| error.class), Some("NameError".to_owned()));
    assert_eq!(run(&mut one, "secret").await.value.as_deref(), Some("1"));
}
