//! `halo overview` and `halo trace`: the traces themselves, for people.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

/// The first trace of the dataset, by id.
fn first_trace(sandbox: &Sandbox) -> String {
    let rows =
        sandbox.run(&["sql", "traces.halo", "SELECT min(trace_id) AS id FROM traces", "--format", "csv"]).shown();
    rows.lines().rev().map(str::trim).find(|line| line.len() >= 16).unwrap().to_owned()
}

#[test]
fn an_overview_and_a_trace() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let trace = first_trace(&sandbox);
    let shown = |args: &[&str]| format!("> {}\n{}", args.join(" "), sandbox.run(args).shown());
    let told = [
        shown(&["overview", "traces.halo"]),
        shown(&["overview", "traces.halo", "--errors"]),
        shown(&["overview", "traces.halo", "--service", "none"]),
        shown(&["overview", "traces.halo", "--matching", "("]),
        shown(&["trace", "traces.halo", &trace]),
        shown(&["trace", "traces.halo", &trace, "--search", "(?i)transit"]),
        shown(&["trace", "traces.halo", &trace, "--page", "9"]),
        shown(&["search", "traces.halo", "transit", "-i"]),
        shown(&["search", "traces.halo", "-F", "$", "--show", "hits", "--limit", "2", "-C", "10"]),
        shown(&["search", "traces.halo", "transit", "--show", "traces", "--errors", "false"]),
        shown(&["search", "traces.halo", "("]),
        shown(&["trace", "traces.halo", "nowhere"]),
        shown(&["trace", "traces.halo", &trace, "--span", "x"]),
        shown(&["trace", "traces.halo", &trace, "--step", "4"]),
        shown(&["trace", "traces.halo", &trace, "--step", "4", "--span", "x"]),
        shown(&["trace", "traces.halo", &trace, "--step", "4", "--format", "json"]),
    ];
    assert_snapshot!(told.join("\n"));
}

#[test]
fn a_trace_in_colour_and_as_a_document() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let trace = "00000000000000000000000000000003";
    let colored = sandbox.run(&["trace", "traces.halo", trace, "--color", "always"]).shown();
    assert_snapshot!(colored.replace('\u{1b}', "^"));
    let plain = sandbox.run(&["trace", "traces.halo", trace]).shown();
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let json = sandbox.run(&["trace", "traces.halo", trace, "--format", "json"]).stdout;
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (document["trace"]["trace_id"].as_str(), document["trace"]["span_count"].as_u64()),
        (Some(trace), Some(3))
    );
    assert_eq!((&document["spans"][0]["depth"], &document["spans"][0]["children"]), (&0.into(), &vec![2, 3].into()));
    assert_eq!(document["spans"][1]["attributes"]["session.id"], document["spans"][1]["session_id"]);
    let none = sandbox.run(&["trace", "traces.halo", "nowhere", "--format", "json"]).shown();
    assert!(none.starts_with("exit code 2") && none.contains("there is no trace `nowhere`"), "{none}");
}
