//! The causes behind error messages: signatures that differ only in a word here and there are one cause, told by one template.
//!
//! [`error_signature`](crate::error_signature) takes out of a single message what looks like an id, a number or a path. Words look like nothing: that
//! `policy record` and `policy house` are one text with a gap shows only beside many others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// So many different words in one place are a gap; fewer may be causes of their own.
const GAP_WORDS_MIN: usize = 4;

/// What stands in the place of a word that varies.
const GAP: &str = "<word>";

/// Finds what is one cause among signatures. Gives those that are better told by a template, with it; the others stand for themselves.
///
/// Signatures of one length that begin with the same word are compared word by word. Where all of them agree in most places, and in each of
/// the others many words stand, they are one. Else they are divided by the place in which the fewest words stand, and looked at again: so
/// the order in which signatures come makes no difference.
#[must_use]
pub fn causes(signatures: &BTreeSet<String>) -> HashMap<String, String> {
    let mut groups: BTreeMap<(usize, Cow<'_, str>), Vec<Vec<&str>>> = BTreeMap::new();
    for signature in signatures {
        let words: Vec<&str> = signature.split(' ').collect();
        groups.entry((words.len(), kind(words[0]))).or_default().push(words);
    }
    let mut found = HashMap::new();
    for group in groups.into_values() {
        divide(group, &mut found);
    }
    found
}

fn divide(group: Vec<Vec<&str>>, found: &mut HashMap<String, String>) {
    let Some(first) = group.first().filter(|_| group.len() > 1) else { return };
    let places: Vec<BTreeSet<Cow<'_, str>>> =
        (0..first.len()).map(|place| group.iter().map(|words| kind(words[place])).collect()).collect();
    let gaps = places.iter().filter(|words| words.len() >= GAP_WORDS_MIN).count();
    let is_settled = places.iter().all(|words| words.len() == 1 || words.len() >= GAP_WORDS_MIN);
    // Most of what a template says must be words that all have: otherwise it would say nothing.
    let said = places.iter().filter(|words| words.len() == 1 && words.iter().all(|word| !is_placeholder(word))).count();
    if is_settled && said >= 2 && said > gaps * 2 {
        let template: Vec<&str> = places
            .iter()
            .enumerate()
            .map(|(place, words)| match words.first().filter(|_| words.len() == 1) {
                Some(_) if group.iter().all(|other| other[place] == first[place]) => first[place],
                Some(kind) => kind,
                None => GAP,
            })
            .collect();
        let template = template.join(" ");
        for words in group {
            let signature = words.join(" ");
            if signature != template {
                found.insert(signature, template.clone());
            }
        }
        return;
    }
    // By the place with the fewest words; the first of several.
    let split = (0..places.len()).filter(|place| places[*place].len() > 1).min_by_key(|place| places[*place].len());
    let Some(split) = split else { return };
    let mut parts: BTreeMap<Cow<'_, str>, Vec<Vec<&str>>> = BTreeMap::new();
    for words in group {
        parts.entry(kind(words[split])).or_default().push(words);
    }
    parts.into_values().for_each(|part| divide(part, found));
}

/// A word as it is compared: whether an id looks like a number is chance.
fn kind(word: &str) -> Cow<'_, str> {
    if word.contains("<n>") { Cow::Owned(word.replace("<n>", "<id>")) } else { Cow::Borrowed(word) }
}

fn is_placeholder(word: &str) -> bool {
    word.contains('<') && word.contains('>')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates(signatures: &[String]) -> BTreeMap<String, usize> {
        let found = causes(&signatures.iter().cloned().collect());
        let mut counts = BTreeMap::new();
        for signature in signatures {
            *counts.entry(found.get(signature).unwrap_or(signature).clone()).or_default() += 1;
        }
        counts
    }

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    fn expected<const N: usize>(pairs: [(&str, usize); N]) -> BTreeMap<String, usize> {
        pairs.map(|(text, count)| (text.to_owned(), count)).into()
    }

    #[test]
    fn words_that_vary_are_a_gap() {
        let policies = ["record", "come", "place", "house", "stone"]
            .map(|word| format!("content_filter: response was filtered by policy {word} (id <id>)"));
        assert_eq!(
            templates(&policies),
            expected([("content_filter: response was filtered by policy <word> (id <id>)", 5)])
        );
        let two: Vec<String> = (0..10)
            .map(|n| {
                format!(
                    "column <value> of {} does not exist in {}",
                    ["a", "b", "c", "d", "e"][n % 5],
                    ["v", "w", "x", "y"][n % 4]
                )
            })
            .collect();
        assert_eq!(templates(&two), expected([("column <value> of <word> does not exist in <word>", 10)]));
    }

    #[test]
    fn an_id_that_looks_like_a_number_is_an_id() {
        let runs = lines("Max turns (<n>) exceeded for run <id>\nMax turns (<n>) exceeded for run <n>");
        assert_eq!(templates(&runs), expected([("Max turns (<n>) exceeded for run <id>", 2)]));
    }

    #[test]
    fn different_causes_of_one_length_stay_apart() {
        let errors = lines(
            "Error: connection refused by peer
             Error: permission denied for user
             Error: disk quota is exceeded
             Error: invalid token in header
             Error: no such table here",
        );
        assert_eq!(templates(&errors).len(), 5);
        let few = lines("the payment service is down\nthe order service is down\nthe search service is down");
        assert_eq!(templates(&few).len(), 3);
    }

    #[test]
    fn causes_with_gaps_are_told_apart_by_what_they_say() {
        let mut errors = Vec::new();
        for word in ["red", "green", "blue", "black", "white"] {
            errors.push(format!("E1: the color {word} is not a valid choice here"));
            errors.push(format!("E1: the color {word} is not on sale any longer"));
        }
        assert_eq!(
            templates(&errors),
            expected([
                ("E1: the color <word> is not a valid choice here", 5),
                ("E1: the color <word> is not on sale any longer", 5)
            ])
        );
    }

    proptest::proptest! {
        #[test]
        fn the_order_makes_no_difference_and_a_template_is_its_own(words in proptest::collection::vec("[ab] [abcdef] [abc] x y", 0..40)) {
            let set: BTreeSet<String> = words.into_iter().collect();
            let found = causes(&set);
            for (signature, template) in &found {
                proptest::prop_assert!(set.contains(signature));
                proptest::prop_assert_eq!(signature.split(' ').count(), template.split(' ').count());
                for (word, told) in signature.split(' ').zip(template.split(' ')) {
                    proptest::prop_assert!(word == told || told == GAP || kind(word) == told);
                }
            }
        }
    }
}
