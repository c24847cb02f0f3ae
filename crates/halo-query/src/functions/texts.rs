//! Functions over texts: prompts, payloads and replies.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array as _, ArrayRef, Float64Array, Int64Array, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ScalarUDF, Signature, TypeSignature, Volatility};
use similar::TextDiff;

use super::scalar::{Arguments, Function};
use crate::decoded;
use crate::function_docs::{Entry, Group};

/// Characters around a match, when the call does not say.
const EXCERPT_CHARS: i64 = 100;

/// Lines around a difference.
const DIFF_LINES: usize = 2;

/// Longest search for the shortest difference of two texts; one that is found by then is right, but may be longer.
const DIFF_TIME_MAX: Duration = Duration::from_secs(1);

pub(super) const EXCERPT: Entry = Entry {
    group: Group::Halo,
    name: "excerpt",
    signature: "excerpt(text, pattern [, chars])",
    meaning: "The first match of a pattern with up to chars characters around it (100 when not given), in the text or in a text inside it where it is JSON. NULL when nothing matches.",
    example: "SELECT span_id, excerpt(output, '(?i)friday', 12) AS said FROM spans WHERE json_matches(output, '(?i)friday') ORDER BY 1",
};

pub(super) fn excerpt() -> ScalarUDF {
    let text = || DataType::Utf8View;
    let takes = vec![TypeSignature::String(2), TypeSignature::Exact(vec![text(), text(), DataType::Int64])];
    Function::documented(&EXCERPT, Signature::one_of(takes, Volatility::Immutable), text(), excerpts)
}

fn excerpts(arguments: &Arguments) -> Result<ArrayRef> {
    let pattern = arguments.pattern(1)?;
    let texts = arguments.texts(0)?;
    let chars = if arguments.count() > 2 { Some(arguments.ints(2)?) } else { None };
    let chars = |row: usize| chars.as_ref().map_or(EXCERPT_CHARS, |chars| chars.value(row));
    let mut found = StringViewBuilder::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        let chars = usize::try_from(chars(row)).unwrap_or(0);
        found.append_option(text.and_then(|text| decoded::excerpt(text, &pattern, chars)));
    }
    Ok(Arc::new(found.finish()))
}

pub(super) const TOKENS: Entry = Entry {
    group: Group::Halo,
    name: "token_estimate",
    signature: "token_estimate(text)",
    meaning: "About how many tokens a model reads in a text. Counted by words and signs, not by a model's own vocabulary: for comparing texts, not for bills.",
    example: "SELECT role, sum(token_estimate(content)) AS tokens FROM messages WHERE is_new GROUP BY 1 ORDER BY 1",
};

pub(super) fn tokens() -> ScalarUDF {
    Function::documented(&TOKENS, Signature::string(1, Volatility::Immutable), DataType::Int64, |arguments| {
        let counts: Int64Array = arguments.texts(0)?.iter().map(|text| text.map(token_count)).collect();
        Ok(Arc::new(counts))
    })
}

/// What a run of characters of one kind costs: vocabularies hold common words whole, digits by three, and most signs alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letters,
    OtherLetters,
    Digits,
    Space,
    Sign,
    /// Ideographs and syllables, of which each is about a word.
    Whole,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            'a'..='z' | 'A'..='Z' => Self::Letters,
            '0'..='9' => Self::Digits,
            '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}' => Self::Whole,
            c if c.is_whitespace() => Self::Space,
            c if c.is_alphabetic() => Self::OtherLetters,
            _ => Self::Sign,
        }
    }

    fn tokens(self, chars: u64) -> u64 {
        match self {
            Self::Letters => chars.div_ceil(8),
            Self::OtherLetters => chars.div_ceil(4),
            Self::Digits => chars.div_ceil(3),
            // The space before a word is part of it.
            Self::Space => u64::from(chars > 1),
            Self::Sign => chars.div_ceil(2),
            Self::Whole => chars,
        }
    }
}

fn token_count(text: &str) -> i64 {
    let mut total = 0;
    let mut run = (Kind::Space, 0);
    for character in text.chars() {
        let kind = Kind::of(character);
        if kind != run.0 {
            total += run.0.tokens(run.1);
            run = (kind, 0);
        }
        run.1 += 1;
    }
    i64::try_from(total + run.0.tokens(run.1)).unwrap_or(i64::MAX)
}

