//! Text of strangers made safe to show: nothing that steers a terminal or turns a line around survives, and
//! nothing that is long floods the page. Everything a report shows goes through here first, whatever its
//! format.

use crate::number::counted;

/// Longest quote that is shown whole, in characters.
const QUOTE_CHARACTERS: usize = 700;
/// Tallest quote that is shown whole, in lines.
const QUOTE_LINES: usize = 24;
/// Longest value that is shown whole inside a sentence, in characters.
const VALUE_CHARACTERS: usize = 80;

/// The text with control characters as visible symbols; line ends and tabs stay.
pub(crate) fn block(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\t' => out.push(character),
            '\r' if characters.peek() == Some(&'\n') => {}
            _ => push_visible(&mut out, character),
        }
    }
    out
}

/// The text on one line: control characters as visible symbols, runs of white space as one space.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split([' ', '\n', '\r', '\t']).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        for character in word.chars() {
            push_visible(&mut out, character);
        }
    }
    out
}

/// A value inside a sentence: one line, cut in the middle when it is long, and something to see when it is
/// empty.
pub(crate) fn value(text: &str) -> String {
    let shown = line(text);
    if shown.is_empty() {
        return "(empty)".to_owned();
    }
    match split_middle(&shown, VALUE_CHARACTERS) {
        Some((head, tail, _)) => format!("{head}…{tail}"),
        None => shown,
    }
}

/// A quote as it is shown: whole, or without its middle.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clipped {
    /// The text, with a line that stands for what is left out.
    pub(crate) text: String,
    /// Whether something is left out.
    pub(crate) shortened: bool,
}

/// A quote made fit to show, cut in the middle when it is long or tall: faults show at both ends.
pub(crate) fn quote(text: &str) -> Clipped {
    clipped(text, QUOTE_CHARACTERS, QUOTE_LINES)
}

/// A text made fit to show in about so many characters and lines, without its middle when it has more.
pub(crate) fn clipped(text: &str, characters: usize, most_lines: usize) -> Clipped {
    let shown = block(text);
    let (shown, cut_long) = match split_middle(&shown, characters) {
        Some((head, tail, omitted)) => {
            let note = counted(omitted, "character", "characters");
            (format!("{head}\n[… {note} left out …]\n{tail}"), true)
        }
        None => (shown, false),
    };
    let lines: Vec<&str> = shown.lines().collect();
    // As with characters: a line or two more cost less than the note that they are missing.
    if lines.len() <= most_lines + most_lines / 8 {
        return Clipped { text: shown, shortened: cut_long };
    }
    let (head, tail) = (most_lines * 2 / 3, most_lines / 3);
    let omitted = (lines.len() - head - tail) as u64;
    let note = format!("[… {} left out …]", counted(omitted, "line", "lines"));
    let kept = [&lines[..head], &[note.as_str()], &lines[lines.len() - tail..]].concat();
    Clipped { text: kept.join("\n"), shortened: true }
}

/// Head, tail and number of characters between them, when the text is clearly longer than the limit.
fn split_middle(text: &str, limit: usize) -> Option<(&str, &str, u64)> {
    // Cutting only to save a handful of characters would cost the reader more than it gives.
    let total = text.chars().count();
    if total <= limit + limit / 8 {
        return None;
    }
    let (head_length, tail_length) = (limit * 2 / 3, limit / 3);
    let head_end = text.char_indices().nth(head_length)?.0;
    let tail_start = text.char_indices().nth_back(tail_length.saturating_sub(1))?.0;
    let omitted = total - head_length - tail_length;
    Some((&text[..head_end], &text[tail_start..], omitted as u64))
}

fn push_visible(out: &mut String, character: char) {
    match character {
        '\u{0}'..='\u{1f}' => out.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}')),
        '\u{7f}' => out.push('\u{2421}'),
        hidden if is_hidden(hidden) => out.push_str(&format!("⟨U+{:04X}⟩", u32::from(hidden))),
        shown => out.push(shown),
    }
}

/// Characters that steer the display or cannot be seen: C1 controls, line separators, direction marks and
/// overrides, zero-width fillers, and the tag block that can carry text no reader sees. Joiners stay: scripts
/// and emoji need them.
fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(block("a\u{1b}[31mred\u{7}\r\nb\rc\td"), "a␛[31mred␇\nb␍c\td");
        assert_eq!(block("\u{9b}2J \u{202e}gpj.exe \u{e0041}"), "⟨U+009B⟩2J ⟨U+202E⟩gpj.exe ⟨U+E0041⟩");
        assert_eq!(block("naïve 👩‍🚀 日本"), "naïve 👩‍🚀 日本");
        assert_eq!(line("  two\n\n lines\u{0}"), "two lines␀");
        assert_eq!(value(" \n"), "(empty)");
    }

    #[test]
    fn long_quotes_keep_both_ends() {
        let long = format!("START{}END", "é".repeat(2_000));
        let clipped = quote(&long);
        assert!(clipped.shortened);
        assert!(clipped.text.starts_with("STARTé") && clipped.text.ends_with("éEND"));
        assert!(clipped.text.contains("\n[… 1,309 characters left out …]\n"));
        assert_eq!(clipped.text.matches('é').count() + 1_309 + 8, 2_008);
    }

    #[test]
    fn tall_quotes_keep_both_ends() {
        let tall = (0..100).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
        let clipped = quote(&tall);
        assert_eq!(clipped.text.lines().count(), QUOTE_LINES + 1);
        assert!(clipped.text.contains("\n15\n[… 76 lines left out …]\n92\n"));
        let fits = quote("short");
        assert_eq!(fits, Clipped { text: "short".to_owned(), shortened: false });
    }
}
