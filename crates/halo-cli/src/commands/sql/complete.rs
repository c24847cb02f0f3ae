//! What can be typed next: names that fit what is there, the likeliest first.

use halo_query::Format;

use super::dot;
use super::split::{self, Open};

/// A table and its columns.
type Table = (&'static str, Vec<&'static str>);

/// Names that statements are made of.
pub(super) struct Names {
    /// Tables and their columns.
    pub(super) tables: Vec<Table>,
    /// Functions, without signs.
    pub(super) functions: Vec<String>,
}

/// Where a word begins, and the words that it may become.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidates {
    /// Byte position in the text before the cursor.
    pub(super) start: usize,
    pub(super) words: Vec<String>,
}

const KEYWORDS: &[&str] = &[
    "ALL",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CROSS JOIN",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "FALSE",
    "FILTER",
    "FROM",
    "FULL JOIN",
    "GROUP BY",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER JOIN",
    "INTERSECT",
    "INTERVAL",
    "IS NOT NULL",
    "IS NULL",
    "JOIN",
    "LATERAL",
    "LEFT JOIN",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "NULLS FIRST",
    "NULLS LAST",
    "OFFSET",
    "ON",
    "OR",
    "ORDER BY",
    "OVER",
    "PARTITION BY",
    "RIGHT JOIN",
    "ROLLUP",
    "ROWS",
    "SELECT",
    "THEN",
    "TRUE",
    "TRY_CAST",
    "UNION ALL",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "WITHIN GROUP",
];

/// Words that a statement begins with.
const FIRST: &[&str] =
    &["SELECT", "WITH", "DESCRIBE", "SHOW TABLES", "SHOW FUNCTIONS", "EXPLAIN", "EXPLAIN ANALYZE", "VALUES"];

/// Words after which only a table makes sense.
const BEFORE_TABLES: &[&str] = &["from", "join", "describe", "desc"];

/// What can stand at the cursor, which is between `before` and `after`.
pub(super) fn candidates(names: &Names, before: &str, after: &str) -> Candidates {
    let parts = split::split(before);
    if let Some(split::Item::Command(line)) =
        parts.items.last().filter(|_| parts.rest.is_empty() && !before.ends_with('\n'))
    {
        return command(names, before, line);
    }
    let start =
        before.rfind(|c: char| !is_name(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    let statement_start = before.len() - parts.rest.len();
    let is_inside = matches!(parts.open, Open::Text | Open::Dollar | Open::Comment | Open::Name)
        || before[before.rfind('\n').map_or(0, |at| at + 1).max(statement_start.min(before.len()))..].contains("--");
    if is_inside {
        return Candidates { start, words: Vec::new() };
    }
    let statement = format!("{}{}", parts.rest, &after[..after.find(';').unwrap_or(after.len())]);
    let mentioned = tables_of(names, &statement);
    let words = match before[..start].strip_suffix('.') {
        Some(owner) => columns_of(names, &mentioned, owner),
        None => anything(names, &mentioned, &before[statement_start.min(start)..start], word),
    };
    Candidates { start, words: fitting(words, word) }
}

/// Tables that a statement names, each with the name it goes by there.
fn tables_of<'n>(names: &'n Names, statement: &str) -> Vec<(String, &'n Table)> {
    let words: Vec<&str> =
        statement.split(|c: char| !is_name(c) && c != ',' && c != '(').filter(|word| !word.is_empty()).collect();
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let Some(table) = names.tables.iter().find(|table| table.0.eq_ignore_ascii_case(word.trim_matches([',', '('])))
        else {
            continue;
        };
        let mut next = words[index + 1..].iter().filter(|word| !word.eq_ignore_ascii_case("as"));
        let alias = match next.next() {
            _ if word.ends_with(',') => None,
            Some(word) if !is_keyword(word) => Some(word.trim_end_matches(',').to_owned()),
            _ => None,
        };
        found.push((alias.unwrap_or_else(|| table.0.to_owned()), table));
    }
    found
}

fn columns_of(names: &Names, mentioned: &[(String, &Table)], owner: &str) -> Vec<String> {
    let owner = &owner[owner.rfind(|c: char| !is_name(c)).map_or(0, |at| at + 1)..];
    let by_alias = mentioned.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(owner)).map(|(_, table)| *table);
    let table = by_alias.or_else(|| names.tables.iter().find(|table| table.0.eq_ignore_ascii_case(owner)));
    table.map_or_else(Vec::new, |(_, columns)| columns.iter().map(|column| (*column).to_owned()).collect())
}

