//! Texts in, texts with marks out.

use std::{borrow::Cow, cmp::Reverse, ops::Range, sync::Arc};

use crate::{
    bounds::json_number_escapes,
    counts::RedactionCounts,
    error::RuleError,
    marker::{Marker, marks},
    rule::{Rule, Search},
    rule_file,
    scan::Scanner,
    validate::Validator,
};

/// Masks what its rules find. Give each worker a clone of its own: clones share the tables, and not the scratch memory of
/// the regexes, over which threads would wait for each other.
#[derive(Debug, Clone)]
pub struct Redactor {
    rules: Vec<Rule>,
    scanner: Arc<Scanner>,
    /// Rules that no pattern calls for.
    everywhere: Vec<usize>,
    marker: Marker,
}

/// A rule of a redactor, to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleInfo<'r> {
    /// What stands in the marks.
    pub id: &'r str,
    /// What the rule is for.
    pub what: &'r str,
}

/// Where a rule found something.
#[derive(Debug, Clone)]
struct Found {
    rule: usize,
    range: Range<usize>,
}

impl Redactor {
    /// The built-in rules, without those that are optional.
    ///
    /// # Errors
    ///
    /// None in a build that passed its tests; the alternative to an error would be to mask nothing.
    pub fn builtin() -> Result<Self, RuleError> {
        Ok(Self::of(rule_file::builtin()?))
    }

    /// The rules of a TOML text, and the built-in ones that it leaves.
    ///
    /// # Errors
    ///
    /// Says which rule is wrong, and what is wrong with it. A rule that fails its own examples is wrong.
    pub fn from_rules(toml_text: &str) -> Result<Self, RuleError> {
        Ok(Self::of(rule_file::merged(toml_text)?))
    }

    pub(crate) fn of(rules: Vec<Rule>) -> Self {
        let (mut patterns, mut everywhere) = (Vec::new(), Vec::new());
        for (index, rule) in rules.iter().enumerate() {
            match &rule.search {
                Search::Start(found) | Search::Keywords(found) => {
                    patterns.extend(found.iter().map(|pattern| (index, pattern.clone())));
                }
                Search::Everywhere => everywhere.push(index),
            }
        }
        Self { rules, scanner: Arc::new(Scanner::new(patterns)), everywhere, marker: Marker::public() }
    }

    /// Hashes with a salt of one's own; see the crate's page for why one should.
    #[must_use]
    pub fn with_salt(mut self, salt: &[u8]) -> Self {
        self.marker = Marker::salted(salt);
        self
    }

