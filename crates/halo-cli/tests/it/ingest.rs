//! `halo ingest` on good input, in all the ways it can be named.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStderr, ChildStdin, Stdio};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, fixtures, gzip, signal, without, zstd};

fn small() -> Vec<u8> {
    std::fs::read(fixtures().join("small.jsonl")).unwrap()
}

fn small_otlp() -> String {
    std::fs::read_to_string(fixtures().join("small.otlp.jsonl")).unwrap()
}

#[test]
fn a_flat_file() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture("small.jsonl");
    assert_snapshot!(sandbox.run(&["ingest", &name, "-o", "traces.halo"]).shown());
}

#[test]
fn an_otlp_file() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture("small.otlp.jsonl");
    assert_snapshot!(sandbox.run(&["ingest", &name, "-o", "traces.halo"]).shown());
}

#[test]
fn compressed_files_give_the_same_rows_whatever_they_are_called() {
    let sandbox = Sandbox::new();
    let whole = small();
    let (first, second) = whole.split_at(6000);
    let members = [gzip(first), gzip(second)].concat();
    let frames = [zstd(first), zstd(second)].concat();
    for (name, bytes) in [
        ("plain", small()),
        ("packed.jsonl.gz", gzip(&small())),
        ("members", members),
        ("packed.jsonl.zst", zstd(&small())),
        ("frames.txt", frames),
    ] {
        sandbox.write(name, bytes);
        let dataset = format!("{name}.halo");
        sandbox.run(&["ingest", name, "-o", &dataset]).expect_code(0);
    }
    let rows = |name: &str| {
        let dataset = format!("{name}.halo");
        without(&["source"], sandbox.rows(&dataset, "SELECT * FROM spans ORDER BY trace_id, step"))
    };
    let plain = rows("plain");
    assert_eq!(plain.len(), 14);
    for name in ["packed.jsonl.gz", "members", "packed.jsonl.zst", "frames.txt"] {
        assert_eq!(rows(name), plain, "{name}");
    }
}

#[test]
fn several_inputs_a_folder_a_glob_and_standard_input() {
    let sandbox = Sandbox::new();
    let lines: Vec<String> = String::from_utf8(small()).unwrap().lines().map(|line| format!("{line}\n")).collect();
    sandbox.write("logs/a.jsonl", lines[..5].concat());
    sandbox.write("logs/deep/b.jsonl.gz", gzip(lines[5..9].concat().as_bytes()));
    sandbox.write("logs/readme.txt", "no traces");
    sandbox.write("c.jsonl", lines[9..].concat());
    let shown = [
        sandbox.run(&["ingest", "logs/a.jsonl", "c.jsonl", "-o", "several.halo"]).shown(),
        sandbox.run(&["ingest", "logs", "-o", "folder.halo"]).shown(),
        sandbox.run(&["ingest", "logs/**/*.jsonl*", "c.jsonl", "-o", "glob.halo"]).shown(),
        sandbox.run_with_input(&["ingest", "-", "-o", "stdin.halo"], &gzip(&small())).shown(),
        sandbox.run(&["ingest", "c.jsonl", "./logs", "c.jsonl", "-o", "twice.halo"]).shown(),
    ];
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn the_same_input_again_adds_nothing_and_one_that_grew_adds_what_is_new() {
    let sandbox = Sandbox::new();
    let text = String::from_utf8(small()).unwrap();
    let cut = text.match_indices('\n').nth(8).unwrap().0 + 1;
    sandbox.write("agent.jsonl", &text[..cut]);
    let ingest = || sandbox.run(&["ingest", "agent.jsonl", "-o", "traces.halo"]).shown();
    let mut shown = vec![ingest(), ingest()];
    sandbox.write("agent.jsonl", &text);
    shown.push(ingest());
    // The same spans by another way are no news either.
    let otlp = sandbox.fixture("small.otlp.jsonl");
    shown.push(sandbox.run(&["ingest", &otlp, "-o", "traces.halo"]).shown());
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_trace_that_straddles_two_ingests_is_one_trace() {
    let sandbox = Sandbox::new();
    let otlp = small_otlp();
    let (first, rest) = otlp.split_at(otlp.find('\n').unwrap() + 1);
    sandbox.write("first.jsonl", first);
    sandbox.write("rest.jsonl", rest);
    sandbox.write("whole.jsonl", &otlp);
    sandbox.run(&["ingest", "first.jsonl", "-o", "parts.halo"]).expect_code(0);
    sandbox.run(&["ingest", "rest.jsonl", "-o", "parts.halo"]).expect_code(0);
    sandbox.run(&["ingest", "whole.jsonl", "-o", "whole.halo"]).expect_code(0);

    // Not vacuous: some trace has spans of both files.
    let straddling = "SELECT trace_id FROM spans GROUP BY 1 HAVING count(DISTINCT source) = 2";
    assert!(!sandbox.rows("parts.halo", straddling).is_empty());
    // The attributes of a trace in parts are made again from what its spans keep, which is more than the first reading takes.
    for (query, places) in [
        ("SELECT * FROM traces ORDER BY trace_id", &["attributes"][..]),
        ("SELECT * FROM spans ORDER BY trace_id, step, span_id", &["source", "source_line"]),
    ] {
        let rows = |dataset| without(places, sandbox.rows(dataset, query));
        assert_eq!(rows("parts.halo"), rows("whole.halo"), "{query}");
    }
    let steps =
        "SELECT trace_id, array_agg(step ORDER BY step) AS steps, count(*) AS spans FROM spans GROUP BY 1 ORDER BY 1";
    for trace in sandbox.rows("parts.halo", steps) {
        let count = trace["spans"].as_u64().unwrap();
        assert_eq!(trace["steps"], json!((1..=count).collect::<Vec<_>>()), "{trace}");
    }
}

#[test]
fn a_summary_for_programs() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture("small.jsonl");
    let ended = sandbox.run(&["ingest", &name, "-o", "traces.halo", "--format", "json"]);
    assert_snapshot!(ended.shown());
    let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(summary["dataset_spans"], 14);
}

#[test]
fn quiet_says_nothing_and_works() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture("small.jsonl");
    assert_eq!(sandbox.run(&["ingest", &name, "-o", "traces.halo", "--quiet"]).shown(), "exit code 0\n");
    assert_eq!(sandbox.rows("traces.halo", "SELECT count(*) AS spans FROM spans"), [json!({"spans": 14})]);
}