/// Columns of the tables in the statement, or of all when it names none yet, after them tables, keywords and functions.
fn anything(names: &Names, mentioned: &[(String, &Table)], before_word: &str, word: &str) -> Vec<String> {
    let tables = names.tables.iter().map(|table| table.0.to_owned());
    let last = before_word.split(|c: char| !is_name(c)).rfind(|word| !word.is_empty()).unwrap_or_default();
    if BEFORE_TABLES.iter().any(|known| known.eq_ignore_ascii_case(last)) && before_word.ends_with(char::is_whitespace)
    {
        return tables.collect();
    }
    // Keywords as the user writes them.
    let is_upper = word.starts_with(|c: char| c.is_ascii_uppercase());
    let spelled = |word: &&str| if is_upper { (*word).to_owned() } else { word.to_ascii_lowercase() };
    if before_word.trim().is_empty() {
        return FIRST.iter().map(spelled).collect();
    }
    let columns = |table: &Table| table.1.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>();
    let all_columns = || names.tables.iter().flat_map(columns);
    let mut words: Vec<String> = mentioned.iter().flat_map(|(_, table)| columns(table)).collect();
    words.extend(tables);
    if mentioned.is_empty() {
        words.extend(all_columns());
    }
    words.extend(KEYWORDS.iter().map(spelled));
    words.extend(names.functions.iter().map(|function| format!("{function}(")));
    words.extend(all_columns());
    words
}

/// Completes a command and its argument.
fn command(names: &Names, before: &str, line: &str) -> Candidates {
    let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = &before[start..];
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let words = match line.split_whitespace().next() {
        // The command itself.
        Some(first) if first == word => owned(dot::WORDS),
        Some(".schema" | "\\d") => names.tables.iter().map(|table| table.0.to_owned()).collect(),
        Some(".mode") => Format::ALL.into_iter().map(|format| format.name().to_owned()).collect(),
        Some(".timing" | ".pager" | "\\timing") => owned(&["on", "off"]),
        Some(".functions" | "\\df") => names.functions.clone(),
        _ => Vec::new(),
    };
    Candidates { start, words: fitting(words, word) }
}

/// Words that begin so, each once.
fn fitting(words: Vec<String>, start: &str) -> Vec<String> {
    let start = start.to_ascii_lowercase();
    let mut seen = std::collections::HashSet::new();
    let fits = |word: &String| word.to_ascii_lowercase().starts_with(&start) && seen.insert(word.clone());
    words.into_iter().filter(fits).collect()
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|known| known.split(' ').any(|part| part.eq_ignore_ascii_case(word)))
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names {
            tables: vec![
                ("spans", vec!["span_id", "name", "status", "output"]),
                ("traces", vec!["trace_id", "start_time", "outcome"]),
            ],
            functions: vec!["sum".to_owned(), "starts_with".to_owned(), "json_get".to_owned()],
        }
    }

    /// Completes at the bar.
    fn at(text: &str) -> String {
        let (before, after) = text.split_once('|').unwrap();
        candidates(&names(), before, after).words.join(" ")
    }

    #[test]
    fn names_by_where_they_stand() {
        let told: Vec<String> = [
            "sel|",
            "SEL|",
            "select s| from spans",
            "select s|",
            "select * from |",
            "select * from tr|",
            "select * from spans where st|",
            "select s.| from spans s join traces as t on true",
            "select t.o| from spans s join traces as t on true",
            "select traces.| from traces",
            "select nobody.| from traces",
            "select j|",
            "select 1; desc|",
            "select 'st|",
            "select 1 -- st|",
            "select st| from spans; select 1 from traces",
            ".m|",
            ".mode |",
            ".schema t|",
            "\\d sp|",
            ".timing o|",
            ".functions js|",
            ".read x|",
            "|",
        ]
        .into_iter()
        .map(|text| format!("{text}: {}", at(text)))
        .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_word_is_replaced_from_its_start() {
        let found = candidates(&names(), "select é, sta", "");
        assert_eq!((found.start, found.words[0].as_str()), ("select é, ".len(), "status"));
    }
}