pub(super) const SIMILARITY: Entry = Entry {
    group: Group::Halo,
    name: "similarity",
    signature: "similarity(a, b)",
    meaning: "How much two texts have in common, from 0 to 1: the share of their groups of three letters that both have, as in PostgreSQL's pg_trgm. Takes time that grows with their length, unlike levenshtein, which takes its square.",
    example: "SELECT similarity('Where is my order?', 'where is the order') AS alike",
};

pub(super) fn similarity() -> ScalarUDF {
    Function::documented(&SIMILARITY, Signature::string(2, Volatility::Immutable), DataType::Float64, |arguments| {
        let (one, another) = (arguments.texts(0)?, arguments.texts(1)?);
        let shares: Float64Array = one.iter().zip(&another).map(|(one, another)| one.zip(another).map(alike)).collect();
        Ok(Arc::new(shares))
    })
}

fn alike((one, another): (&str, &str)) -> f64 {
    if one == another {
        return 1.0;
    }
    let (one, another) = (trigrams(one), trigrams(another));
    let shared = one.intersection(&another).count();
    let all = one.len() + another.len() - shared;
    #[expect(clippy::cast_precision_loss, reason = "a share of what fits into memory")]
    let share = shared as f64 / all.max(1) as f64;
    share
}

/// The groups of three letters of each word, which begins with two spaces and ends with one.
fn trigrams(text: &str) -> HashSet<[char; 3]> {
    let mut found = HashSet::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut group = [' ', ' ', ' '];
        for character in word.chars().flat_map(char::to_lowercase).chain([' ']) {
            group = [group[1], group[2], character];
            found.insert(group);
        }
    }
    found
}

pub(super) const DIFF: Entry = Entry {
    group: Group::Halo,
    name: "diff_lines",
    signature: "diff_lines(a, b)",
    meaning: "What differs between two texts, line by line, as a unified diff: - stands before lines of a alone, + before those of b alone. Empty when they are equal. For two versions of a prompt.",
    example: r"SELECT diff_lines(E'You help.\nBe short.\n', E'You help.\nBe kind.\n') AS changed",
};

pub(super) fn diff() -> ScalarUDF {
    Function::documented(&DIFF, Signature::string(2, Volatility::Immutable), DataType::Utf8View, |arguments| {
        let (old, new) = (arguments.texts(0)?, arguments.texts(1)?);
        let mut found = StringViewBuilder::with_capacity(old.len());
        for (old, new) in old.iter().zip(&new) {
            found.append_option(old.zip(new).map(|(old, new)| difference(old, new)));
        }
        Ok(Arc::new(found.finish()))
    })
}

fn difference(old: &str, new: &str) -> String {
    let diff = TextDiff::configure().timeout(DIFF_TIME_MAX).diff_lines(old, new);
    diff.unified_diff().context_radius(DIFF_LINES).missing_newline_hint(false).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_about_those_of_a_model() {
        for (text, tokens) in [
            ("", 0),
            ("Hello world", 2),
            ("Hello, world!", 4),
            ("internationalization", 3),
            ("1234567", 3),
            ("{\"id\": 4711}", 6),
            ("a\n\n    b", 3),
            ("注文はどこ", 5),
            ("Где мой заказ", 4),
        ] {
            assert_eq!(token_count(text), tokens, "{text}");
        }
    }

    #[test]
    fn likeness_is_that_of_postgres() {
        let alike = |one, another| alike((one, another));
        // SELECT similarity('word', 'two words') there.
        assert!((alike("word", "two words") - 0.363_636).abs() < 1e-5);
        assert!((alike("same", "same") - 1.0).abs() < f64::EPSILON);
        assert!(alike("abc", "xyz").abs() < f64::EPSILON);
        assert!((alike("Été", "été!") - 1.0).abs() < f64::EPSILON);
        assert!(alike("", "?").abs() < f64::EPSILON);
    }

    #[test]
    fn differences_are_told_by_lines() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), "");
        assert_eq!(difference("a\nb\nc", "a\nx\nc"), "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
    }
}
