//! Tells code, comments and literals of a Rust file apart, and the code of tests from the rest.
//!
//! A search for `todo!(` must not trip over a comment or a string that speaks of it. This is a scanner, not a parser: it
//! knows where literals and comments begin and end, and counts braces.

/// A Rust file in views that all have the same lines.
#[derive(Debug)]
pub(crate) struct RustFile {
    /// Path below the workspace.
    pub(crate) path: String,
    /// The file as it is.
    pub(crate) text: String,
    /// Code alone: comments and the content of literals are blank.
    pub(crate) code: String,
    /// Code without items under `#[cfg(test)]`; empty when the whole file is a test.
    pub(crate) product_code: String,
    /// Comments alone.
    pub(crate) comments: String,
    /// Lines without those of items under `#[cfg(test)]`.
    pub(crate) net_lines: usize,
    /// Whether the whole file is a test.
    pub(crate) is_test: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

impl RustFile {
    /// Scans `text`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let pieces = pieces(text);
        let code = view(&pieces, Kind::Code);
        let is_test = is_test(path);
        let (product_code, test_lines) = if is_test { (String::new(), 0) } else { without_test_items(&code) };
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            comments: view(&pieces, Kind::Comment),
            net_lines: text.lines().count() - test_lines,
            code,
            product_code,
            is_test,
        }
    }
}

/// Lines, counted from 1, in which `needle` occurs. Where it starts with a letter, no longer word may end in it.
pub(crate) fn lines_with(text: &str, needle: &str) -> Vec<usize> {
    let found = text.lines().enumerate().filter(|(_, line)| {
        line.match_indices(needle).any(|(at, _)| !(needle.starts_with(is_word) && line[..at].ends_with(is_word)))
    });
    found.map(|(index, _)| index + 1).collect()
}

/// Whether a character may stand in a name.
pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn is_test(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    name == "tests.rs" || folders.split('/').any(|folder| folder == "tests")
}

fn pieces(text: &str) -> Vec<(Kind, &str)> {
    let mut pieces = Vec::new();
    let (mut rest, mut code_bytes) = (text, 0);
    while let Some(character) = rest[code_bytes..].chars().next() {
        match comment_or_literal(&rest[code_bytes..]) {
            Some((kind, bytes)) => {
                let (code, after) = rest.split_at(code_bytes);
                let (piece, after) = after.split_at(bytes);
                pieces.push((Kind::Code, code));
                pieces.push((kind, piece));
                (rest, code_bytes) = (after, 0);
            }
            None => code_bytes += character.len_utf8(),
        }
    }
    pieces.push((Kind::Code, rest));
    pieces
}

/// What starts at the start of `rest`, with its length; none for code.
fn comment_or_literal(rest: &str) -> Option<(Kind, usize)> {
    if rest.starts_with("//") {
        return Some((Kind::Comment, rest.find('\n').unwrap_or(rest.len())));
    }
    if rest.starts_with("/*") {
        return Some((Kind::Comment, block_comment_bytes(rest)));
    }
    if rest.starts_with('"') {
        return Some((Kind::Literal, quoted_bytes(rest, '"')));
    }
    if let Some(after) = rest.strip_prefix('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        return after[hashes..].strip_prefix('"').map(|content| {
            let content_bytes = content.find(&end).map_or(content.len(), |at| at + end.len());
            (Kind::Literal, rest.len() - content.len() + content_bytes)
        });
    }
    if let Some(after) = rest.strip_prefix('\'') {
        let mut characters = after.chars();
        let (first, second) = (characters.next(), characters.next());
        // 'a' is a literal, 'a without a second quote a lifetime.
        let is_literal = first == Some('\\') || second == Some('\'');
        return is_literal.then(|| (Kind::Literal, quoted_bytes(rest, '\'')));
    }
    None
}

fn block_comment_bytes(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(character) = rest[at..].chars().next() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += character.len_utf8();
        }
    }
    rest.len()
}

