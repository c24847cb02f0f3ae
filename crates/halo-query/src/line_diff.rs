//! The lines in which two texts differ, for comparing two versions of a prompt in one cell.

use std::fmt::Write as _;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Lines of a text that are compared one by one. Comparing takes up to the square of them.
const LINES_MAX: usize = 2000;

/// Characters of a diff.
const CHARS_MAX: usize = 8000;

/// Characters of what two versions of a line have in common, before and after what differs.
const CONTEXT_CHARS: usize = 60;

/// The lines that differ: `@@ line` in the new text, then `- ` lines that went and `+ ` lines that came. Empty for equal texts. Of a line
/// that was changed, only the surroundings of what differs.
pub(crate) fn diff(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    if old.len().max(new.len()) > LINES_MAX {
        return format!("too long to compare by lines: {} and {} lines", old.len(), new.len());
    }
    let mut out = String::new();
    for change in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (_, old_range, new_range) = change.as_tag_tuple();
        if matches!(change, DiffOp::Equal { .. }) {
            continue;
        }
        if out.chars().count() > CHARS_MAX {
            out.push_str("@@ more lines differ: compare substr(text, ...) of both\n");
            break;
        }
        // Writing to a String can't fail.
        let _ = writeln!(out, "@@ {}", new_range.start + 1);
        let (old, new) = (&old[old_range], &new[new_range]);
        for (at, line) in old.iter().enumerate() {
            push(&mut out, "- ", line, new.get(at).filter(|_| old.len() == new.len()));
        }
        for (at, line) in new.iter().enumerate() {
            push(&mut out, "+ ", line, old.get(at).filter(|_| old.len() == new.len()));
        }
    }
    out
}

/// Appends a line; of one that has another version, the part that differs from it.
fn push(out: &mut String, sign: &str, line: &str, other: Option<&&str>) {
    out.push_str(sign);
    match other {
        Some(other) => push_part(out, line, other),
        None => out.push_str(line),
    }
    out.push('\n');
}

fn push_part(out: &mut String, line: &str, other: &str) {
    let (chars, others): (Vec<char>, Vec<char>) = (line.chars().collect(), other.chars().collect());
    let alike = |a: &mut dyn Iterator<Item = &char>, b: &mut dyn Iterator<Item = &char>| {
        a.zip(b).take_while(|(a, b)| a == b).count()
    };
    let before = alike(&mut chars.iter(), &mut others.iter());
    let room = chars.len().min(others.len()) - before;
    let after = alike(&mut chars.iter().rev(), &mut others.iter().rev()).min(room);
    let start = before.saturating_sub(CONTEXT_CHARS);
    let end = (chars.len() - after + CONTEXT_CHARS).min(chars.len());
    if start > 0 {
        out.push('…');
    }
    out.extend(&chars[start..end]);
    if end < chars.len() {
        out.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::{LINES_MAX, diff};

    #[test]
    fn only_what_differs_is_told() {
        let old = "You help.\n- Refunds: within 30 days.\n- Be kind.\nbye";
        let new = "You help.\n- Refunds: within 14 days.\n- Be kind.\n- Never promise dates.\nbye";
        assert_eq!(
            diff(old, new),
            "@@ 2\n- - Refunds: within 30 days.\n+ - Refunds: within 14 days.\n@@ 4\n+ - Never promise dates.\n"
        );
        assert_eq!(diff(old, old), "");
        let long = |word: &str| format!("{}{word}{}", "a ".repeat(100), " b".repeat(100));
        let told = diff(&long("thirty"), &long("twenty"));
        assert_eq!(told.lines().count(), 3, "{told}");
        let changed = |word: &str| format!("…{}{word}{}…", "a ".repeat(29), " b".repeat(29));
        assert!(told.contains(&changed("thirty")[3..]) || told.contains("thirty b"), "{told}");
        assert!(told.lines().all(|line| line.chars().count() < 140), "{told}");
        assert_eq!(
            diff(&"x\n".repeat(LINES_MAX + 1), "y"),
            format!("too long to compare by lines: {} and 1 lines", LINES_MAX + 1)
        );
    }
}
