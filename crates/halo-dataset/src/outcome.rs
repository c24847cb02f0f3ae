//! How a run ended, as far as its spans say so themselves: by evaluations and feedback, else by the status of the root.

use crate::rollup::{TAG_END, TAG_VALUE};

/// Families of keys that hold what an evaluator or a person said of the run.
const JUDGED: &[&str] = &["evaluation", "annotation", "feedback", "eval.", "score", "assessment", "langfuse.score"];

/// Last parts of keys that say by themselves that a run succeeded, or not.
const SUCCESS_KEYS: &[&str] = &[
    "success",
    "succeeded",
    "successful",
    "passed",
    "resolved",
    "solved",
    "correct",
    "is_correct",
    "task_success",
    "goal_achieved",
    "goal_completion",
    "task_completed",
    "thumbs_up",
    "reward",
];

/// Last parts of keys whose value is a word for how it ended.
const VERDICT_KEYS: &[&str] =
    &["label", "outcome", "verdict", "feedback", "user_feedback", "rating", "thumbs", "result", "evaluation", "grade"];

/// Parts of the names of evaluators whose high scores are those of good runs.
const ABOUT_SUCCESS: &[&str] =
    &["success", "correct", "goal", "complet", "resol", "quality", "helpful", "accura", "satisf", "pass"];

const GOOD: &[&str] = &[
    "pass",
    "passed",
    "success",
    "succeeded",
    "successful",
    "correct",
    "good",
    "positive",
    "thumbs_up",
    "up",
    "resolved",
    "solved",
    "satisfied",
    "accepted",
    "helpful",
    "like",
    "liked",
];

const BAD: &[&str] = &[
    "fail",
    "failed",
    "failure",
    "incorrect",
    "wrong",
    "bad",
    "negative",
    "thumbs_down",
    "down",
    "unresolved",
    "unsolved",
    "unsatisfied",
    "dissatisfied",
    "rejected",
    "unhelpful",
    "not_helpful",
    "dislike",
    "disliked",
];

/// Whether a run succeeded by what the tags of its root and of its evaluators say: one bad verdict outweighs good ones. `None` where they say
/// nothing. Numbers count as far as their scale is known: 0 to 1, where the key says that it is about success.
pub(crate) fn told<'a>(tags: impl Iterator<Item = &'a str>) -> Option<bool> {
    let pairs: Vec<(&str, &str)> =
        tags.flat_map(|text| text.split(TAG_END)).filter_map(|pair| pair.split_once(TAG_VALUE)).collect();
    let verdicts = pairs.iter().filter_map(|(key, value)| verdict(key, value).or_else(|| score(&pairs, key, value)));
    verdicts.reduce(|one, other| one && other)
}

/// What a score says, when its name, which stands beside it, says that it is about success: `X.name` beside `X.score` or `X.score.value`.
fn score(pairs: &[(&str, &str)], key: &str, value: &str) -> Option<bool> {
    let judge = key.strip_suffix(".score.value").or_else(|| key.strip_suffix(".score"))?;
    let is_name = |other: &str| other.strip_prefix(judge) == Some(".name");
    let (_, name) = pairs.iter().find(|(other, _)| is_name(other))?;
    let name = name.to_ascii_lowercase();
    ABOUT_SUCCESS.iter().any(|word| name.contains(word)).then(|| truth(value)).flatten()
}

/// What one attribute says.
fn verdict(key: &str, value: &str) -> Option<bool> {
    let last = key.rsplit('.').next().unwrap_or_default();
    let is = |words: &[&str], text: &str| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_judged = || JUDGED.iter().any(|family| key.contains(family));
    if is(SUCCESS_KEYS, last) {
        return truth(value);
    }
    if is(VERDICT_KEYS, last) && (is_judged() || matches!(key, "outcome" | "verdict" | "run.outcome" | "task.outcome"))
    {
        let word = value.trim().replace([' ', '-'], "_");
        return if is(GOOD, &word) {
            Some(true)
        } else if is(BAD, &word) {
            Some(false)
        } else {
            None
        };
    }
    None
}

/// A truth value, a word for one, or a share.
fn truth(value: &str) -> Option<bool> {
    let value = value.trim();
    let is = |words: &[&str]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    if is(&["true", "yes"]) || is(GOOD) {
        return Some(true);
    }
    if is(&["false", "no"]) || is(BAD) {
        return Some(false);
    }
    value.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share)).map(|share| share >= 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_read_and_other_attributes_are_not() {
        let cases = [
            ("gen_ai.evaluation.score.label", "pass", Some(true)),
            ("gen_ai.evaluation.score.label", "Incorrect", Some(false)),
            ("annotations.0.annotation.label", "thumbs-down", Some(false)),
            ("feedback.label", "not helpful", Some(false)),
            ("reward", "0.0", Some(false)),
            ("reward", "1", Some(true)),
            ("reward", "17", None),
            ("task.success", "true", Some(true)),
            ("outcome", "failure", Some(false)),
            ("evaluations.0.evaluation.label", "toxic", None),
            ("gen_ai.evaluation.score.value", "0.9", None),
            ("release.label", "good", None),
            ("deployment.result", "failed", None),
        ];
        for (key, value, expected) in cases {
            assert_eq!(verdict(key, value), expected, "{key} = {value}");
        }
    }

    #[test]
    fn one_bad_verdict_outweighs_the_good_ones() {
        let tags = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| format!("{key}{TAG_VALUE}{value}{TAG_END}")).collect::<String>()
        };
        let good = tags(&[("release", "2"), ("feedback.rating", "good")]);
        let bad = tags(&[("success", "false")]);
        assert_eq!(told([good.as_str()].into_iter()), Some(true));
        assert_eq!(told([good.as_str(), bad.as_str()].into_iter()), Some(false));
        assert_eq!(told(std::iter::empty()), None);
        let scored =
            |name: &str| tags(&[("annotations.1.annotation.name", name), ("annotations.1.annotation.score", "0.2")]);
        assert_eq!(told([scored("Answer Correctness").as_str()].into_iter()), Some(false));
        assert_eq!(told([scored("toxicity").as_str()].into_iter()), None);
    }
}