/// From an opening quote to the closing one, which no backslash stands before.
fn quoted_bytes(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == quote {
            return at + 1;
        }
    }
    rest.len()
}

fn view(pieces: &[(Kind, &str)], kept: Kind) -> String {
    let mut out = String::new();
    for (kind, piece) in pieces {
        if *kind == kept {
            out.push_str(piece);
        } else {
            out.push_str(&blank(piece));
        }
    }
    out
}

fn blank(text: &str) -> String {
    text.chars().map(|character| if character == '\n' { '\n' } else { ' ' }).collect()
}

/// Blanks items under `#[cfg(test)]` and counts their lines.
fn without_test_items(code: &str) -> (String, usize) {
    let mut out = String::new();
    let mut lines = 0;
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, after) = rest.split_at(at);
        let (item, after) = after.split_at(item_bytes(after));
        out.push_str(before);
        out.push_str(&blank(item));
        lines += item.lines().count();
        rest = after;
    }
    out.push_str(rest);
    (out, lines)
}

/// The length of the item that starts here: up to the end of its braces, or up to its semicolon.
fn item_bytes(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && character == '}' {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(text: &str) -> String {
        let code = RustFile::new("crates/halo-x/src/lib.rs", text).code;
        assert_eq!(code.lines().count(), text.lines().count());
        code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        assert_eq!(code_of("a(); // todo!(\nb();"), "a(); b();");
        assert_eq!(code_of("a /* x /* y */ z */ b"), "a b");
        assert_eq!(code_of(r#"a("todo!(\" )", c)"#), "a( , c)");
        assert_eq!(code_of("a(r#\"x \" y\"#, b)"), "a( , b)");
        assert_eq!(code_of("a(b\"x\", br\"y\")"), "a(b , b )");
        assert_eq!(code_of("fn f<'a>(x: &'a str) { '\"' }"), "fn f<'a>(x: &'a str) { }");
        assert_eq!(code_of("x('\\'', 'ä', '\\u{1f600}')"), "x( , , )");
        assert_eq!(code_of("let r#type = rest;"), "let r#type = rest;");
        assert_eq!(code_of("a(\"one\ntwo\");\nb"), "a( ); b");
    }

    #[test]
    fn comments_have_a_view_of_their_own() {
        let file = RustFile::new("src/a.rs", "let x = \"// no\"; // yes\n/* also */ let y = 1;");
        let words: Vec<_> = file.comments.split_whitespace().collect();
        assert_eq!(words, ["//", "yes", "/*", "also", "*/"]);
    }

    #[test]
    fn items_of_tests_are_no_product() {
        let text =
            "fn a() {}\n#[cfg(test)]\nuse b::{c};\n#[cfg(test)]\nmod tests {\n    fn d() { \"}\"; }\n}\nfn e() {}\n";
        let file = RustFile::new("src/a.rs", text);
        assert!(file.product_code.contains("fn a") && file.product_code.contains("fn e"));
        assert!(!file.product_code.contains("fn d") && !file.product_code.contains("use b"));
        assert_eq!(file.net_lines, 2);

        let declared = RustFile::new("src/a.rs", "#[cfg(test)]\nmod tests;\nfn a() {}\n");
        assert!(declared.product_code.contains("fn a"));
        assert_eq!(declared.net_lines, 1);
    }

    #[test]
    fn files_of_tests_are_known_by_their_place() {
        for path in ["crates/halo-x/src/a/tests.rs", "crates/halo-x/tests/it/main.rs"] {
            assert!(RustFile::new(path, "fn a() {}").is_test);
        }
        assert!(!RustFile::new("crates/halo-testkit/src/contests.rs", "").is_test);
    }

    #[test]
    fn words_are_found_whole() {
        assert_eq!(lines_with("eprintln!()\nprintln!()", "println!"), [2]);
        assert_eq!(lines_with("a.unwrap()\nb.unwrap_or()", ".unwrap()"), [1]);
    }
}
