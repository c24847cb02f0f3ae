//! Input and places that are not what they should be: a clear message and the right exit code, each time.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::sandbox::{Sandbox, fixtures, gzip};

#[test]
fn the_broken_corpus_file_by_file() {
    let sandbox = Sandbox::new();
    let mut names: Vec<String> = fs::read_dir(fixtures().join("broken"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut shown = String::new();
    for name in names {
        sandbox.fixture(&format!("broken/{name}"));
        let ended = sandbox.run(&["ingest", &name, "-o", &format!("{name}.halo")]);
        shown.push_str(&format!("$ halo ingest {name} -o {name}.halo\n{}\n", ended.shown()));
    }
    assert_snapshot!(shown);
}

#[test]
fn rejects_are_kept_with_their_places() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture("broken/not-json.jsonl");
    sandbox.run(&["ingest", &name, "-o", "traces.halo"]).expect_code(3);
    assert_snapshot!(sandbox.read("traces.halo/rejects.jsonl"));
    // The offsets lead to the lines.
    let bytes = fs::read(sandbox.path(&name)).unwrap();
    for line in sandbox.read("traces.halo/rejects.jsonl").lines() {
        let reject: Value = serde_json::from_str(line).unwrap();
        let offset = usize::try_from(reject["byte_offset"].as_u64().unwrap()).unwrap();
        let excerpt = reject["excerpt"].as_str().unwrap();
        assert!(bytes[offset..].starts_with(excerpt.as_bytes()), "{reject}");
    }
}

#[test]
fn the_share_of_rejects_that_is_allowed() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture("broken/not-json.jsonl");
    let ingest = |share: &str, dataset: &str| sandbox.run(&["ingest", &name, "-o", dataset, "--max-rejects", share]);
    ingest("50%", "at.halo").expect_code(0);
    ingest("0.49", "under.halo").expect_code(3);
    assert_snapshot!(
        [
            ingest("60%", "a.halo").shown(),
            ingest("most of them", "b.halo").shown(),
            sandbox.run(&["ingest", "-q", &name, "-o", "quiet.halo"]).shown(),
        ]
        .join("\n")
    );
}

#[test]
fn a_line_that_is_too_long_is_left_out() {
    let sandbox = Sandbox::new();
    let lines = fs::read_to_string(fixtures().join("small.jsonl")).unwrap();
    let long = lines.lines().next().unwrap().replace("Where is order", &"Where? ".repeat(2_000_000));
    sandbox.write("traces.jsonl", lines.replacen('\n', &format!("\n{long}\n"), 1));
    assert_snapshot!(
        sandbox
            .run(&["ingest", "traces.jsonl", "-o", "traces.halo", "--max-line", "6MiB", "--max-rejects", "20%"])
            .shown()
    );
}

#[test]
fn streams_that_break_off_keep_their_whole_lines() {
    let sandbox = Sandbox::new();
    let example = fs::read(fixtures().join("small.jsonl")).unwrap();
    let gz = gzip(&example);
    sandbox.write("cut.jsonl.gz", &gz[..gz.len() * 3 / 4]);
    // A stream of many blocks: what stands in whole blocks can be read.
    let zst = fs::read(fixtures().join("support-agent.jsonl.zst")).unwrap();
    sandbox.write("cut.jsonl.zst", &zst[..zst.len() / 2]);
    let mut tail = gz.clone();
    tail.truncate(gz.len() - 4);
    sandbox.write("no-checksum.jsonl.gz", tail);
    let shown: Vec<String> = ["cut.jsonl.gz", "cut.jsonl.zst", "no-checksum.jsonl.gz"]
        .iter()
        .map(|name| sandbox.run(&["ingest", name, "-o", &format!("{name}.halo")]).shown())
        .collect();
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn inputs_that_are_not_there() {
    let sandbox = Sandbox::new();
    sandbox.write("notes/readme.txt", "no traces here");
    let shown = [
        sandbox.run(&["ingest", "missing.jsonl", "-o", "traces.halo"]).shown(),
        sandbox.run(&["ingest", "logs/*.jsonl", "-o", "traces.halo"]).shown(),
        sandbox.run(&["ingest", "notes", "-o", "traces.halo"]).shown(),
        sandbox.run_with_input(&["ingest", "-", "-o", "stdin.halo"], b"").shown(),
        sandbox.run(&["ingest", "notes/readme.txt"]).shown(),
    ];
    assert_snapshot!(shown.join("\n"));
    assert!(!sandbox.path("traces.halo").exists(), "nothing is made for inputs that are not there");
}

#[test]
fn outputs_that_can_take_no_dataset() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture("small.jsonl");
    sandbox.write("notes/readme.txt", "mine");
    sandbox.write("damaged/manifest.json", "{");
    sandbox.write("newer/manifest.json", r#"{"format_version": 999}"#);
    let shown: Vec<String> = ["notes", "notes/readme.txt", "damaged", "newer"]
        .iter()
        .map(|output| sandbox.run(&["ingest", &name, "-o", output]).shown())
        .collect();
    assert_snapshot!(shown.join("\n"));
    assert_eq!(sandbox.read("notes/readme.txt"), "mine");
    assert_eq!(fs::read_dir(sandbox.path("notes")).unwrap().count(), 1, "nothing was added");
}

#[test]
fn a_file_without_spans_twice() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture("broken/binary.jsonl");
    sandbox.run(&["ingest", &name, "-o", "traces.halo"]).expect_code(3);
    assert_snapshot!(sandbox.run(&["ingest", &name, "-o", "traces.halo"]).shown());
}

#[test]
fn analysing_raw_input_that_is_broken() {
    let sandbox = Sandbox::new();
    sandbox.write("notes/readme.txt", "no traces here");
    let mut shown = String::new();
    for name in ["empty.jsonl", "binary.jsonl", "not-json.jsonl", "cut-last-line.jsonl"] {
        sandbox.fixture(&format!("broken/{name}"));
    }
    for arguments in [
        &["analyze", "empty.jsonl", "--offline"][..],
        &["analyze", "binary.jsonl", "--offline"],
        &["analyze", "missing.jsonl", "--offline"],
        &["analyze", "notes", "--offline"],
        &["analyze", "not-json.jsonl", "--offline"],
        &["analyze", "-", "--offline"],
    ] {
        let ended = sandbox.run(arguments);
        shown.push_str(&format!("$ halo {}\n{}\n", arguments.join(" "), ended.shown()));
    }
    assert_snapshot!(shown);
    // What was not good enough to analyse is not kept either, and no run was begun.
    let left: Vec<_> = sandbox.all_files().into_iter().filter(|path| !path.starts_with(sandbox.path(""))).collect();
    assert!(left.iter().all(|path| !path.to_str().unwrap().contains("/home/")), "{left:?}");
    // A higher limit takes the rest.
    sandbox
        .run(&["analyze", "cut-last-line.jsonl", "--offline", "-q", "--max-rejects", "40%", "--out", "run"])
        .expect_code(0);
    assert!(sandbox.path("run/report.md").is_file());
}
