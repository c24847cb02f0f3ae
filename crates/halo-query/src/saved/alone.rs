//! Statements that outlive the run: saved tables are written into them as what they are made of.

use datafusion::sql::parser::Statement;

use super::Definition;
use crate::guard::{self, Checked};
use crate::{QueryError, TraceSession};

impl TraceSession {
    /// The same statement without saved tables: each stands in it as the query that made it. A report is read, and its queries run again,
    /// where these tables are not.
    ///
    /// # Errors
    /// It reads a table that no query made, such as a model's answers about rows, or tables that were made of different ones of one name.
    pub fn standing_alone(&self, sql: &str) -> Result<String, QueryError> {
        let sql = sql.trim().trim_end_matches(';').trim_end();
        // What is wrong with it, whoever runs it is told.
        let Ok(Checked::Query(statement)) = guard::check(sql) else {
            return Ok(sql.to_owned());
        };
        let needed = self.definitions_of(&statement)?;
        if needed.is_empty() {
            return Ok(sql.to_owned());
        }
        let definitions: Vec<String> =
            needed.iter().map(|Definition { name, query }| format!("{name} AS (\n{query}\n)")).collect();
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

    /// What a table of this name is made of when this statement makes it; empty when that can't be said.
    pub(super) fn definitions_with(&self, name: &str, sql: &str) -> Vec<Definition> {
        let query = sql.trim().trim_end_matches(';').trim_end();
        let Ok(Checked::Query(statement)) = guard::check(query) else {
            return Vec::new();
        };
        let mut definitions = match self.definitions_of(&statement) {
            Ok(definitions) => definitions,
            Err(_) => return Vec::new(),
        };
        // Made of itself, it would need two definitions of one name.
        if definitions.iter().any(|known| known.name == name) {
            return Vec::new();
        }
        definitions.push(Definition { name: name.to_owned(), query: query.to_owned() });
        definitions
    }

    /// What the saved tables that a statement reads are made of, those first that others are made of. As they were when they were saved: a
    /// table may have been replaced since.
    fn definitions_of(&self, statement: &Statement) -> Result<Vec<Definition>, QueryError> {
        let read = self.shared.context.state().resolve_table_references(statement).unwrap_or_default();
        let saved = self.shared.saved.lock();
        let mut needed: Vec<Definition> = Vec::new();
        for reference in &read {
            let name = reference.table();
            let Some(table) = saved.get(name) else {
                continue;
            };
            if table.definitions.is_empty() {
                return Err(QueryError::statement_with_hint(
                    format!("what `{name}` is made of is only in this run"),
                    "select from it with the sql tool, and write the trace ids into this statement: WHERE trace_id IN (…)",
                ));
            }
            for definition in &table.definitions {
                match needed.iter().find(|known| known.name == definition.name) {
                    None => needed.push(definition.clone()),
                    Some(known) if known == definition => {}
                    Some(_) => {
                        return Err(QueryError::statement_with_hint(
                            format!("it reads tables that were made of different tables named `{}`", definition.name),
                            "save the tables again from what there is now",
                        ));
                    }
                }
            }
        }
        Ok(needed)
    }
}

/// What follows a word at the beginning of a text.
fn without_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    let rest = text.get(word.len()..)?;
    (head.eq_ignore_ascii_case(word) && rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
}
