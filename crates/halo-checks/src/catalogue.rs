//! The catalogue: each check is one file of SQL and one of words, compiled into the program.
//!
//! `checks/NAME.sql` holds one statement over `spans` and `traces` that returns `trace_id`, `span_id`, `quote` (an exact part of
//! that span's text) and, when the check tells several faults apart, `subject`. Its first line may be `-- population: SELECT …`, the
//! traces that the rate is out of, in which `{subject}` is the subject as a SQL literal. `{{name}}` is replaced by
//! `checks/shared/name.sql`. In patterns `\b` is the boundary of ASCII words, and `\<` and `\>` are those of any word.
//!
//! `checks/NAME.md` opens with settings between two `---` lines and has the sections Claim, Cause, Fix and False alarms. `{subject}`,
//! `{affected}`, `{population}` and `{rate}` in its texts and in its title are filled in. A folder of the user's own is read in the same way.

use std::path::{Path, PathBuf};

use halo_protocol::Severity;
use twox_hash::XxHash3_64;

use crate::CheckError;
use crate::words::{Front, sections};

/// One check.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Name of its files.
    pub name: String,
    /// What it looks for, in a line without a subject.
    pub heading: String,
    /// Title of a finding; may name the subject.
    pub title: String,
    /// Kind of fault.
    pub category: String,
    /// How much it hurts.
    pub severity: Severity,
    /// Fewest traces that make a finding.
    pub min_traces: u64,
    /// Smallest share of the population that makes a finding.
    pub min_rate: f64,
    /// Smallest share that makes a finding when the traces concentrate in some attribute value: what happens everywhere at times is
    /// a fault where it happens to one version only. `None` when the rate alone decides.
    pub min_rate_with_scope: Option<f64>,
    /// Keys that tell nothing of where it happens, beside the tools that a run used.
    pub not_scope: Vec<String>,
    /// Whether subjects that are too rare each for itself make a finding together.
    pub group_rest: bool,
    /// All subjects are one fault, whatever their number: the finding names them. For faults with a cause that is not the subject's own.
    pub together: bool,
    /// Checks whose findings go first: a finding that has most of its traces in common with theirs is the same fault again, seen
    /// from further off, and is left out. `*` is all checks before this one that are about runs, and not about telemetry or cost.
    pub covered_by: Vec<String>,
    /// What the rate is out of, in words.
    pub population: String,
    /// What happens.
    pub claim: String,
    /// Why it happens, as a rule.
    pub cause: String,
    /// What to change in the harness.
    pub fix: String,
    /// What looks like this and is none.
    pub false_alarms: String,
    /// The statement.
    pub sql: String,
    /// The traces that the rate is out of.
    pub population_sql: String,
}

/// What the rate is out of when a check does not say: all traces.
pub(crate) const ALL_TRACES: &str = "SELECT trace_id FROM traces";

/// Marks the line of a check's SQL that gives its population.
const POPULATION_MARK: &str = "-- population:";

macro_rules! checks {
    ($($name:literal)*) => {
        &[$((
            $name,
            include_str!(concat!("../checks/", $name, ".sql")),
            include_str!(concat!("../checks/", $name, ".md")),
        )),*]
    };
}

macro_rules! fragments {
    ($($name:literal)*) => {
        &[$((concat!("{{", $name, "}}"), include_str!(concat!("../checks/shared/", $name, ".sql")))),*]
    };
}

/// The built-in checks. The order is the order of precedence: a check that names a cause stands before one that sees its symptom.
const SOURCES: &[(&str, &str, &str)] = checks![
    "failed_action_reported_done"
    "action_claimed_without_call"
    "foreign_tenant"
    "unoffered_tool"
    "credentials_expire"
    "context_overflow"
    "retry_without_backoff"
    "rate_limited"
    "timeouts"
    "invalid_arguments"
    "arguments_lost"
    "arguments_off_schema"
    "corrected_calls"
    "identical_call_loop"
    "alternating_calls"
    "action_done_twice"
    "handoff_bounce"
    "first_page_only"
    "result_not_seen"
    "truncated_results"
    "step_limit"
    "cut_off_answer"
    "empty_answer"
    "scaffolding_in_answer"
    "unfilled_placeholder"
    "unfilled_prompt"
    "stale_date"
    "garbled_text"
    "unparsed_reply"
    "wrong_language"
    "repeated_answer"
    "history_dropped"
    "user_repeats"
    "asks_again"
    "unused_delegation"
    "repeated_work"
    "same_result"
    "oversized_result"
    "resent_text"
    "cache_unused"
    "unstable_prefix"
    "tool_failures"
    "empty_results"
    "run_ends_in_error"
    "unanswered"
    "guardrail_blocks"
    "model_never_called"
    "refusals"
    "refusal_loop"
    "token_growth"
    "long_runs"
    "slow_calls"
    "slow_runs"
    "gave_up"
    "failed_runs"
    "answer_length_shift"
    "orphan_spans"
    "broken_times"
    "missing_token_counts"
];

