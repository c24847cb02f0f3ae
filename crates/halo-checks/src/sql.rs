//! Small pieces of SQL, built so that no text of a trace can end a literal.

/// A text as a SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Several texts as the list after `IN`.
pub(crate) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let literals: Vec<String> = texts.into_iter().map(literal).collect();
    format!("({})", literals.join(", "))
}

/// Whether these are the traces of one subject.
pub(crate) fn is_of_subject(sql: &str) -> bool {
    sql.rsplit_once(HITS).is_some_and(|(_, condition)| condition.trim_start().starts_with(OF_SUBJECT))
}

/// Whether these are all traces of a check, of no one subject or group.
pub(crate) fn is_of_all(sql: &str) -> bool {
    sql.ends_with(HITS)
}

/// The condition on one subject, which its literal follows.
const OF_SUBJECT: &str = "WHERE subject = ";

/// The end of what is narrowed.
const HITS: &str = "\n) AS hits";

/// The traces of a statement, each once, narrowed by a condition on its rows.
pub(crate) fn distinct_traces(sql: &str, condition: Option<&str>) -> String {
    let sql = statement(sql);
    match condition {
        Some(condition) => format!("SELECT DISTINCT trace_id FROM (\n{sql}\n) AS hits\nWHERE {condition}"),
        None => format!("SELECT DISTINCT trace_id FROM (\n{sql}\n) AS hits"),
    }
}

/// The end of what is narrowed to a group of traces.
const FOUND: &str = "\n) AS found\nWHERE trace_id IN (SELECT trace_id FROM traces WHERE ";

/// Those traces of a statement that meet a condition on `traces`.
pub(crate) fn within_traces(sql: &str, condition: &str) -> String {
    format!("SELECT trace_id FROM (\n{}{FOUND}{condition})", statement(sql))
}

/// Whether these are the traces of one group.
pub(crate) fn is_of_group(sql: &str) -> bool {
    sql.contains(FOUND)
}

/// The traces of a statement, each once, to be counted under a limit on rows. Grouped with a count rather than DISTINCT: the engine
/// can't stop a DISTINCT over windows early, and fails when it is given a limit.
pub(crate) fn counted_traces(sql: &str) -> String {
    format!("SELECT trace_id, count(*) AS hits FROM (\n{}\n) AS hits GROUP BY trace_id", statement(sql))
}

/// A statement without the semicolon that people end it with, so that it can stand in another.
pub(crate) fn statement(sql: &str) -> &str {
    sql.trim().trim_end_matches(';').trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_can_not_be_ended_from_inside() {
        assert_eq!(literal("it's'; DROP"), "'it''s''; DROP'");
        assert_eq!(list(["a", "b'"]), "('a', 'b''')");
        assert_eq!(
            distinct_traces("SELECT 1 ; ", Some("subject = 'x'")),
            "SELECT DISTINCT trace_id FROM (\nSELECT 1\n) AS hits\nWHERE subject = 'x'"
        );
    }
}
