//! `halo-bench score REPORT.json DATASET TRUTH.json`: what a report found of the faults that were planted, and what it claims beside them. It
//! knows the report's form and the truth's, and nothing of how either was made.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use anyhow::Context as _;
use halo_dataset::Dataset;
use halo_protocol::{Finding, Report};
use halo_query::{QueryLimits, SessionOptions, TraceSession};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

const LIMITS: QueryLimits =
    QueryLimits { rows_max: usize::MAX, bytes_max: usize::MAX, time_max: Duration::from_secs(600) };

/// A finding is about a fault when at least this share of its traces have the fault, and it holds at least this share of the fault's.
const PRECISION_MIN: f64 = 0.5;
const RECALL_MIN: f64 = 0.5;
/// A finding that tells several faults in one is none too many when nearly all its traces have one of them.
const UNION_MIN: f64 = 0.8;
/// A fault counts into that union when it is so much more frequent among the finding's traces than among all.
const UNION_LIFT_MIN: f64 = 3.0;
/// Findings whose falseness is counted: those that people read.
const READ: usize = 20;
/// Share of the traces with the values that are named which must have a value that is not, for it to be named with them.
const IMPLIED_MIN: f64 = 0.95;

#[derive(Deserialize)]
struct Truth {
    traces: usize,
    faults: Vec<Fault>,
    noise: Vec<Noise>,
}

#[derive(Deserialize)]
struct Fault {
    id: String,
    scope: Option<BTreeMap<String, serde_json::Value>>,
    since: Option<String>,
    trace_ids: HashSet<String>,
}

#[derive(Deserialize)]
struct Noise {
    id: String,
    trace_ids: HashSet<String>,
}

/// A finding with its traces.
struct Read {
    finding: Finding,
    traces: HashSet<String>,
    population: HashSet<String>,
}

/// How a finding and a fault meet.
#[derive(Clone, Copy)]
struct Match {
    precision: f64,
    recall: f64,
}

impl Match {
    fn of(found: &HashSet<String>, planted: &HashSet<String>) -> Self {
        let both = found.intersection(planted).count();
        Self { precision: share(both, found.len()), recall: share(both, planted.len()) }
    }

    fn f1(self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 { 2.0 * self.precision * self.recall / sum } else { 0.0 }
    }

    fn is_about(self) -> bool {
        self.precision >= PRECISION_MIN && self.recall >= RECALL_MIN
    }
}