const FRAGMENTS: &[(&str, &str)] = fragments![
    "broken" "repeating" "calls" "unfinished" "last_replies" "requested" "says_no" "says_failed" "answers" "stuck_results" "definitions" "usual_runs" "usual_calls" "history_drops" "instructions" "admits" "asks_back" "refuses" "claims" "claims_passive" "acting_tool" "more_pages" "timed_out" "english" "german" "spanish" "french"
];

/// The built-in checks, in order of precedence.
///
/// # Errors
/// A file of the catalogue is not as it must be; a test keeps this from being released.
pub fn built_in_checks() -> Result<Vec<Check>, CheckError> {
    SOURCES.iter().map(|(name, sql, words)| parse(name, sql, words)).collect()
}

/// The built-in checks, and after them those of a folder: a file `NAME.sql` and a file `NAME.md` each, written like the built-in ones.
///
/// # Errors
/// The folder can't be read or has no check, or a file is not as it must be.
pub fn checks_with(folder: Option<&Path>) -> Result<Vec<Check>, CheckError> {
    let mut checks = built_in_checks()?;
    let Some(folder) = folder else {
        return Ok(checks);
    };
    let unreadable =
        |path: &Path, error: &std::io::Error| CheckError::Folder { path: path.to_owned(), reason: error.to_string() };
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|suffix| suffix == "sql"));
    files.sort();
    if files.is_empty() {
        let reason = "it has no file NAME.sql, with a NAME.md beside it".to_owned();
        return Err(CheckError::Folder { path: folder.to_owned(), reason });
    }
    for file in files {
        let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| unreadable(path, &error));
        let check = parse(&name, &read(&file)?, &read(&file.with_extension("md"))?)?;
        if checks.iter().any(|known| known.name == name) {
            return Err(CheckError::Catalogue { name, reason: "there is a check of this name already".to_owned() });
        }
        checks.push(check);
    }
    Ok(checks)
}

/// A text that is another as soon as any word of these checks is.
#[must_use]
pub fn fingerprint(checks: &[Check]) -> String {
    format!("{:016x}", XxHash3_64::oneshot(format!("{checks:?}").as_bytes()))
}

/// Makes a check of its two files.
pub(crate) fn parse(name: &str, sql: &str, words: &str) -> Result<Check, CheckError> {
    let wrong = |reason: String| CheckError::Catalogue { name: name.to_owned(), reason };
    let (front, body) = Front::parse(words).map_err(wrong)?;
    let [claim, cause, fix, false_alarms] = sections(body, ["Claim", "Cause", "Fix", "False alarms"]).map_err(wrong)?;
    let (population_sql, statement) = split_population(sql);
    let severity = match front.text("severity").map_err(wrong)?.as_str() {
        "low" => Severity::Low,
        "medium" => Severity::Medium,
        "high" => Severity::High,
        "critical" => Severity::Critical,
        other => return Err(wrong(format!("`{other}` is no severity"))),
    };
    let heading = front.text("heading").map_err(wrong)?;
    Ok(Check {
        name: name.to_owned(),
        title: front.optional("title").unwrap_or_else(|| heading.clone()),
        heading,
        category: front.text("category").map_err(wrong)?,
        severity,
        min_traces: front.count("min_traces").map_err(wrong)?,
        min_rate: front.rate("min_rate").map_err(wrong)?,
        min_rate_with_scope: match front.optional("min_rate_with_scope") {
            Some(_) => Some(front.rate("min_rate_with_scope").map_err(wrong)?),
            None => None,
        },
        group_rest: front.optional("group_rest").as_deref() == Some("yes"),
        together: front.optional("together").as_deref() == Some("yes"),
        covered_by: front.names("covered_by"),
        not_scope: front.names("not_scope"),
        population: front.text("population").map_err(wrong)?,
        claim,
        cause,
        fix,
        false_alarms,
        sql: expand(statement),
        population_sql: expand(population_sql),
    })
}

/// The population of the first line, and the statement after it.
fn split_population(sql: &str) -> (&str, &str) {
    match sql.strip_prefix(POPULATION_MARK) {
        Some(rest) => match rest.split_once('\n') {
            Some((population, statement)) => (population.trim(), statement.trim()),
            None => (rest.trim(), ""),
        },
        None => (ALL_TRACES, sql.trim()),
    }
}

