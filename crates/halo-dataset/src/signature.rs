//! One text for one cause: an error message with everything that varies from run to run replaced by a placeholder.

/// Longest signature, in characters. What follows in a long message is a stack or a payload, not the cause.
const SIGNATURE_CHARS_MAX: usize = 200;

/// Masks ids, numbers, paths, addresses and quoted values of an error message: `order 4711 of "Ann" not found` and
/// `order 12 of "Bo" not found` give the same text. Only the first line that says something counts.
#[must_use]
pub fn error_signature(message: &str) -> String {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut signature = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (placeholder, taken) = next_piece(rest, first, signature.chars().next_back());
        match placeholder {
            Some(text) => signature.push_str(text),
            None => signature.push_str(&rest[..taken]),
        }
        rest = &rest[taken..];
    }
    signature.chars().take(SIGNATURE_CHARS_MAX).collect()
}

/// The placeholder for the beginning of `rest`, or none, and how many bytes it stands for.
fn next_piece(rest: &str, first: char, before: Option<char>) -> (Option<&'static str>, usize) {
    if matches!(first, '"' | '\'' | '`') && !before.is_some_and(char::is_alphanumeric) {
        if let Some(end) = rest[1..].find(first) {
            return (Some("<value>"), end + 2);
        }
        return (None, 1);
    }
    let word_len = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
    if word_len == 0 {
        return (None, first.len_utf8());
    }
    if rest[..word_len].contains("://") {
        // An address goes on over the characters that end a word.
        let end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | '>' | ',')).unwrap_or(rest.len());
        return (Some("<url>"), end);
    }
    // A full stop or colon that ends a sentence belongs to the sentence.
    let word = rest[..word_len].trim_end_matches(['.', ':']);
    if word.is_empty() {
        return (None, word_len);
    }
    (placeholder(word), word.len())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '@' | '\\')
}

fn placeholder(word: &str) -> Option<&'static str> {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    if word.contains('@') && word.contains('.') {
        return Some("<email>");
    }
    if word.starts_with('/') && word.len() > 1 || word.matches('/').count() > 1 || word.contains('\\') {
        return Some("<path>");
    }
    if digits == 0 {
        return None;
    }
    // 4711, 3.21s, 12:30, 128k: numbers, with a unit or not.
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    if word.starts_with(|c: char| c.is_ascii_digit()) && letters <= 2 {
        return Some("<n>");
    }
    // Short words with a digit are names of things (gpt-4o, utf8, HTTP2, p95); long ones are ids.
    let hex = word.chars().all(|c| c.is_ascii_hexdigit() || c == '-') && word.len() >= 6;
    if hex || digits >= 3 || word.len() >= 12 { Some("<id>") } else { None }
}

#[cfg(test)]
mod tests {
    use super::error_signature;

    #[test]
    fn one_cause_one_text() {
        let cases = [
            ("order 4711 of \"Ann\" not found", "order <n> of <value> not found"),
            ("order 12 of \"Bo\" not found", "order <n> of <value> not found"),
            (
                "TimeoutError: tool timed out after 3.21s waiting for host db-4711.internal:5432",
                "TimeoutError: tool timed out after <n> waiting for host <id>",
            ),
            ("No such file: '/srv/a b.py'", "No such file: <value>"),
            ("cannot open /srv/app/x.py: denied", "cannot open <path>: denied"),
            ("see https://api.example.com/v2/x?y=1.", "see <url>"),
            ("\n\n  boom  \nstack", "boom"),
            ("request req_51a0fe failed", "request <id> failed"),
            ("model gpt-4o is overloaded", "model gpt-4o is overloaded"),
            ("don't do that", "don't do that"),
            ("", ""),
        ];
        for (message, expected) in cases {
            assert_eq!(error_signature(message), expected, "{message}");
        }
    }
}
