//! A script, or what was typed so far, taken apart: statements that end with `;`, and the shell's own commands, a line each.

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item<'t> {
    /// A command of the shell, such as `.tables` or `\d`.
    Command(&'t str),
    /// A statement, without its `;`.
    Statement(&'t str),
}

/// A text taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'t> {
    /// What is complete.
    pub(super) items: Vec<Item<'t>>,
    /// The beginning of what is not.
    pub(super) rest: &'t str,
    /// What the rest waits for.
    pub(super) open: Open,
}

/// What is open at the end of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    /// Nothing: the next thing begins.
    Nothing,
    /// A statement.
    Statement,
    /// A parenthesis in it.
    Parenthesis,
    /// A text in quotes.
    Text,
    /// A name in double quotes.
    Name,
    /// A text between dollar signs.
    Dollar,
    /// A comment.
    Comment,
}

/// Takes a text apart.
pub(super) fn split(text: &str) -> Parts<'_> {
    let mut items = Vec::new();
    let mut at = 0;
    loop {
        match skip_blank(text, at) {
            Blank::To(next) if next == text.len() => return Parts { items, rest: "", open: Open::Nothing },
            Blank::To(next) => at = next,
            Blank::OpenComment(start) => return Parts { items, rest: &text[start..], open: Open::Comment },
        }
        let line_end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        let line = text[at..line_end].trim();
        if is_command(line) {
            items.push(Item::Command(line));
            at = line_end;
            continue;
        }
        match statement_end(text, at) {
            Ok(end) => {
                let statement = text[at..end].trim();
                if !statement.is_empty() {
                    items.push(Item::Statement(statement));
                }
                at = end + 1;
            }
            Err(open) => return Parts { items, rest: &text[at..], open },
        }
    }
}

/// An item with as much space before it as is text before it in the script, so that the engine tells places as the user counts them.
pub(super) fn in_its_place(script: &str, item: &str) -> String {
    let before = &script[..(item.as_ptr() as usize).saturating_sub(script.as_ptr() as usize)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let lines = before.bytes().filter(|byte| *byte == b'\n').count();
    format!("{}{}{item}", "\n".repeat(lines), " ".repeat(before[line_start..].chars().count()))
}

/// Whether a line at the beginning of something is a command: no statement begins so.
fn is_command(line: &str) -> bool {
    let word = line.trim_end_matches(';');
    line.starts_with(['.', '\\']) || ["quit", "exit", "help"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

enum Blank {
    /// Something begins here, or the text ends.
    To(usize),
    /// A comment begins here and does not end.
    OpenComment(usize),
}

/// Passes over space and comments.
fn skip_blank(text: &str, mut at: usize) -> Blank {
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if trimmed.starts_with("--") {
            at = line_comment_end(text, at);
        } else if trimmed.starts_with("/*") {
            match block_comment_end(text, at) {
                Some(end) => at = end,
                None => return Blank::OpenComment(at),
            }
        } else {
            return Blank::To(at);
        }
    }
}

/// Place of the `;` that ends the statement which begins at `at`, or what is open at the end of the text.
fn statement_end(text: &str, mut at: usize) -> Result<usize, Open> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(at) {
        let rest = &text.as_bytes()[at..];
        at = match byte {
            b';' => return Ok(at),
            b'\'' => quoted_end(text, at, escapes_by_backslash(bytes, at)).ok_or(Open::Text)?,
            b'"' => quoted_end(text, at, false).ok_or(Open::Name)?,
            b'-' if rest.starts_with(b"--") => line_comment_end(text, at),
            b'/' if rest.starts_with(b"/*") => block_comment_end(text, at).ok_or(Open::Comment)?,
            b'$' => match dollar_mark(text, at) {
                Some(mark) => {
                    let from = at + mark.len();
                    text[from..].find(mark).map(|length| from + length + mark.len()).ok_or(Open::Dollar)?
                }
                None => at + 1,
            },
            b'(' => {
                depth += 1;
                at + 1
            }
            b')' => {
                depth = depth.saturating_sub(1);
                at + 1
            }
            _ => at + 1,
        };
    }
    Err(if depth > 0 { Open::Parenthesis } else { Open::Statement })
}

/// Whether the quote at `at` opens a text of the form `E'...'`.
fn escapes_by_backslash(bytes: &[u8], at: usize) -> bool {
    at > 0 && bytes[at - 1].eq_ignore_ascii_case(&b'e') && !(at > 1 && is_word(bytes[at - 2]))
}

/// Behind the quote that closes the one at `at`. A doubled one stands for itself.
fn quoted_end(text: &str, at: usize, backslash: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = bytes[at];
    let mut at = at + 1;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' && backslash {
            at += 2;
        } else if *byte == quote {
            if bytes.get(at + 1) != Some(&quote) {
                return Some(at + 1);
            }
            at += 2;
        } else {
            at += 1;
        }
    }
    None
}

fn line_comment_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length + 1)
}

/// Behind the comment that begins at `at`; comments nest.
fn block_comment_end(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (at + 2, 1);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    None
}

