//! Reports that are proved again, and compared with newer traces: `halo verify` and `halo check`.

use halo_protocol::Report;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// A place in a report, by its keys.
type Place = &'static [&'static str];

/// Makes another value of one.
type Alter<'a> = &'a dyn Fn(&mut Value);

/// Changes the value at a place.
fn alter(report: &mut Value, place: Place, change: impl FnOnce(&mut Value)) {
    let at = place.iter().fold(report, |value, key| match key.parse::<usize>() {
        Ok(index) => &mut value[index],
        Err(_) => &mut value[*key],
    });
    change(at);
}

#[test]
fn a_report_holds_until_a_figure_of_it_is_another() {
    let sandbox = Sandbox::new();
    let times_out = |run: usize, tool: &str| if tool == "print_label" { run < 8 } else { run > 11 };
    sandbox.write("traces.jsonl", batch("a", times_out));
    sandbox.run(&["ingest", "-q", "traces.jsonl", "-o", "traces.halo"]).expect_code(0);
    sandbox.run(&["analyze", "-q", "traces.halo", "--offline", "--out", "run"]).expect_code(0);
    let holds = sandbox.run(&["verify", "run"]);
    holds.expect_code(0);
    assert_eq!((holds.stdout.as_str(), holds.stderr.as_str()), ("all holds: 3 findings, 12 quotes, 59 checks\n", ""));

    let report: Value = serde_json::from_str(&sandbox.read("run/report.json")).unwrap();
    let one_more = |value: &mut Value| *value = json!(value.as_f64().unwrap() + 1.0);
    let one_more_count = |value: &mut Value| *value = json!(value.as_u64().unwrap() + 1);
    let other_word =
        |value: &mut Value| *value = json!(value.as_str().unwrap().replace(|c: char| c.is_ascii_digit(), "7") + "?");
    let changes: [(Place, Alter<'_>); 9] = [
        (&["dataset", "input_tokens"], &one_more_count),
        (&["findings", "0", "affected"], &one_more_count),
        (&["findings", "1", "rate"], &one_more),
        (&["findings", "0", "interval", "low"], &one_more),
        (&["findings", "1", "claim"], &other_word),
        (&["findings", "0", "evidence", "0", "quote"], &other_word),
        (&["findings", "1", "sample_trace_ids", "0"], &other_word),
        (&["coverage", "checks", "3", "population"], &one_more_count),
        (&["usage", "input_tokens"], &one_more_count),
    ];
    let write = |other: &Value| {
        let text = format!("{}\n", serde_json::to_string_pretty(other).unwrap());
        sandbox.write("run/report.json", &text);
        // As somebody would who wants it to look whole.
        let made: Report = serde_json::from_str(&text).unwrap();
        sandbox.write("run/report.md", halo_report::markdown(&made));
        sandbox.write("run/report.html", halo_report::html(&made));
        let findings = serde_json::to_string_pretty(&made.findings).unwrap();
        sandbox.write("run/findings.json", findings + "\n");
    };
    let failing = || {
        let ended = sandbox.run(&["verify", "run", "--format", "json"]);
        ended.expect_code(1);
        serde_json::from_str::<Vec<Value>>(&ended.stdout).unwrap()
    };
    for (place, change) in changes {
        let mut other = report.clone();
        alter(&mut other, place, change);
        write(&other);
        let rows = failing();
        let figure = |row: &Value| row["figure"].as_str().unwrap_or_default().replace(['[', ']'], ".");
        let last = place.last().unwrap();
        assert!(rows.iter().map(figure).any(|figure| figure.contains(last)), "{place:?}: {rows:?}");
    }

    // What is left out, told twice or in another order.
    let change_list = |place: Place, change: &dyn Fn(&mut Vec<Value>)| {
        let mut other = report.clone();
        alter(&mut other, place, |value| change(value.as_array_mut().unwrap()));
        write(&other);
        failing()
    };
    let whats =
        |rows: Vec<Value>| rows.into_iter().map(|row| row["what"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(whats(change_list(&["findings"], &|list| drop(list.remove(0)))), ["findings"]);
    assert_eq!(whats(change_list(&["findings"], &|list| list.push(list[0].clone()))), ["findings"]);
    assert!(whats(change_list(&["findings"], &|list| list.reverse())).contains(&"findings".to_owned()));
    assert_eq!(
        whats(change_list(&["coverage", "checks"], &|list| drop(list.remove(4)))),
        [format!("check {}", report["coverage"]["checks"][4]["name"].as_str().unwrap())]
    );

    // What people and programs read is made of the same figures; the log is there.
    write(&report);
    sandbox.run(&["verify", "run"]).expect_code(0);
    let markdown = sandbox.read("run/report.md");
    sandbox.write("run/report.md", [markdown.replace("of 24", "of 25").as_bytes(), b"\xff"].concat());
    let mut shown = vec![sandbox.run(&["verify", "run"]).shown()];
    std::fs::remove_file(sandbox.path("run/report.md")).unwrap();
    sandbox.write(
        "run/findings.json",
        sandbox.read("run/findings.json").replace("\"severity\": \"high\"", "\"severity\": \"low\""),
    );
    shown.push(sandbox.run(&["verify", "run/report.json"]).shown());
    write(&report);
    sandbox.write("run/events.jsonl", "");
    shown.push(sandbox.run(&["verify", "run"]).shown());
    // A report is about the traces that there were.
    sandbox.fixture("small.jsonl");
    sandbox.run(&["ingest", "-q", "small.jsonl", "-o", "traces.halo"]).expect_code(0);
    shown.push(sandbox.run(&["verify", "run"]).shown());
    assert_snapshot!(shown.join("\n"));
}

/// Runs of an agent that calls two tools, each with whether it times out.
fn batch(name: &str, times_out: impl Fn(usize, &str) -> bool) -> String {
    let mut lines = String::new();
    for run in 0..24_usize {
        let trace_id = format!("{name}{run:0>width$}", width = 32 - name.len());
        let mut add = |number: usize, kind: &str, attributes: Value| {
            let mut all = json!({"openinference.span.kind": kind, "agent.name": "packer"});
            all.as_object_mut().unwrap().extend(attributes.as_object().cloned().unwrap());
            let parent = if number == 0 { String::new() } else { format!("{run:08x}{:08x}", 1) };
            let line = json!({
                "trace_id": trace_id, "span_id": format!("{run:08x}{:08x}", number + 1), "parent_span_id": parent,
                "name": kind.to_lowercase(), "kind": "SPAN_KIND_INTERNAL",
                "start_time": format!("2026-05-04T10:00:{:02}.000000000Z", number * 10),
                "end_time": format!("2026-05-04T10:00:{:02}.000000000Z", number * 10 + 5),
                "status": {"code": "STATUS_CODE_UNSET", "message": ""},
                "resource": {"attributes": {"service.name": "packer"}}, "scope": {"name": "x", "version": "1"},
                "attributes": all,
            });
            lines.push_str(&format!("{line}\n"));
        };
        add(0, "AGENT", json!({"input.value": "Pack order 12", "output.value": "I could not finish this, sorry."}));
        for (number, tool) in ["reserve_stock", "print_label"].into_iter().enumerate() {
            let output = if times_out(run, tool) { "TimeoutError: timed out" } else { "{\"done\":true}" };
            add(
                number + 1,
                "TOOL",
                json!({"tool.name": tool, "input.value": "{\"order\":12}", "output.value": output}),
            );
        }
        add(
            3,
            "LLM",
            json!({"llm.model_name": "m", "output.value": "I could not finish this, sorry.",
            "llm.token_count.prompt": 100, "llm.token_count.completion": 10}),
        );
    }
    lines
}

#[test]
fn two_batches_one_fault_mended_and_one_new() {
    let sandbox = Sandbox::new();
    sandbox.write("monday.jsonl", batch("a", |run, tool| tool == "reserve_stock" && run < 12));
    sandbox.write("friday.jsonl", batch("b", |run, tool| tool == "print_label" && run < 8));
    sandbox.run(&["analyze", "-q", "monday.jsonl", "--offline", "--out", "run"]).expect_code(0);
    sandbox.run(&["verify", "-q", "run"]).expect_code(0);
    assert_snapshot!("compared", sandbox.run(&["verify", "run", "friday.jsonl"]).shown());
    assert_snapshot!("gate", sandbox.run(&["check", "friday.jsonl", "--baseline", "run"]).shown());
    assert_snapshot!("gate_without_baseline", sandbox.run(&["check", "friday.jsonl"]).shown());
    assert_snapshot!(
        "sarif",
        sandbox.run(&["check", "friday.jsonl", "--baseline", "run", "--format", "sarif", "-q"]).shown()
    );
    assert_snapshot!(
        "junit",
        sandbox.run(&["check", "friday.jsonl", "--baseline", "run", "--format", "junit", "-q"]).shown()
    );

    // The same again is no worse, and what is low does not count where only high does.
    sandbox.run(&["check", "-q", "monday.jsonl", "--baseline", "run"]).expect_code(0);
    sandbox.run(&["check", "-q", "monday.jsonl"]).expect_code(1);
    sandbox.run(&["check", "-q", "monday.jsonl", "--fail-on", "critical"]).expect_code(0);
}

#[test]
fn what_can_not_be_verified_says_why() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let run = |arguments: &[&str]| sandbox.run(arguments).shown();
    let mut shown = vec![run(&["verify", "nothing"]), run(&["verify", "traces.halo"])];
    sandbox.run(&["analyze", "-q", "traces.halo", "--offline", "--out", "run"]).expect_code(0);
    std::fs::remove_file(sandbox.path("run/report.json")).unwrap();
    shown.push(run(&["verify", "run"]));
    sandbox.write("run/report.json", "{}");
    shown.push(run(&["verify", "run"]));
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn checks_of_the_users_own() {
    let sandbox = Sandbox::new();
    sandbox.write("monday.jsonl", batch("a", |_, _| false));
    let check = |more: &[&str]| {
        let ended =
            sandbox.run(&[&["check", "-q", "monday.jsonl", "--checks", "mine", "--format", "csv"], more].concat());
        ended.shown()
    };
    let mut shown = vec![check(&[])];
    std::fs::create_dir(sandbox.path("mine")).unwrap();
    sandbox.write(
        "mine/says_sorry.sql",
        "-- population: SELECT trace_id FROM traces WHERE final_output IS NOT NULL\n\
         SELECT trace_id, span_id, 'sorry' AS quote FROM spans WHERE span_type = 'LLM' AND strpos(output, 'sorry') > 0",
    );
    shown.push(check(&[]));
    sandbox.write(
        "mine/says_sorry.md",
        "---\nheading: Answers say sorry\nseverity: medium\ncategory: tone\nmin_traces: 3\nmin_rate: 0.1\npopulation: runs with an answer\n---\n\
         # Claim\n{affected} of {population} answers say sorry.\n# Cause\nThe prompt is too meek.\n# Fix\nSay what comes next.\n# False alarms\nNone known.\n",
    );
    shown.push(check(&[]));
    // The same run is measured again with the same checks.
    sandbox.run(&["analyze", "-q", "monday.jsonl", "--offline", "--checks", "mine", "--out", "run"]).expect_code(0);
    assert!(sandbox.read("run/report.md").contains("24 of 24 answers say sorry."));
    sandbox.run(&["verify", "-q", "run"]).expect_code(0);
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_report_is_shown_again_in_any_form() {
    let sandbox = Sandbox::new();
    sandbox.write("traces.jsonl", batch("a", |run, tool| tool == "print_label" && run < 8));
    let outcome = "SELECT trace_id, trace_id NOT LIKE '%1' AS outcome FROM traces";
    sandbox.run(&["analyze", "-q", "traces.jsonl", "--offline", "--outcome", outcome, "--out", "run"]).expect_code(0);
    for (form, file) in [("json", "run/report.json"), ("markdown", "run/report.md"), ("html", "run/report.html")] {
        let shown = sandbox.run(&["report", "run", "--format", form]);
        shown.expect_code(0);
        assert_eq!(shown.stdout, sandbox.read(file), "{form}");
    }
    let report: Report = serde_json::from_str(&sandbox.read("run/report.json")).unwrap();
    assert!(report.dataset.outcomes.success > 0, "{:?}", report.dataset.outcomes);
    sandbox.run(&["verify", "run"]).expect_code(0);
    let schema = sandbox.run(&["report", "--schema"]);
    schema.expect_code(0);
    let schema: Value = serde_json::from_str(&schema.stdout).unwrap();
    assert_eq!(schema, halo_protocol::report_schema());
}
