//! The text of rules: the built-in file, a user's file, and the one made of both.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{bounds::Bounds, error::RuleError, marker, rule::Rule, validate::Validator};

/// The built-in rules; the comments in it explain every field.
const BUILTIN: &str = include_str!("rules.toml");

/// A file of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    /// Whether the built-in rules hold too.
    #[serde(default = "yes")]
    builtin: bool,
    /// Built-in rules to switch on that are off unless asked for.
    #[serde(default)]
    enable: Vec<String>,
    /// Built-in rules to switch off.
    #[serde(default)]
    disable: Vec<String>,
    #[serde(default, rename = "rule")]
    rules: Vec<RuleText>,
}

/// A rule as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleText {
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) what: String,
    #[serde(default)]
    pub(crate) regex: String,
    #[serde(default)]
    pub(crate) start: Vec<String>,
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    #[serde(default)]
    pub(crate) back: Option<String>,
    #[serde(default)]
    pub(crate) longest: Option<usize>,
    #[serde(default)]
    pub(crate) ignore_case: bool,
    #[serde(default)]
    pub(crate) bounds: Bounds,
    #[serde(default)]
    pub(crate) validator: Option<Validator>,
    #[serde(default)]
    pub(crate) field: Option<String>,
    /// Off unless a rule file enables it.
    #[serde(default)]
    pub(crate) optional: bool,
    #[serde(default)]
    pub(crate) examples: Vec<String>,
    #[serde(default)]
    pub(crate) near_misses: Vec<String>,
}

fn yes() -> bool {
    true
}

/// Compiles the built-in rules that are on by themselves.
pub(crate) fn builtin() -> Result<Vec<Rule>, RuleError> {
    builtin_texts()?.into_iter().filter(|rule| !rule.optional).map(compile).collect()
}

/// All built-in rules as they are written.
pub(crate) fn builtin_texts() -> Result<Vec<RuleText>, RuleError> {
    Ok(parse(BUILTIN)?.rules)
}

/// Compiles the rules of a file together with the built-in ones that it leaves.
pub(crate) fn merged(text: &str) -> Result<Vec<Rule>, RuleError> {
    let file = parse(text)?;
    check_ids(&file.rules)?;
    let builtin = builtin_texts()?;
    check_list("enable", &file.enable, &builtin)?;
    check_list("disable", &file.disable, &builtin)?;
    let is_left = |rule: &RuleText| {
        let is_on = !rule.optional || file.enable.contains(&rule.id);
        is_on && !file.disable.contains(&rule.id) && !file.rules.iter().any(|own| own.id == rule.id)
    };
    let left: Vec<RuleText> = builtin.into_iter().filter(|rule| file.builtin && is_left(rule)).collect();
    // One's own first: where two rules find the same, the first one names it.
    let mut rules = Vec::new();
    for text in file.rules {
        let (examples, near_misses) = (text.examples.clone(), text.near_misses.clone());
        let rule = compile(text)?;
        check_examples(&rule, &examples, &near_misses)?;
        rules.push(rule);
    }
    for text in left {
        rules.push(compile(text)?);
    }
    Ok(rules)
}

fn parse(text: &str) -> Result<RuleFile, RuleError> {
    toml::from_str(text).map_err(|error| RuleError::Toml(error.to_string().trim_end().to_owned()))
}

fn compile(text: RuleText) -> Result<Rule, RuleError> {
    let id = text.id.clone();
    if text.regex.is_empty() {
        return Err(fault(id, "it has no `regex`"));
    }
    Rule::compile(text).map_err(|what| fault(id, what))
}

fn fault(rule: impl Into<String>, fault: impl Into<String>) -> RuleError {
    RuleError::Rule { rule: rule.into(), fault: fault.into() }
}

fn check_ids(rules: &[RuleText]) -> Result<(), RuleError> {
    let mut seen = BTreeSet::new();
    for (index, rule) in rules.iter().enumerate() {
        if rule.id.is_empty() {
            return Err(fault(format!("number {}", index + 1), "it has no `id`"));
        }
        if !marker::is_id(&rule.id) {
            return Err(fault(&rule.id, "an id has 1 to 40 of a-z, 0-9 and _; it stands in the marks"));
        }
        if !seen.insert(&rule.id) {
            return Err(fault(&rule.id, "the file has two rules of this id"));
        }
        if rule.optional {
            return Err(fault(&rule.id, "`optional` is for built-in rules; leave out a rule that you don't want"));
        }
    }
    Ok(())
}

fn check_list(list: &'static str, ids: &[String], builtin: &[RuleText]) -> Result<(), RuleError> {
    match ids.iter().find(|id| !builtin.iter().any(|rule| rule.id == **id)) {
        None => Ok(()),
        Some(id) => {
            let known = builtin.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>().join(", ");
            Err(RuleError::Unknown { list, rule: id.clone(), known })
        }
    }
}

/// Holds a rule against what its writer expects of it, before it meets traces.
fn check_examples(rule: &Rule, examples: &[String], near_misses: &[String]) -> Result<(), RuleError> {
    let finder = crate::redactor::Redactor::of(vec![rule.clone()]);
    let is_found = |text: &String| matches!(finder.redact(text), std::borrow::Cow::Owned(_));
    if let Some(example) = examples.iter().find(|example| !is_found(example)) {
        return Err(fault(&rule.id, format!("it does not match its example {example:?}")));
    }
    match near_misses.iter().find(|near_miss| is_found(near_miss)) {
        Some(near_miss) => Err(fault(&rule.id, format!("it matches its near-miss {near_miss:?}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
