//! Scopes of made-up populations.

use super::*;

/// Traces in order with a release, a service that follows from it, a region that does not, and a session each.
fn population(count: usize) -> Vec<(String, Vec<(&'static str, String)>)> {
    (0..count)
        .map(|i| {
            let release = ["2.12.0", "2.13.0", "2.14.0"][i * 3 / count];
            let service = if release == "2.14.0" { "web" } else { "shop" };
            let day = format!("2026-05-{:02}", 1 + i * 20 / count);
            let attributes = vec![
                ("service.version", release.to_owned()),
                ("harness.release", release.to_owned()),
                ("host", service.to_owned()),
                ("region", ["eu", "us"][i % 2].to_owned()),
                ("llm", ["small", "large"][i / 2 % 2].to_owned()),
                ("correlation", format!("c-{i}")),
                ("error.kind", release.to_owned()),
            ];
            (day, attributes)
        })
        .collect()
}

fn scope_of(affected: impl Fn(usize) -> bool, not: &[&str]) -> Vec<(String, String, u64, u64)> {
    let population = population(300);
    let rows: Vec<(&str, Vec<(&str, &str)>)> = population
        .iter()
        .map(|(day, attributes)| (day.as_str(), attributes.iter().map(|(key, value)| (*key, value.as_str())).collect()))
        .collect();
    let rows: Vec<(&str, &[(&str, &str)])> =
        rows.iter().map(|(day, attributes)| (*day, attributes.as_slice())).collect();
    let index = TraceIndex::of(&rows);
    let ids: Vec<String> = (0..300).filter(|i| affected(*i)).map(|i| format!("t{i}")).collect();
    let (affected, unknown) = index.set(ids.iter().map(String::as_str));
    assert!(unknown.is_empty());
    find_scope(&index, &affected, &index.all(), not)
        .into_iter()
        .map(|entry| {
            assert!(entry.p_value < 0.01 && entry.lift >= 1.3, "{entry:?}");
            (entry.key, entry.value, entry.affected, entry.population)
        })
        .collect()
}

fn entry(key: &str, value: &str, affected: u64, population: u64) -> (String, String, u64, u64) {
    (key.to_owned(), value.to_owned(), affected, population)
}

#[test]
fn a_release_is_named_once_and_what_follows_from_it_is_not() {
    // Every second trace of the last release, in both regions: the host, the date and the second key of the release say no more.
    let found = scope_of(|i| i >= 200 && i % 3 == 0, &[]);
    assert_eq!(found, vec![entry("harness.release", "2.14.0", 33, 100)]);
}

#[test]
fn two_causes_that_must_meet_are_both_named() {
    let found = scope_of(|i| i >= 200 && i / 2 % 2 == 1, &[]);
    assert_eq!(found, vec![entry("harness.release", "2.14.0", 50, 100), entry("llm", "large", 50, 150)]);
}

#[test]
fn two_values_that_are_each_enough_are_both_named() {
    let found = scope_of(|i| !(100..200).contains(&i) && i % 3 > 0, &["harness.release", "host"]);
    let values: Vec<&str> = found.iter().map(|(_, value, ..)| value.as_str()).collect();
    assert_eq!(values, ["2.14.0", "2.12.0"]);
}

#[test]
fn a_day_within_a_release_is_a_change_point() {
    let found = scope_of(|i| i >= 240 && i % 2 == 0, &["region"]);
    assert_eq!(found[0], entry(START_DATE, "from 2026-05-17 on", 30, 60));
}

#[test]
fn what_happens_everywhere_has_no_scope() {
    assert_eq!(scope_of(|i| i % 7 == 0, &[]), vec![]);
    assert_eq!(scope_of(|_| true, &[]), vec![]);
    assert_eq!(scope_of(|i| i == 5, &[]), vec![]);
}
