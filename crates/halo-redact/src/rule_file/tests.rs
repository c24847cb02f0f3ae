//! The built-in rules against their own examples, and files that are wrong.

use std::borrow::Cow;

use super::*;
use crate::{counts::RedactionCounts, redactor::Redactor};

/// Every built-in rule, those too that are off.
fn everything() -> Redactor {
    let rules = builtin_texts().unwrap();
    let optional: Vec<_> = rules.iter().filter(|rule| rule.optional).map(|rule| format!("{:?}", rule.id)).collect();
    Redactor::from_rules(&format!("enable = [{}]", optional.join(", "))).unwrap()
}

/// An example as it is meant.
fn meant(example: &str) -> String {
    example.replace("{}", "")
}

/// What must be gone: the first characters behind the mark of an example.
fn secret(example: &str) -> Option<&str> {
    let (_, secret) = example.split_once("{}")?;
    Some(&secret[..secret.floor_char_boundary(6)])
}

#[test]
fn every_rule_finds_its_examples_and_leaves_its_near_misses() {
    let mut faults = Vec::new();
    for rule in builtin_texts().unwrap() {
        assert!(marker::is_id(&rule.id) && !rule.what.is_empty(), "{}", rule.id);
        assert!(!rule.examples.is_empty() && !rule.near_misses.is_empty(), "{} has no examples", rule.id);
        let alone = Redactor::of(vec![compile(rule.clone()).unwrap()]);
        for example in &rule.examples {
            let text = meant(example);
            let masked = alone.redact(&text);
            if matches!(masked, Cow::Borrowed(_)) || secret(example).is_some_and(|secret| masked.contains(secret)) {
                faults.push(format!("{}: {text} -> {masked}", rule.id));
            }
        }
        for text in &rule.near_misses {
            if let Cow::Owned(masked) = alone.redact(text) {
                faults.push(format!("{} near miss: {text} -> {masked}", rule.id));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn examples_are_found_under_their_name_whatever_other_rules_there_are() {
    let redactor = everything();
    for rule in builtin_texts().unwrap() {
        for text in rule.examples.iter().map(|example| meant(example)) {
            let mut counts = RedactionCounts::default();
            let masked = redactor.redact_counted(&text, &mut counts);
            assert!(counts.get(&rule.id) > 0, "{}: {text} -> {masked}", rule.id);
        }
    }
}

#[test]
fn examples_are_found_in_escaped_json_and_leave_it_valid() {
    let redactor = everything();
    let mut faults = Vec::new();
    for rule in builtin_texts().unwrap() {
        for example in &rule.examples {
            let mut text = serde_json::json!({"before": "x", "content": meant(example), "behind": 1}).to_string();
            for depth in 1..4 {
                let mut counts = RedactionCounts::default();
                let masked = redactor.redact_counted(&text, &mut counts);
                let is_json = serde_json::from_str::<serde_json::Value>(&masked).is_ok();
                let leaks = secret(example).is_some_and(|secret| masked.contains(secret));
                if !is_json || leaks || counts.get(&rule.id) == 0 {
                    faults.push(format!("{} {depth}: {text} -> {masked}", rule.id));
                }
                text = serde_json::json!([text]).to_string();
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[track_caller]
fn check_wrong(text: &str, expected: &str) {
    let fault = Redactor::from_rules(text).unwrap_err().to_string();
    assert!(fault.starts_with(expected), "{fault}");
}

#[test]
fn a_wrong_file_is_told_with_the_rule_and_the_fault() {
    check_wrong("x =", "the rules cannot be read: TOML parse error at line 1");
    check_wrong("[[rule]]\nid = 'a'\nregexp = 'x'", "the rules cannot be read: TOML parse error at line 3");
    check_wrong("[[rule]]\nregex = 'x'", "rule `number 1`: it has no `id`");
    check_wrong("[[rule]]\nid = 'A-b'\nregex = 'x'", "rule `A-b`: an id has");
    check_wrong("[[rule]]\nid = 'a'", "rule `a`: it has no `regex`");
    check_wrong("[[rule]]\nid = 'a'\nregex = 'x('", "rule `a`: regex: error: unclosed group");
    check_wrong("[[rule]]\nid = 'a'\nregex = 'x*'", "rule `a`: regex: it matches the empty text");
    check_wrong("[[rule]]\nid = 'a'\nregex = 'x'\nstart = ['xy']", "rule `a`: `xy` is too short");
    check_wrong("[[rule]]\nid = 'a'\nregex = 'x'\nstart = ['xyz']\nkeywords = ['xyz']", "rule `a`: it has both");
    check_wrong("[[rule]]\nid = 'a'\nregex = 'x'\nback = 'a'", "rule `a`: `back` needs `start`");
    check_wrong(
        "[[rule]]\nid = 'a'\nregex = 'x1'\nexamples = ['x2']",
        "rule `a`: it does not match its example \"x2\"",
    );
    check_wrong("[[rule]]\nid = 'a'\nregex = 'x1'\nnear_misses = ['x1']", "rule `a`: it matches its near-miss \"x1\"");
    check_wrong("[[rule]]\nid = 'a'\nregex = 'x'\n[[rule]]\nid = 'a'\nregex = 'y'", "rule `a`: the file has two");
    check_wrong("[[rule]]\nid = 'a'\nregex = 'x'\nfield = '('", "rule `a`: field: error: unclosed group");
    check_wrong(
        "disable = ['e_mail']",
        "`disable` names `e_mail`, which is no built-in rule; there are: anthropic_key, ",
    );
}

#[track_caller]
fn check_masks(rules: &str, text: &str, expected: &str) {
    let redactor = Redactor::from_rules(rules).unwrap();
    let mut counts = RedactionCounts::default();
    redactor.redact_counted(text, &mut counts);
    assert_eq!(counts.to_string(), expected);
}

#[test]
fn a_file_extends_replaces_and_switches() {
    let text = "EMP-123456 ada@example.org 203.0.113.7 bob@corp.example";
    let own = "[[rule]]\nid = 'employee'\nregex = 'EMP-[0-9]{6}'\n";
    check_masks("", text, "2 email");
    check_masks(own, text, "2 email, 1 employee");
    check_masks(&format!("{own}start = ['EMP-']"), text, "2 email, 1 employee");
    check_masks(&format!("builtin = false\n{own}keywords = ['MP-']"), text, "1 employee");
    check_masks("enable = ['ipv4']\ndisable = ['email']", text, "1 ipv4");
    check_masks("[[rule]]\nid = 'email'\nregex = '[a-z]+@corp\\.example'", text, "1 email");
    check_masks("[[rule]]\nid = 'corp'\nregex = '[a-z]+@corp\\.example'", text, "1 corp, 1 email");
}
