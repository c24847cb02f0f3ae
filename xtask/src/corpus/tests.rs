//! Whole-corpus tests: the same arguments give the same bytes, and the truth is what is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::{Options, write};

/// Lines and truth of one corpus.
fn corpus(traces: u64, held_out: bool, second_batch: bool) -> (String, Value) {
    let out = Path::new("unused").to_path_buf();
    let options = Options { out, traces, seed: 1, held_out, second_batch };
    let mut bytes = Vec::new();
    let ledger = write(&options, &mut bytes).unwrap();
    (
        String::from_utf8(bytes).unwrap(),
        serde_json::to_value(ledger.truth(1, if second_batch { "B" } else { "A" }, held_out)).unwrap(),
    )
}

fn ids(entry: &Value) -> BTreeSet<String> {
    entry["trace_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

fn by_id(truth: &Value, key: &str) -> BTreeMap<String, BTreeSet<String>> {
    let entries = truth[key].as_array().unwrap();
    entries.iter().map(|entry| (entry["id"].as_str().unwrap().to_owned(), ids(entry))).collect()
}

#[test]
fn the_same_arguments_give_the_same_bytes() {
    let first = corpus(300, false, false);
    assert_eq!(first, corpus(300, false, false));
    assert_ne!(first.0, corpus(300, true, false).0);
}

/// Every span of a trace: (id, parent, start, end, orphan allowed).
type Spans = BTreeMap<String, Vec<Value>>;

fn spans(lines: &str) -> Spans {
    let mut traces = Spans::new();
    let mut last = String::new();
    for line in lines.lines() {
        let span: Value = serde_json::from_str(line).unwrap();
        let end = span["end_time"].as_str().unwrap().to_owned();
        assert!(end >= last, "spans come in order of end time");
        last = end;
        traces.entry(span["trace_id"].as_str().unwrap().to_owned()).or_default().push(span);
    }
    traces
}

#[test]
fn the_truth_is_what_is_written() {
    let (lines, truth) = corpus(5000, false, false);
    let traces = spans(&lines);
    assert_eq!(
        (truth["traces"].as_u64(), truth["spans"].as_u64()),
        (Some(traces.len() as u64), Some(lines.lines().count() as u64))
    );
    let faults = by_id(&truth, "faults");
    let noise = by_id(&truth, "noise");
    assert!(faults.len() >= 24 && noise.len() >= 24);
    for (id, found) in &faults {
        assert!(found.iter().all(|trace| traces.contains_key(trace)), "{id} names traces that are not there");
        assert!((40..=550).contains(&found.len()), "{id} has {} traces", found.len());
    }
    for (id, found) in noise.iter().filter(|(id, _)| !id.starts_with("crash-")) {
        assert!(found.iter().all(|trace| traces.contains_key(trace)) && found.len() >= 15, "{id}: {}", found.len());
    }
    for fault in truth["faults"].as_array().unwrap().iter().filter(|fault| !fault["scope"].is_null()) {
        let [inside, population] = ["in_scope", "population"].map(|key| fault[key].as_u64().unwrap());
        assert!(
            inside * 100 >= population * 40 && inside * 100 <= population * 98,
            "{}: {inside} of {population}",
            fault["id"]
        );
        assert!(ids(fault).len() as u64 - inside <= 12, "{} strikes out of its scope", fault["id"]);
    }
}

#[test]
fn traces_hang_together_but_where_a_fault_says_otherwise() {
    let (lines, truth) = corpus(1500, true, false);
    let faults = by_id(&truth, "faults");
    for (trace, spans) in spans(&lines) {
        let known: BTreeMap<&str, &Value> =
            spans.iter().map(|span| (span["span_id"].as_str().unwrap(), span)).collect();
        assert_eq!(known.len(), spans.len());
        let skewed = faults["clock-skew"].contains(&trace);
        for span in &spans {
            assert!(span["start_time"].as_str() <= span["end_time"].as_str());
            let parent = span["parent_span_id"].as_str().unwrap();
            if parent.is_empty() {
                continue;
            }
            match known.get(parent) {
                Some(parent) => assert!(
                    skewed
                        || (parent["start_time"].as_str() <= span["start_time"].as_str()
                            && parent["end_time"].as_str() >= span["end_time"].as_str()),
                    "{trace}: a span leaves its parent"
                ),
                None => assert!(faults["orphan-spans"].contains(&trace), "{trace}: parent unknown"),
            }
        }
    }
    assert!(!lines.contains("<missing slot>"));
}

#[test]
fn the_second_batch_changes_what_it_says() {
    let (first, second) = (corpus(5000, false, false).1, corpus(5000, false, true).1);
    let (before, after) = (by_id(&first, "faults"), by_id(&second, "faults"));
    let changes: BTreeMap<String, String> = second["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["change"].as_str().unwrap().to_owned(), change["id"].as_str().unwrap().to_owned()))
        .collect();
    let gone: Vec<&String> = before.keys().filter(|id| !after.contains_key(*id)).collect();
    let new: Vec<&String> = after.keys().filter(|id| !before.contains_key(*id)).collect();
    assert_eq!((gone, new), (vec![&changes["fixed"]], vec![&changes["new"]]));
    let worse = &changes["worse"];
    let (old, now) = (before[worse].len(), after[worse].len());
    assert!(now * 10 >= old * 16 && now * 10 <= old * 25, "{worse}: {old} to {now}");
    assert!(after[&changes["new"]].len() >= 40);
    assert_eq!(first["changes"], serde_json::json!([]));
}
