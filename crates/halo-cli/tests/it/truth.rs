//! The report of the bundled example against its truth. The generator records the truth while it plants the faults, and knows nothing
//! of the checks; the checks are written from what harnesses get wrong, and know nothing of the example.

use std::collections::{BTreeMap, BTreeSet};

use halo_protocol::{Finding, Report};
use serde::Deserialize;

use crate::sandbox::{Sandbox, fixtures};

#[derive(Deserialize)]
struct Truth {
    traces: usize,
    faults: Vec<Planted>,
    noise: Vec<Planted>,
}

#[derive(Deserialize)]
struct Planted {
    id: String,
    traces: BTreeSet<String>,
    #[serde(default)]
    scope: BTreeMap<String, String>,
}

#[test]
fn the_report_names_every_planted_fault_with_its_true_count_and_none_of_the_noise() {
    let text = std::fs::read_to_string(fixtures().join("support-agent.truth.json")).unwrap();
    let truth: Truth = serde_json::from_str(&text).unwrap();
    assert!(
        truth.faults.len() >= 8 && truth.noise.len() >= 6,
        "the example has faults to find and noise to leave alone"
    );

    let sandbox = Sandbox::with_dataset("support-agent.jsonl.zst");
    sandbox.run(&["analyze", "traces.halo", "--offline", "--quiet", "--out", "run"]).expect_code(0);
    let report: Report = serde_json::from_str(&sandbox.read("run/report.json")).unwrap();
    assert_eq!(usize::try_from(report.dataset.traces).unwrap(), truth.traces);
    assert!(report.coverage.checks.iter().all(|check| check.error.is_none()), "{:?}", report.coverage.checks);
    assert!(report.refused.is_empty(), "{:?}", report.refused);

    // Each finding is a planted fault, to the trace: a finding made of noise, or with one trace more or less, has no fault to stand for.
    let mut found = BTreeMap::new();
    for finding in &report.findings {
        let affected = affected(&sandbox, finding);
        let fault = truth.faults.iter().find(|fault| fault.traces == affected);
        let nearest = || nearest(&truth, &affected);
        let fault =
            fault.unwrap_or_else(|| panic!("{:?} hits {} traces: {}", finding.title, affected.len(), nearest()));
        assert_eq!(usize::try_from(finding.affected).unwrap(), fault.traces.len(), "{}", finding.title);
        let twice = found.insert(fault.id.as_str(), finding);
        assert!(twice.is_none(), "{} is told twice: {:?}", fault.id, finding.title);
    }
    let missing: Vec<&str> =
        truth.faults.iter().map(|fault| fault.id.as_str()).filter(|id| !found.contains_key(id)).collect();
    assert!(missing.is_empty(), "no finding for {missing:?}");

    // Where a fault was planted in one release, model or group of users only, the finding says so. One that hits its whole population
    // (every run that calls the tool) has nothing to be told from.
    for fault in &truth.faults {
        let finding = found[fault.id.as_str()];
        for value in fault.scope.values().filter(|_| finding.affected < finding.population) {
            let told =
                finding.scope.iter().any(|scope| scope.value == *value) || finding.title.contains(value.as_str());
            assert!(told, "{}: the scope is {value}, and the finding says {:?}", fault.id, finding.scope);
        }
    }
}

/// The affected traces of a finding, by its own statement.
fn affected(sandbox: &Sandbox, finding: &Finding) -> BTreeSet<String> {
    let rows = sandbox.rows("traces.halo", &finding.affected_sql);
    rows.iter().map(|row| row["trace_id"].as_str().unwrap().to_owned()).collect()
}

/// The planted fault or noise that a set of traces is most like, in words for whoever mends it.
fn nearest(truth: &Truth, affected: &BTreeSet<String>) -> String {
    let common = |planted: &Planted| planted.traces.intersection(affected).count();
    let all = truth.faults.iter().chain(&truth.noise);
    let best =
        all.max_by_key(|planted| common(planted) * 1000 / planted.traces.union(affected).count().max(1)).unwrap();
    let missing: Vec<_> = best.traces.difference(affected).collect();
    let extra: Vec<_> = affected.difference(&best.traces).collect();
    format!("nearest is {} with {} traces; missing {missing:?}, extra {extra:?}", best.id, best.traces.len())
}