/// Replaces the names of shared pieces by the pieces; a piece may name others that stand after it in the list. Then `\b` becomes the boundary of
/// ASCII words: with that of Unicode a pattern takes the slow way, twenty times as slow, through every text that has so much as a dash in it.
/// `\<` and `\>` stay those of Unicode, for words that begin or end with other letters.
pub(crate) fn expand(sql: &str) -> String {
    let whole = FRAGMENTS.iter().fold(sql.to_owned(), |text, (mark, piece)| text.replace(mark, piece.trim()));
    whole.replace(r"\b", r"(?-u:\b)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_check_is_whole() {
        let checks = built_in_checks().expect("the catalogue parses");
        let names: BTreeSet<&str> = checks.iter().map(|check| check.name.as_str()).collect();
        assert_eq!(names.len(), checks.len(), "names are unique");
        let headings: BTreeSet<&str> = checks.iter().map(|check| check.heading.as_str()).collect();
        assert_eq!(headings.len(), checks.len(), "headings are unique");
        for (index, check) in checks.iter().enumerate() {
            let name = &check.name;
            assert!(!check.sql.contains("{{") && !check.population_sql.contains("{{"), "{name}: unknown piece");
            assert!(!check.sql.contains("{subject}"), "{name}: a statement names no subject");
            assert!(!check.heading.contains('{'), "{name}: a heading names no subject");
            assert!(check.min_traces >= 2, "{name}: one trace is no system");
            for text in [&check.claim, &check.cause, &check.fix, &check.false_alarms, &check.population] {
                assert!(text.len() >= 10, "{name}: {text:?} says too little");
            }
            if check.title.contains("{subject}") || check.population_sql.contains("{subject}") {
                assert!(
                    check.sql.contains("AS subject")
                        || check.sql.contains(".subject")
                        || check.sql.contains(", subject"),
                    "{name}"
                );
            }
            for earlier in check.covered_by.iter().filter(|earlier| *earlier != "*") {
                let at = checks.iter().position(|other| other.name == *earlier);
                assert!(at.is_some_and(|at| at < index), "{name}: {earlier} does not stand before it");
            }
        }
    }

    #[test]
    fn a_folder_adds_checks() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        let message = || checks_with(Some(folder.path())).expect_err("not as it must be").to_string();
        let place = folder.path().display().to_string();
        assert_eq!(message(), format!("checks in `{place}`: it has no file NAME.sql, with a NAME.md beside it"));
        write("polite.sql", "SELECT trace_id, span_id, left(output, 9) AS quote FROM spans");
        assert!(message().starts_with(&format!("checks in `{place}/polite.md`: ")), "{}", message());
        let words = "---\nheading: H\nseverity: low\ncategory: x\nmin_traces: 3\nmin_rate: 0.01\npopulation: all\n---\n# Claim\na\n# Cause\nb\n# Fix\nc\n# False alarms\nd\n";
        write("polite.md", &words.replace("low", "awful"));
        assert_eq!(message(), "check `polite`: `awful` is no severity");
        write("polite.md", words);
        let checks = checks_with(Some(folder.path())).expect("whole");
        assert_eq!(checks.last().map(|check| check.name.as_str()), Some("polite"));
        let built_in = built_in_checks().expect("the catalogue parses");
        assert_eq!(checks[..built_in.len()], built_in);
        assert_ne!(fingerprint(&checks), fingerprint(&built_in));
        write("timeouts.sql", "SELECT 1");
        write("timeouts.md", words);
        assert_eq!(message(), "check `timeouts`: there is a check of this name already");
    }

    #[test]
    fn a_check_that_lacks_something_says_what() {
        let words = "---\nheading: H\nseverity: low\ncategory: x\nmin_traces: 3\nmin_rate: 0.01\npopulation: all\n---\n# Claim\na\n# Cause\nb\n# Fix\nc\n# False alarms\nd\n";
        let check = parse("x", "SELECT 1", words).expect("whole");
        assert_eq!((check.population_sql.as_str(), check.fix.as_str()), (ALL_TRACES, "c"));
        let reason = |words: &str| parse("x", "SELECT 1", words).expect_err("lacks something").to_string();
        assert_eq!(reason(&words.replace("severity: low\n", "")), "check `x`: `severity` is missing");
        assert_eq!(reason(&words.replace("low", "awful")), "check `x`: `awful` is no severity");
        assert_eq!(reason(&words.replace("# Fix\nc\n", "")), "check `x`: the section `Fix` is missing");
        assert_eq!(reason(&words.replace("0.01", "often")), "check `x`: `min_rate` is no share: `often`");
        assert_eq!(reason("no settings"), "check `x`: no settings between two `---` lines");
    }
}
