//! A report in a few lines for a terminal.

use halo_protocol::Report;

use crate::number::counted;
use crate::prose::unformatted;
use crate::view::{FindingView, View};

/// Columns that a line needs at least.
const NARROWEST: usize = 40;

/// The few lines that end a run in a terminal: the verdict, then one line a finding with severity, title,
/// affected of population and rate. No line is wider than `width` columns (40 at least); no colour, and no
/// control characters.
#[must_use]
pub fn summary(report: &Report, width: usize) -> String {
    let width = width.max(NARROWEST);
    let view = View::new(report);
    let mut out = String::new();
    if let Some(partial) = &view.partial {
        wrap(&mut out, partial, width);
    }
    wrap(&mut out, &format!("{} {}", view.verdict.headline, view.verdict.reach), width);
    if !view.findings.is_empty() {
        out.push('\n');
        table(&mut out, &view.findings, width);
    }
    let left = [
        (
            view.one_offs.len() as u64,
            "kind of fault was seen and is no finding of its own",
            "kinds of fault were seen and are no findings of their own",
        ),
        (view.refused.len() as u64, "claim refused", "claims refused"),
    ];
    let left: Vec<String> =
        left.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| counted(n, one, many)).collect();
    if !left.is_empty() || !view.warnings.is_empty() {
        out.push('\n');
    }
    for warning in &view.warnings {
        wrap(&mut out, warning, width);
    }
    if !left.is_empty() {
        wrap(&mut out, &format!("Also in the report: {}.", left.join(", ")), width);
    }
    out
}

fn table(out: &mut String, findings: &[FindingView], width: usize) {
    let counts: Vec<String> = findings.iter().map(|f| format!("{}/{}", f.affected, f.population)).collect();
    let severity_width = findings.iter().map(|f| f.severity.len()).max().unwrap_or(0);
    let count_width = counts.iter().map(String::len).max().unwrap_or(0);
    let rate_width = findings.iter().map(|f| f.rate.len()).max().unwrap_or(0);
    let title_width = width.saturating_sub(severity_width + count_width + rate_width + 6).max(8);
    for (finding, count) in findings.iter().zip(counts) {
        let title = fitted(&unformatted(&finding.title), title_width);
        out.push_str(&format!(
            "{:severity_width$}  {title}  {count:>count_width$}  {:>rate_width$}\n",
            finding.severity, finding.rate
        ));
    }
}

/// The text cut or filled up to exactly `width` columns.
fn fitted(text: &str, width: usize) -> String {
    let whole: usize = text.chars().map(columns).sum();
    let room = if whole > width { width - 1 } else { width };
    let mut out = String::new();
    let mut used = 0;
    for character in text.chars() {
        if used + columns(character) > room {
            break;
        }
        used += columns(character);
        out.push(character);
    }
    if whole > width {
        out.push('…');
        used += 1;
    }
    out + &" ".repeat(width - used)
}

fn wrap(out: &mut String, text: &str, width: usize) {
    let mut used = 0;
    for word in text.split_whitespace() {
        let length: usize = word.chars().map(columns).sum();
        if used > 0 && used + 1 + length > width {
            out.push('\n');
            used = 0;
        }
        if used > 0 {
            out.push(' ');
            used += 1;
        }
        if length > width {
            // A word that fits on no line is cut: it comes from a stranger, and its whole is in the report.
            let cut = fitted(word, width);
            out.push_str(cut.trim_end());
            used = width;
        } else {
            out.push_str(word);
            used += length;
        }
    }
    out.push('\n');
}

/// Columns of a character in a terminal: none for marks that sit on the one before, two for East Asian wide
/// forms and emoji.
fn columns(character: char) -> usize {
    match character {
        '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_fitted_by_columns() {
        assert_eq!(fitted("abc", 5), "abc  ");
        assert_eq!(fitted("abcdef", 5), "abcd…");
        assert_eq!(fitted("日本語です", 5), "日本…");
        assert_eq!(fitted("日本語です", 6), "日本… ");
    }

    #[test]
    fn words_wrap_and_giants_are_cut() {
        let mut out = String::new();
        wrap(&mut out, "aa bb cccccccccc dd", 5);
        assert_eq!(out, "aa bb\ncccc…\ndd\n");
    }
}
