//! How large a statement may be: what it takes to plan one grows with its depth and with how often it names tables, and no limit on
//! time stops a planner at work. The text is measured before it is parsed, because a tree that is too deep costs the whole stack.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, Visit as _, Visitor};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::QueryError;

/// Longest statement.
const BYTES_MAX: usize = 1024 * 1024;

/// Most words, numbers, texts and signs of a statement: a list of 25,000 ids.
const TOKENS_MAX: usize = 50_000;

/// Longest chain of operators, set operations and joins: each link is one level of the tree that is planned.
const CHAIN_MAX: usize = 300;

/// How often tables may be read, parts of WITH written out wherever they are named.
const TABLES_MAX: u64 = 100;

/// As how many tables the largest view counts.
const TOOL_CALLS_WEIGHT: u64 = 10;

/// Refuses a text that is too long, or whose tree would be too deep.
pub(super) fn check_text(sql: &str) -> Result<(), QueryError> {
    if sql.len() > BYTES_MAX {
        return Err(too_long(format!("it has {} KiB, at most {} fit", sql.len() / 1024, BYTES_MAX / 1024)));
    }
    // What has no tokens is told by the parser, which says where.
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize() else { return Ok(()) };
    let tokens: Vec<&Token> = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    if tokens.len() > TOKENS_MAX {
        return Err(too_long(format!("it has {} words and signs, at most {TOKENS_MAX} fit", tokens.len())));
    }
    if longest_chain(&tokens) > CHAIN_MAX {
        return Err(QueryError::statement_with_hint(
            format!(
                "the statement nests too deep: more than {CHAIN_MAX} parentheses, operators, joins or set operations on one another"
            ),
            "split it with WITH; write many alternatives as x IN (…) or as one pattern (a|b|c), many rows as VALUES, and sums with sum()",
        ));
    }
    Ok(())
}

fn too_long(how: String) -> QueryError {
    QueryError::statement_with_hint(
        format!("the statement is too long: {how}"),
        "find rows by a condition or a subquery rather than by a list of them",
    )
}

/// A bound on the depth of the tree: links of the open parentheses together.
fn longest_chain(tokens: &[&Token]) -> usize {
    /// Links of one pair of parentheses. AND and OR end what they join, a comma ends an expression, and neither ends a set operation or
    /// a join.
    #[derive(Default)]
    struct Level {
        operators: usize,
        conditions: usize,
        clauses: usize,
    }
    let mut levels = vec![Level::default()];
    let (mut open, mut longest) = (0, 0);
    for token in tokens {
        let Some(level) = levels.last_mut() else { return longest };
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                open += 1;
                levels.push(Level { operators: 1, ..Level::default() });
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                open -= level.operators + level.conditions + level.clauses;
                levels.pop();
                if levels.is_empty() {
                    // More closed than opened: the parser says so.
                    return longest;
                }
            }
            Token::Comma => {
                open -= level.operators + level.conditions;
                (level.operators, level.conditions) = (0, 0);
            }
            Token::Word(word) if matches!(word.keyword, Keyword::AND | Keyword::OR) => {
                open -= level.operators;
                level.operators = 0;
                level.conditions += 1;
                open += 1;
            }
            Token::Word(word)
                if matches!(word.keyword, Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::JOIN) =>
            {
                level.clauses += 1;
                open += 1;
            }
            Token::Word(word) if !matches!(word.keyword, Keyword::NOT | Keyword::IS | Keyword::LIKE) => {}
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::DollarQuotedString(_)
            | Token::Period
            | Token::SemiColon
            | Token::EOF => {}
            _ => {
                level.operators += 1;
                open += 1;
            }
        }
        longest = longest.max(open);
    }
    longest
}

/// Refuses a statement that reads tables more often than can be planned.
pub(super) fn check_tables(query: &Query) -> Result<(), QueryError> {
    let mut weights = Weights::default();
    let _: ControlFlow<()> = query.visit(&mut weights);
    if weights.total > TABLES_MAX {
        return Err(QueryError::statement_with_hint(
            format!(
                "the statement reads tables more than {TABLES_MAX} times, parts of WITH written out wherever they are named"
            ),
            "name a part of WITH less often, or count with GROUP BY and FILTER instead of joining again",
        ));
    }
    Ok(())
}

/// Counts tables: a part of WITH stands for all that it reads, each time it is named.
#[derive(Default)]
struct Weights {
    /// The queries that the visit is inside of.
    open: Vec<Open>,
    total: u64,
}

#[derive(Default)]
struct Open {
    /// Where the parts of its WITH are, and their names.
    parts: HashMap<usize, String>,
    /// Tables that the parts stand for, as far as they are known.
    known: HashMap<String, u64>,
    /// Which query it is.
    place: usize,
    tables: u64,
}

fn place(query: &Query) -> usize {
    std::ptr::from_ref(query).addr()
}

impl Visitor for Weights {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let parts = query.with.iter().flat_map(|with| &with.cte_tables);
        let parts = parts.map(|part| (place(&part.query), part.alias.name.value.to_lowercase())).collect();
        self.open.push(Open { parts, place: place(query), ..Open::default() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        let Some(done) = self.open.pop() else { return ControlFlow::Continue(()) };
        match self.open.last_mut() {
            None => self.total = self.total.saturating_add(done.tables),
            Some(outer) => match outer.parts.get(&done.place) {
                Some(name) => drop(outer.known.insert(name.clone(), done.tables.max(1))),
                None => outer.tables = outer.tables.saturating_add(done.tables),
            },
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = relation.to_string().to_lowercase();
        let own = if name == "tool_calls" { TOOL_CALLS_WEIGHT } else { 1 };
        let weight = self.open.iter().rev().find_map(|open| open.known.get(&name)).copied().unwrap_or(own);
        if let Some(open) = self.open.last_mut() {
            open.tables = open.tables.saturating_add(weight);
        }
        ControlFlow::Continue(())
    }
}
