//! How often each rule masked something.

use std::{collections::BTreeMap, fmt};

/// Masks per rule. Workers count on their own and [`merge`](Self::merge) at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct RedactionCounts(BTreeMap<String, u64>);

impl RedactionCounts {
    pub(crate) fn add(&mut self, rule: &str, times: u64) {
        match self.0.get_mut(rule) {
            Some(count) => *count += times,
            None => drop(self.0.insert(rule.to_owned(), times)),
        }
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (rule, times) in &other.0 {
            self.add(rule, *times);
        }
    }

    /// Whether nothing was masked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Masks of all rules together.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Masks of one rule.
    pub fn get(&self, rule: &str) -> u64 {
        self.0.get(rule).copied().unwrap_or(0)
    }

    /// Rules that masked something and how often, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(rule, times)| (rule.as_str(), *times))
    }
}

/// `12 email, 3 openai_key`: the most frequent first.
impl fmt::Display for RedactionCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<_> = self.iter().collect();
        // Stable, so that equals stay in the order of their names.
        rows.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        for (index, (rule, times)) in rows.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{times} {rule}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_read_the_most_frequent_first() {
        let (mut one, mut other) = (RedactionCounts::default(), RedactionCounts::default());
        assert!(one.is_empty());
        one.add("openai_key", 1);
        one.add("b", 2);
        other.add("openai_key", 1);
        other.add("email", 12);
        one.merge(&other);
        assert_eq!(one.to_string(), "12 email, 2 b, 2 openai_key");
        assert_eq!((one.total(), one.get("email"), one.get("jwt")), (16, 12, 0));
        assert_eq!(serde_json::to_string(&one).unwrap(), r#"{"b":2,"email":12,"openai_key":2}"#);
    }
}
