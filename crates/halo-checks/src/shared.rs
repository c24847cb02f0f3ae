//! Pieces of SQL that many checks build on: a run makes each of them a table once, and the checks read that. What a finding says stays the whole
//! statement, which stands alone.

use crate::catalogue::{Check, expand};

/// What a piece is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Of all traces together: what is usual.
    OfAll,
    /// Of each trace by itself, so that a part of the dataset has its own.
    OfTraces,
}

/// The pieces, those first that others are made of; and what each of them needs.
const PIECES: &[(&str, &[&str], Tables)] = &[
    ("usual_runs", &[], Tables::OfAll),
    ("usual_calls", &[], Tables::OfAll),
    ("stuck_results", &[], Tables::OfAll),
    ("definitions", &[], Tables::OfAll),
    ("calls", &[], Tables::OfTraces),
    ("answers", &[], Tables::OfTraces),
    ("requested", &[], Tables::OfTraces),
    ("last_replies", &[], Tables::OfTraces),
    ("instructions", &[], Tables::OfTraces),
    ("history_drops", &[], Tables::OfTraces),
    ("broken", &["calls"], Tables::OfTraces),
    ("repeating", &["calls"], Tables::OfTraces),
    ("unfinished", &["last_replies"], Tables::OfTraces),
];

/// A piece that may be a table.
pub(crate) struct Piece {
    pub(crate) name: &'static str,
    /// Name of its table.
    pub(crate) table: String,
    /// What gives its rows.
    pub(crate) statement: String,
}

/// The pieces of a kind that any of these checks needs, in the order in which they can be made.
pub(crate) fn pieces(checks: &[Check], kind: Tables) -> Vec<Piece> {
    let all: Vec<&str> = PIECES.iter().map(|(name, ..)| *name).collect();
    let over: Vec<String> = checks.iter().map(|check| over_tables(&check.sql, &all)).collect();
    let pieces = PIECES.iter().filter(|(_, _, of)| *of == kind).map(|(name, ..)| Piece {
        name,
        table: table_of(name),
        statement: format!("WITH {}\nSELECT * FROM {name}", written_out(name)),
    });
    pieces.filter(|piece| over.iter().any(|sql| sql.contains(&piece.table))).collect()
}

/// A statement over the tables of the pieces that are `made`, where it has them in it. Those first that hold others.
pub(crate) fn over_tables(sql: &str, made: &[&str]) -> String {
    let select = |piece: &str| format!("{piece} AS (SELECT * FROM {})", table_of(piece));
    let pieces = PIECES
        .iter()
        .rev()
        .filter(|(name, needs, _)| [name].into_iter().chain(*needs).all(|piece| made.contains(piece)));
    pieces.fold(sql.to_owned(), |sql, (piece, needs, _)| {
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
        let timeouts = over_tables(sql("timeouts"), &["calls", "broken"]);
        assert!(
            timeouts.starts_with(
                "WITH calls AS (SELECT * FROM shared_calls),\nbroken AS (SELECT * FROM shared_broken)\nSELECT trace_id"
            ),
            "{timeouts}"
        );
        let without_broken = over_tables(sql("timeouts"), &["calls"]);
        assert!(
            without_broken.starts_with("WITH calls AS (SELECT * FROM shared_calls),\nends AS ("),
            "{without_broken}"
        );
        assert_eq!(over_tables(sql("timeouts"), &[]), *sql("timeouts"));
        let names = |kind| pieces(&checks, kind).iter().map(|piece| piece.name).collect::<Vec<_>>();
        assert_eq!(names(Tables::OfAll), ["usual_runs", "usual_calls", "stuck_results", "definitions"]);
        assert_eq!(
            names(Tables::OfTraces),
            [
                "calls",
                "answers",
                "requested",
                "last_replies",
                "instructions",
                "history_drops",
                "broken",
                "repeating",
                "unfinished",
            ]
        );
        // Nobody needs what nobody reads.
        let orphans: Vec<Check> = checks.into_iter().filter(|check| check.name == "orphan_spans").collect();
        assert_eq!(pieces(&orphans, Tables::OfTraces).len(), 0);
    }
}
