//! Pieces of SQL that many checks build on: a run makes each of them a table once, and the checks read that. What a finding says stays the whole
//! statement, which stands alone.

use crate::catalogue::{Check, expand};

/// The pieces, those first that others are made of; and what each of them needs.
const PIECES: &[(&str, &[&str])] = &[("calls", &[]), ("answers", &[]), ("broken", &["calls"])];

/// Name and statement of the tables that any of these checks needs, in the order in which they can be made.
pub(crate) fn tables(checks: &[Check]) -> Vec<(String, String)> {
    let statements: Vec<String> = checks.iter().map(|check| over_tables(&check.sql)).collect();
    let is_needed = |table: &str| statements.iter().any(|sql| sql.contains(table));
    let all = PIECES.iter().enumerate().map(|(index, (piece, _))| {
        let statement = format!("WITH {}\nSELECT * FROM {piece}", written_out(piece));
        (table_of(piece), over(&statement, &PIECES[..index]))
    });
    all.filter(|(table, _)| is_needed(table)).collect()
}

/// A statement over the tables, where it has a piece in it.
pub(crate) fn over_tables(sql: &str) -> String {
    over(sql, PIECES)
}

/// Those first that hold others.
fn over(sql: &str, pieces: &[(&str, &[&str])]) -> String {
    let select = |piece: &str| format!("{piece} AS (SELECT * FROM {})", table_of(piece));
    pieces.iter().rev().fold(sql.to_owned(), |sql, (piece, needs)| {
        let selects: Vec<String> = needs.iter().chain([piece]).map(|piece| select(piece)).collect();
        sql.replace(&written_out(piece), &selects.join(",\n"))
    })
}

fn written_out(piece: &str) -> String {
    expand(&format!("{{{{{piece}}}}}"))
}

fn table_of(piece: &str) -> String {
    format!("shared_{piece}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::built_in_checks;

    #[test]
    fn checks_read_tables_and_say_what_those_are_made_of() {
        let checks = built_in_checks().expect("the catalogue parses");
        let sql = |name: &str| &checks.iter().find(|check| check.name == name).expect("there is such a check").sql;
        let timeouts = over_tables(sql("timeouts"));
        assert!(
            timeouts.starts_with(
                "WITH calls AS (SELECT * FROM shared_calls),\nbroken AS (SELECT * FROM shared_broken)\nSELECT trace_id"
            ),
            "{timeouts}"
        );
        assert_eq!(over_tables(sql("orphan_spans")), *sql("orphan_spans"));
        let tables = tables(&checks);
        let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["shared_calls", "shared_answers", "shared_broken"]);
        assert!(tables[2].1.starts_with("WITH calls AS (SELECT * FROM shared_calls),\nends AS ("), "{}", tables[2].1);
        assert!(tables[2].1.ends_with("\nSELECT * FROM broken"));
        // Nobody needs what nobody reads.
        let orphans: Vec<Check> = checks.into_iter().filter(|check| check.name == "orphan_spans").collect();
        assert_eq!(super::tables(&orphans), []);
    }
}