/// The mark `$$` or `$tag$` that opens a text at `at`. `$1` is a parameter, and a dollar inside a name is part of it.
fn dollar_mark(text: &str, at: usize) -> Option<&str> {
    let bytes = text.as_bytes();
    if at > 0 && is_word(bytes[at - 1]) {
        return None;
    }
    let length = bytes[at + 1..].iter().position(|byte| !is_word(*byte))?;
    let end = at + 1 + length;
    let is_tag = length == 0 || !bytes[at + 1].is_ascii_digit();
    (bytes[end] == b'$' && is_tag).then(|| &text[at..=end])
}

/// Whether a byte is part of a name; those beyond ASCII are of letters.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn statements(text: &str) -> Vec<&str> {
        let texts = split(text).items.into_iter().map(|item| match item {
            Item::Command(text) | Item::Statement(text) => text,
        });
        texts.collect()
    }

    #[test]
    fn statements_end_where_the_engine_ends_them() {
        for (text, expected) in [
            ("select 1; select 2;", vec!["select 1", "select 2"]),
            (";;\n;", vec![]),
            ("select ';' || ';''' ;", vec!["select ';' || ';'''"]),
            (r"select E'\';' ; select 'a\';", vec![r"select E'\';'", r"select 'a\'"]),
            ("select me'x\\'; y;", vec!["select me'x\\'", "y"]),
            ("select \"a;\"\"b\";", vec!["select \"a;\"\"b\""]),
            ("select 1 -- no; end\n, 2;", vec!["select 1 -- no; end\n, 2"]),
            ("-- first;\n/* ; /* ; */ ; */ select 1;", vec!["select 1"]),
            ("select $$;'$$, $a$ $$; $a$, a$b$c; d;", vec!["select $$;'$$, $a$ $$; $a$, a$b$c", "d"]),
            ("select $1; select 2;", vec!["select $1", "select 2"]),
            (
                ".mode csv\nselect 1;\\d spans\n quit;\nEXIT",
                vec![".mode csv", "select 1", "\\d spans", "quit;", "EXIT"],
            ),
            ("select\n.5;", vec!["select\n.5"]),
        ] {
            assert_eq!(statements(text), expected, "{text}");
            assert_eq!(split(text).rest, "", "{text}");
        }
    }

    #[test]
    fn what_is_open_is_told() {
        for (text, rest, open) in [
            ("select 1;\n  ", "", Open::Nothing),
            ("select 1; -- done", "", Open::Nothing),
            ("select 1; select (2)", "select (2)", Open::Statement),
            ("select (2", "select (2", Open::Parenthesis),
            ("select ('2;", "select ('2;", Open::Text),
            ("select \"2;", "select \"2;", Open::Name),
            ("select $x$ ; $$", "select $x$ ; $$", Open::Dollar),
            ("a; /* /* ; */", "/* /* ; */", Open::Comment),
            ("select /* ;", "select /* ;", Open::Comment),
        ] {
            let parts = split(text);
            assert_eq!((parts.rest, parts.open), (rest, open), "{text}");
        }
    }

    #[test]
    fn places_are_those_of_the_script() {
        let text = "select 1;\n\n /* é */ select\n2;";
        let placed: Vec<String> = statements(text).into_iter().map(|item| in_its_place(text, item)).collect();
        assert_eq!(placed, ["select 1", "\n\n         select\n2"]);
    }

    /// Pieces that a statement can go on with, each closed in itself.
    fn piece() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            " ",
            "\n",
            "x",
            "e",
            "E",
            "é",
            "1",
            ".5",
            "(",
            ")",
            "$1",
            "a$b",
            "- ",
            "/ ",
            "*",
            " 'a;''b' ",
            " e'\\';\\\\' ",
            "'\\'",
            " \"c;\"\"\" ",
            "--d;'\n",
            "/*;/*'*/\"*/",
            " $$;'--$$ ",
            " $t$;$$/*$t$ ",
            "\\",
            "::int",
        ])
    }

    fn statement() -> impl Strategy<Value = String> {
        // A name before a quote or a dollar changes what that means, so that pieces which begin with one stand behind a space.
        prop::collection::vec(piece(), 0..12).prop_map(|pieces| format!("select {}", pieces.join(" ")))
    }

    proptest! {
        #[test]
        fn joined_statements_come_apart_again(written in prop::collection::vec(statement(), 0..6)) {
            let text: String = written.iter().map(|statement| format!("{statement};")).collect();
            let expected: Vec<&str> = written.iter().map(|statement| statement.trim()).collect();
            prop_assert_eq!(statements(&text), expected);
            prop_assert_eq!(split(&text).open, Open::Nothing);
        }

        #[test]
        fn any_text_is_taken_apart_without_loss(text in "[a-z'\"$;/*\\-(). \\\\\n🦀]{0,60}") {
            let parts = split(&text);
            prop_assert!(text.ends_with(parts.rest));
            // What is typed on changes nothing of what was complete before.
            let longer = format!("{text} x");
            let more = split(&longer);
            for (one, another) in parts.items.iter().zip(&more.items) {
                let is_last_line = matches!(one, Item::Command(line) if text.trim_end().ends_with(line));
                prop_assert!(is_last_line || one == another, "{:?} {:?}", one, another);
            }
        }
    }
}