/// Prints the scores.
pub(crate) fn score(report: &str, root: &str, truth: &str) -> anyhow::Result<()> {
    let report: Report = serde_json::from_slice(&std::fs::read(report).context("the report")?)?;
    let truth: Truth = serde_json::from_slice(&std::fs::read(truth).context("the truth")?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (read, values) = runtime.block_on(async {
        let dataset = Dataset::open(root.as_ref())?;
        let threads = std::thread::available_parallelism()?.get();
        let session = TraceSession::open(&dataset, SessionOptions { threads, memory_bytes: 4 << 30 }).await?;
        let mut read = Vec::new();
        for finding in report.findings {
            let traces = ids(&session, &finding.affected_sql).await?;
            let population = ids(&session, &finding.population_sql).await?;
            read.push(Read { finding, traces, population });
        }
        anyhow::Ok((read, trace_values(&session).await?))
    })?;
    tell_findings(&read, &truth);
    tell_faults(&read, &truth, &values);
    Ok(())
}

async fn ids(session: &TraceSession, sql: &str) -> anyhow::Result<HashSet<String>> {
    let result = session.query(sql, &LIMITS, &CancellationToken::new()).await?;
    Ok(result.texts("trace_id").context("no column trace_id")?.into_iter().flatten().collect())
}

/// The traces of each value that a trace may have, whatever the key, since conventions name one thing differently; and of each key with a value.
/// Days are `day:YYYY-MM-DD`.
async fn trace_values(session: &TraceSession) -> anyhow::Result<BTreeMap<String, HashSet<String>>> {
    let sql = "SELECT trace_id, attributes, models, agent_names, service_names, tool_names, project_id, \
               CAST(CAST(start_time AS DATE) AS TEXT) AS day FROM traces";
    let result = session.query(sql, &LIMITS, &CancellationToken::new()).await?;
    let mut values: BTreeMap<String, HashSet<String>> = BTreeMap::new();
    for row in result.rows() {
        let text = |key: &str| row.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
        let id = text("trace_id").unwrap_or_default();
        let mut has = |value: String| {
            values.entry(value).or_default().insert(id.clone());
        };
        for key in ["models", "agent_names", "service_names", "tool_names"] {
            let list = row.get(key).and_then(serde_json::Value::as_array);
            list.into_iter().flatten().filter_map(|value| value.as_str()).for_each(|value| has(value.to_owned()));
        }
        text("project_id").into_iter().for_each(&mut has);
        has(format!("day:{}", text("day").unwrap_or_default()));
        let attributes: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(&text("attributes").unwrap_or_default()).unwrap_or_default();
        for (key, value) in opened("", &serde_json::to_value(attributes)?) {
            has(format!("{key}\u{1f}{value}"));
            has(value);
        }
    }
    Ok(values)
}

/// The plain values in JSON with their paths, texts that are JSON objects opened as well.
fn opened(path: &str, value: &serde_json::Value) -> Vec<(String, String)> {
    let inner: Option<serde_json::Value> =
        value.as_str().filter(|text| text.starts_with('{')).and_then(|text| serde_json::from_str(text).ok());
    match inner.as_ref().unwrap_or(value) {
        serde_json::Value::Object(members) => members
            .iter()
            .flat_map(|(key, value)| {
                opened(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, value)
            })
            .collect(),
        serde_json::Value::String(text) => vec![(path.to_owned(), text.clone())],
        other => vec![(path.to_owned(), other.to_string())],
    }
}

/// Each finding with the fault it is about, or the noise it took for one.
fn tell_findings(read: &[Read], truth: &Truth) {
    let mut too_many = 0;
    println!("findings:");
    for (number, item) in (1..).zip(read) {
        let best = truth.faults.iter().max_by(|a, b| f1(item, a).total_cmp(&f1(item, b)));
        let about = best.filter(|fault| Match::of(&item.traces, &fault.trace_ids).precision >= PRECISION_MIN);
        let verdict = match about {
            Some(fault) => {
                let met = Match::of(&item.traces, &fault.trace_ids);
                format!("{} (precision {:.2}, recall {:.2})", fault.id, met.precision, met.recall)
            }
            None => match union(item, truth) {
                Some(faults) => format!("several: {}", faults.join(", ")),
                None => {
                    too_many += usize::from(number <= READ);
                    let noise =
                        truth.noise.iter().max_by_key(|noise| noise.trace_ids.intersection(&item.traces).count());
                    let noise = noise.map(|noise| {
                        let part = share(noise.trace_ids.intersection(&item.traces).count(), item.traces.len());
                        format!("noise {} in {:.0} %", noise.id, part * 100.0)
                    });
                    let near = best.map(|fault| {
                        let met = Match::of(&item.traces, &fault.trace_ids);
                        format!("nearest {} (precision {:.2}, recall {:.2})", fault.id, met.precision, met.recall)
                    });
                    format!("FALSE: {}; {}", noise.unwrap_or_default(), near.unwrap_or_default())
                }
            },
        };
        let finding = &item.finding;
        println!(
            "{number:3} {:6} {}/{} {} -> {verdict}",
            finding.severity.as_str(),
            finding.affected,
            finding.population,
            finding.title
        );
    }
    println!("false among the first {READ}: {too_many} of {}", read.len().min(READ));
}

fn f1(item: &Read, fault: &Fault) -> f64 {
    Match::of(&item.traces, &fault.trace_ids).f1()
}

/// The faults that a finding tells in one, when it is about nothing else.
fn union<'t>(item: &Read, truth: &'t Truth) -> Option<Vec<&'t str>> {
    let is_part = |fault: &&Fault| {
        let within = Match::of(&item.traces, &fault.trace_ids).precision;
        within >= UNION_LIFT_MIN * share(fault.trace_ids.len(), truth.traces)
    };
    let parts: Vec<&Fault> = truth.faults.iter().filter(is_part).collect();
    let held = item.traces.iter().filter(|id| parts.iter().any(|fault| fault.trace_ids.contains(*id))).count();
    (share(held, item.traces.len()) >= UNION_MIN).then(|| parts.iter().map(|fault| fault.id.as_str()).collect())
}

