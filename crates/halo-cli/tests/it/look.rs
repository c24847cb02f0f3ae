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
    ];
    assert_snapshot!(told.join("\n"));
}
