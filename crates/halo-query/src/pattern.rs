//! Regular expressions of callers: compiled once, with an error that helps.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Capture, Hir, HirKind, Look, Repetition};

use crate::QueryError;

/// Bytes a compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What to do without look-around.
pub(crate) const NO_LOOK_AROUND: &str = "patterns run in linear time and know no look-around and no back-references: match the text itself, and \
     say `and not` with a second condition: regexp_like(output, 'a') AND NOT regexp_like(output, 'b')";

/// What to do about a character that means something in a pattern.
pub(crate) const ESCAPE: &str = r"put a backslash before ( [ { . * + ? | ^ $ to find them as they are, as in \(none\)";

/// What to do about a pattern that is too large.
pub(crate) const SMALLER: &str = r"use smaller repetition counts, and [a-z] or [^ ] rather than \w or \pL in them";

/// Compiles a pattern.
pub(crate) fn compile(pattern: &str) -> Result<Regex, QueryError> {
    RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build().map_err(|error| {
        let text = error.to_string();
        if text.contains("look-around") || text.contains("backreference") {
            return QueryError::statement_with_hint(
                format!("the pattern `{pattern}` uses look-around or a back-reference"),
                NO_LOOK_AROUND,
            );
        }
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return QueryError::statement_with_hint(format!("the pattern `{pattern}` is too large"), SMALLER);
        }
        // The last line of a regex error says what is wrong; those before it draw the pattern.
        let reason = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
        QueryError::statement_with_hint(format!("the pattern `{pattern}` is no regular expression: {reason}"), ESCAPE)
    })
}

/// A pattern to find in texts that lie inside other texts. A text that is a part of another is found in the whole as well, unless the
/// pattern asks where the text begins or ends: so the whole is looked at first, without that.
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    exact: Regex,
    /// The pattern without its `^` and `$`; `None` when it has none.
    relaxed: Option<Regex>,
}

impl Matcher {
    /// Compiles a pattern.
    pub(crate) fn new(pattern: &str) -> Result<Self, QueryError> {
        let exact = compile(pattern)?;
        let relaxed = match regex_syntax::parse(pattern) {
            Ok(hir) if hir.properties().look_set().contains_anchor() => Some(compile(&anywhere(hir).to_string())?),
            _ => None,
        };
        Ok(Self { exact, relaxed })
    }

    /// The pattern as it was given.
    pub(crate) fn exact(&self) -> &Regex {
        &self.exact
    }

    /// Whether a text matches.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.exact.is_match(text)
    }

    /// Whether a text, or one that is a part of it as it stands, may match: false is certain.
    pub(crate) fn may_match(&self, text: &str) -> bool {
        self.relaxed.as_ref().unwrap_or(&self.exact).is_match(text)
    }

    /// Whether a text that may match does so.
    pub(crate) fn is_sure(&self) -> bool {
        self.relaxed.is_none()
    }
}

/// The pattern without conditions on where a text or a line begins and ends.
fn anywhere(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Look(look) if is_anchor(look) => Hir::empty(),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Repetition(repetition) => {
            let sub = Box::new(anywhere(*repetition.sub));
            Hir::repetition(Repetition { sub, ..repetition })
        }
        HirKind::Capture(capture) => {
            let sub = Box::new(anywhere(*capture.sub));
            Hir::capture(Capture { sub, ..capture })
        }
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(anywhere).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.into_iter().map(anywhere).collect()),
    }
}

fn is_anchor(look: Look) -> bool {
    matches!(look, Look::Start | Look::End | Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF)
}

#[cfg(test)]
mod tests {
    use super::Matcher;

    #[test]
    fn an_anchored_pattern_is_found_in_the_whole_first() {
        let matcher = Matcher::new("^Error: (no|not) .*found$|(?m)^x{2,3}$").expect("compiles");
        assert!(!matcher.is_sure());
        for text in ["Error: not found", "Error: no order found", "a\nxxx\nb"] {
            assert!(matcher.is_match(text) && matcher.may_match(&format!("{{\"e\":\"{text}\"}}")), "{text}");
        }
        assert!(!matcher.is_match("say Error: not found") && matcher.may_match("say Error: not found."));
        assert!(!matcher.may_match("Error"));
        let plain = Matcher::new(r"\bnot\b").expect("compiles");
        assert!(plain.is_sure() && plain.may_match("is not") && !plain.may_match("nothing"));
    }
}