/// Each fault with the finding about it, and the sums.
fn tell_faults(read: &[Read], truth: &Truth, values: &BTreeMap<String, HashSet<String>>) {
    let (mut found, mut precisions, mut recalls, mut errors) = (0, Vec::new(), Vec::new(), Vec::new());
    let (mut scoped, mut right) = (0, 0);
    println!("faults:");
    for fault in &truth.faults {
        let best = read.iter().filter(|item| Match::of(&item.traces, &fault.trace_ids).is_about());
        let best = best.max_by(|a, b| f1(a, fault).total_cmp(&f1(b, fault)));
        let has_scope = fault.since.is_some() || fault.scope.as_ref().is_some_and(|scope| !scope.is_empty());
        scoped += usize::from(has_scope);
        let Some(item) = best else {
            let near = read.iter().max_by(|a, b| f1(a, fault).total_cmp(&f1(b, fault)));
            let near = near.map(|item| {
                let met = Match::of(&item.traces, &fault.trace_ids);
                format!("{} (precision {:.2}, recall {:.2})", item.finding.title, met.precision, met.recall)
            });
            println!("  MISSED {} ({} traces), nearest: {}", fault.id, fault.trace_ids.len(), near.unwrap_or_default());
            continue;
        };
        let met = Match::of(&item.traces, &fault.trace_ids);
        found += 1;
        precisions.push(met.precision);
        recalls.push(met.recall);
        errors.push((share(item.traces.len(), fault.trace_ids.len()) - 1.0).abs());
        let scope = if has_scope {
            let is_right = names(item, fault, values);
            right += usize::from(is_right);
            format!(
                ", scope {}: {} told as {}",
                if is_right { "right" } else { "WRONG" },
                planted(fault),
                told(&item.finding)
            )
        } else {
            String::new()
        };
        println!(
            "  {} ({} traces): {} (precision {:.2}, recall {:.2}{scope})",
            fault.id,
            fault.trace_ids.len(),
            item.finding.title,
            met.precision,
            met.recall
        );
    }
    println!("recall of faults: {found} of {} = {:.2}", truth.faults.len(), share(found, truth.faults.len()));
    println!(
        "affected traces, median: precision {:.2}, recall {:.2}, error of the count {:.0} %",
        median(precisions),
        median(recalls),
        median(errors) * 100.0
    );
    println!("scope right: {right} of {scoped} faults that have one = {:.2}", share(right, scoped));
}

/// The values that a fault's scope is made of.
fn parts(fault: &Fault) -> Vec<BTreeSet<String>> {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let of = |value: &serde_json::Value| match value {
        serde_json::Value::Array(items) => items.iter().map(text).collect(),
        one => BTreeSet::from([text(one)]),
    };
    fault.scope.iter().flat_map(|scope| scope.values()).map(of).collect()
}

/// Whether a finding names all that a fault's scope is made of, in its scope or by the runs it counts among, such as those that call one tool; or
/// names what only traces with it have. The day may be two off.
fn names(item: &Read, fault: &Fault, values: &BTreeMap<String, HashSet<String>>) -> bool {
    let entries = &item.finding.scope;
    let named: Vec<&str> = entries.iter().map(|entry| entry.value.as_str()).collect();
    let held = |value: &str| values.get(value).cloned().unwrap_or_default();
    // Traces of the population that have all the values that are named: what all of them have is named with them.
    let told: HashSet<String> = entries
        .iter()
        .filter_map(|entry| {
            values.get(&format!("{}\u{1f}{}", entry.key, entry.value)).or_else(|| values.get(&entry.value))
        })
        .fold(item.population.clone(), |left, with| left.intersection(with).cloned().collect());
    let follows = |with: &HashSet<String>| share(told.intersection(with).count(), told.len()) >= IMPLIED_MIN;
    let is_named = |part: &BTreeSet<String>| {
        let has_part: HashSet<String> = part.iter().flat_map(|value| held(value)).collect();
        part.iter().any(|value| named.contains(&value.as_str())) || follows(&has_part)
    };
    let day_is_named = fault.since.as_deref().is_none_or(|planted| {
        let first = planted.get(..10).unwrap_or_default();
        let day = |day: &str| values.keys().position(|key| *key == format!("day:{day}"));
        let since = entries.iter().find_map(|entry| entry.value.strip_prefix("from ")?.strip_suffix(" on"));
        let after = values.iter().filter(|(key, _)| key.strip_prefix("day:").is_some_and(|day| day >= first));
        let after: HashSet<String> = after.flat_map(|(_, ids)| ids.iter().cloned()).collect();
        since.and_then(day).zip(day(first)).is_some_and(|(one, other)| one.abs_diff(other) <= 2) || follows(&after)
    });
    !named.is_empty() && parts(fault).iter().all(is_named) && day_is_named
}

fn planted(fault: &Fault) -> String {
    let parts = parts(fault).into_iter().map(|part| part.into_iter().collect::<Vec<_>>().join(" or "));
    parts.chain(fault.since.iter().map(|day| format!("since {day}"))).collect::<Vec<_>>().join(" and ")
}

fn told(finding: &Finding) -> String {
    let entries: Vec<String> = finding.scope.iter().map(|entry| format!("{}={}", entry.key, entry.value)).collect();
    if entries.is_empty() { "no scope".to_owned() } else { entries.join(", ") }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of traces")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
