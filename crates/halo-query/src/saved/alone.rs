//! Statements that outlive the run: saved tables are written into them as what they are made of.

use datafusion::sql::parser::Statement;

use super::Saved;
use crate::guard::{self, Checked};
use crate::{QueryError, TraceSession};

impl TraceSession {
    /// The same statement without saved tables: each stands in it as the query that made it. A report is read, and its queries run again,
    /// where these tables are not.
    ///
    /// # Errors
    /// It reads a table that no query made, such as a model's answers about rows.
    pub fn standing_alone(&self, sql: &str) -> Result<String, QueryError> {
        let sql = sql.trim().trim_end_matches(';').trim_end();
        // What is wrong with it, whoever runs it is told.
        let Ok(Checked::Query(statement)) = guard::check(sql) else {
            return Ok(sql.to_owned());
        };
        let mut needed: Vec<(String, String)> = Vec::new();
        self.collect(&statement, &mut needed)?;
        if needed.is_empty() {
            return Ok(sql.to_owned());
        }
        let definitions: Vec<String> = needed.iter().map(|(name, query)| format!("{name} AS (\n{query}\n)")).collect();
        let definitions = definitions.join(", ");
        // A statement that begins with WITH has definitions of its own, which may read these.
        let with = without_word(sql, "with");
        let recursive = with.and_then(|rest| without_word(rest, "recursive"));
        Ok(match (recursive, with) {
            (Some(rest), _) => format!("WITH RECURSIVE {definitions}, {rest}"),
            (None, Some(rest)) => format!("WITH {definitions}, {rest}"),
            (None, None) => format!("WITH {definitions}\n{sql}"),
        })
    }

    /// Adds the saved tables that a statement reads. What each was made of stood alone when it was saved: a table that it read may have been
    /// replaced since, also by this one.
    fn collect(&self, statement: &Statement, needed: &mut Vec<(String, String)>) -> Result<(), QueryError> {
        let read = self.shared.context.state().resolve_table_references(statement);
        for reference in read.unwrap_or_default() {
            let name = reference.table().to_owned();
            if needed.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let saved = self.shared.saved.lock().get(&name).cloned();
            let Some(Saved { query, .. }) = saved else {
                continue;
            };
            if query.trim().is_empty() {
                return Err(QueryError::statement_with_hint(
                    format!("`{name}` holds a model's answers, which are only in this run"),
                    "select from it with the sql tool, and write the trace ids into this statement: WHERE trace_id IN (…)",
                ));
            }
            needed.push((name, query));
        }
        Ok(())
    }
}

/// What follows a word at the beginning of a text.
fn without_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    let rest = text.get(word.len()..)?;
    (head.eq_ignore_ascii_case(word) && rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
}
