//! Functions over texts: prompts, payloads and replies.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, Float64Array, Int64Array, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ScalarUDF, Signature, TypeSignature, Volatility};

use super::scalar::{Arguments, Function};
use crate::function_docs::{Entry, Group};
use crate::{decoded, line_diff};

/// Characters around a match, when the call does not say.
const EXCERPT_CHARS: i64 = 100;

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
    meaning: "About how many tokens a model reads in a text. By words and signs, without a model's vocabulary: mostly within a fifth of what current models count. For comparing texts, not for bills.",
    example: "SELECT role, sum(token_estimate(content)) AS tokens FROM messages WHERE is_new GROUP BY 1 ORDER BY 1",
};

pub(super) fn tokens() -> ScalarUDF {
    Function::documented(&TOKENS, Signature::string(1, Volatility::Immutable), DataType::Int64, |arguments| {
        let count = |text: &str| i64::try_from(halo_tool::estimate_tokens(text)).unwrap_or(i64::MAX);
        let counts: Int64Array = arguments.texts(0)?.iter().map(|text| text.map(count)).collect();
        Ok(Arc::new(counts))
    })
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
    meaning: "The lines in which two texts differ: @@ and the line in b, then - before lines of a alone and + before those of b alone; of a long line that was changed, what stands around the change. Empty when they are equal. For two versions of a prompt.",
    example: r"SELECT diff_lines(E'You help.\nBe short.\n', E'You help.\nBe kind.\n') AS changed",
};

pub(super) fn diff() -> ScalarUDF {
    Function::documented(&DIFF, Signature::string(2, Volatility::Immutable), DataType::Utf8View, |arguments| {
        let (old, new) = (arguments.texts(0)?, arguments.texts(1)?);
        let mut found = StringViewBuilder::with_capacity(old.len());
        for (old, new) in old.iter().zip(&new) {
            found.append_option(old.zip(new).map(|(old, new)| line_diff::diff(old, new)));
        }
        Ok(Arc::new(found.finish()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