#[test]
fn a_second_writer_is_turned_away_while_readers_are_served() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture("small.jsonl");
    sandbox.run(&["ingest", "-q", &name, "-o", "traces.halo"]).expect_code(0);
    let mut writer = sandbox.command(&["ingest", "-", "-o", "traces.halo"]).stdin(Stdio::piped()).spawn().unwrap();
    // More than a pipe holds: when it is written, the program has read some of it, and holds the dataset until the end of input.
    let mut stdin = writer.stdin.take().unwrap();
    stdin.write_all(&vec![b'\n'; 4 << 20]).unwrap();

    let other = sandbox.fixture("small.otlp.jsonl");
    let refused = sandbox.run(&["ingest", &other, "-o", "traces.halo"]).shown();
    let counted = sandbox.rows("traces.halo", "SELECT count(*) AS spans FROM spans");
    drop(stdin);
    let finished = sandbox.ended(writer).shown();
    assert_eq!(counted, [json!({"spans": 14})]);
    assert_snapshot!(format!("{refused}\n{finished}"));
}

/// An ingest from standard input that has begun to read and was told to end once; the pipe to it, and its stderr after that.
fn interrupted(sandbox: &Sandbox) -> (Child, ChildStdin, BufReader<ChildStderr>) {
    let mut child = sandbox.command(&["ingest", "-", "-o", "traces.halo"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // When more than a pipe holds is written, the program is past its start and listens to signals.
    stdin.write_all(&vec![b'\n'; 4 << 20]).unwrap();
    signal("INT", child.id());
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("interrupted") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended without a word");
    }
    assert_eq!(line, "interrupted: ending; once more to end at once\n");
    (child, stdin, stderr)
}

#[test]
fn an_interrupted_ingest_leaves_the_dataset_as_it_was() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let (child, stdin, mut stderr) = interrupted(&sandbox);
    drop(stdin);
    sandbox.ended(child).expect_code(130);
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(said, "error: interrupted; the dataset is as it was before\n");

    // Input that never ends is no reason to stay, when the user insists.
    let (child, stdin, _) = interrupted(&sandbox);
    signal("INT", child.id());
    sandbox.ended(child).expect_code(130);
    drop(stdin);
    assert_eq!(sandbox.rows("traces.halo", "SELECT count(*) AS spans FROM spans"), [json!({"spans": 14})]);
    let other = sandbox.fixture("small.otlp.jsonl");
    sandbox.run(&["ingest", "-q", &other, "-o", "traces.halo"]).expect_code(0);
}