    /// The rules that hold, the one that wins over another first.
    pub fn rules(&self) -> impl Iterator<Item = RuleInfo<'_>> {
        self.rules.iter().map(|rule| RuleInfo { id: &rule.id, what: &rule.what })
    }

    /// The text with everything masked that a rule finds; the text itself when none finds anything.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redact_counted(text, &mut RedactionCounts::default())
    }

    /// As [`redact`](Self::redact), and counts the masks.
    pub fn redact_counted<'t>(&self, text: &'t str, counts: &mut RedactionCounts) -> Cow<'t, str> {
        let Some(mut masked) = self.pass(text, counts) else { return Cow::Borrowed(text) };
        // A mark is text too, and may complete what was no match before, such as a value that had no digit. Every pass
        // takes in characters outside of marks, so this ends.
        while let Some(again) = self.pass(&masked, counts) {
            masked = again;
        }
        Cow::Owned(masked)
    }

    /// The value of a field, such as an attribute or an entry of an object: masked as a whole when the name says
    /// that it is a secret, which the value alone may not.
    pub fn redact_field<'t>(&self, name: &str, value: &'t str, counts: &mut RedactionCounts) -> Cow<'t, str> {
        // What has a form of its own is named by that, as it is everywhere else.
        let mut inside = RedactionCounts::default();
        let masked = self.redact_counted(value, &mut inside);
        let is_mark = marks(&masked).first() == Some(&(0..masked.len()));
        let by_name = self.rules.iter().find(|rule| !is_mark && rule.covers_field(name, value));
        let Some(rule) = by_name else {
            counts.merge(&inside);
            return masked;
        };
        counts.add(&rule.id, 1);
        let mut mark = String::new();
        self.marker.write(&mut mark, &rule.id, value.as_bytes());
        Cow::Owned(mark)
    }

    /// Masks what stands in the text; none when nothing does.
    fn pass(&self, text: &str, counts: &mut RedactionCounts) -> Option<String> {
        let found = self.find(text);
        if found.is_empty() {
            return None;
        }
        let found = around_marks(found, &marks(text));
        if found.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len() + 16);
        let mut copied = 0;
        for Found { rule, range } in united(found) {
            let rule = &self.rules[rule];
            counts.add(&rule.id, 1);
            out.push_str(&text[copied..range.start]);
            copied = range.end;
            let quote = json_number_escapes(text, &range);
            let push_quote = |out: &mut String| {
                if let Some(escapes) = quote {
                    out.push_str(escapes);
                    out.push('"');
                }
            };
            push_quote(&mut out);
            self.marker.write(&mut out, &rule.id, &normal(rule, &text[range]));
            push_quote(&mut out);
        }
        out.push_str(&text[copied..]);
        Some(out)
    }

    fn find(&self, text: &str) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let mut whole: Vec<usize> = Vec::new();
        self.scanner.scan(text.as_bytes(), |rule, at| {
            if let Search::Keywords(_) = self.rules[rule].search {
                if !whole.contains(&rule) {
                    whole.push(rule);
                }
                return;
            }
            // In a long run, every place may look like a start: what is inside of a match needs no look.
            let is_inside = |last: &Found| last.rule == rule && last.range.contains(&at);
            if !found.last().is_some_and(is_inside)
                && let Some(range) = self.rules[rule].find_at(text, at)
            {
                found.push(Found { rule, range });
            }
        });
        for rule in self.everywhere.iter().copied().chain(whole) {
            self.rules[rule].find_all(text, |range| found.push(Found { rule, range }));
        }
        found
    }
}

/// What is hashed of a secret: a card number is the same with and without spaces.
fn normal<'t>(rule: &Rule, secret: &'t str) -> Cow<'t, [u8]> {
    if rule.validator.is_some_and(Validator::ignores_separators) {
        Cow::Owned(secret.bytes().filter(u8::is_ascii_alphanumeric).collect())
    } else {
        Cow::Borrowed(secret.as_bytes())
    }
}

/// Leaves out what lies within marks, and lets nothing cut one into pieces.
fn around_marks(mut found: Vec<Found>, marks: &[Range<usize>]) -> Vec<Found> {
    if marks.is_empty() {
        return found;
    }
    found.retain_mut(|found| {
        let mut own = found.range.clone();
        let first = marks.partition_point(|mark| mark.end <= own.start);
        let end = own.end;
        for mark in marks[first..].iter().take_while(|mark| mark.start < end) {
            found.range = found.range.start.min(mark.start)..found.range.end.max(mark.end);
            if mark.start <= own.start {
                own.start = mark.end.min(own.end);
            } else if own.end <= mark.end {
                own.end = mark.start;
            }
        }
        !own.is_empty()
    });
    found
}

/// Unites what overlaps, so that no part of either is left. The first rule that found all of it gives the name, or the
/// first one of them.
fn united(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|found| (found.range.start, Reverse(found.range.end), found.rule));
    let mut united: Vec<(Found, Vec<Found>)> = Vec::new();
    for found in found {
        match united.last_mut() {
            Some((all, parts)) if found.range.start < all.range.end => {
                all.range.end = all.range.end.max(found.range.end);
                parts.push(found);
            }
            _ => united.push((found.clone(), vec![found])),
        }
    }
    let name = |(all, parts): (Found, Vec<Found>)| {
        let whole = parts.iter().filter(|part| part.range == all.range).map(|part| part.rule).min();
        let rule = whole.or(parts.iter().map(|part| part.rule).min()).unwrap_or(all.rule);
        Found { rule, range: all.range }
    };
    united.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests;
