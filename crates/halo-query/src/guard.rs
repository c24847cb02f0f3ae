//! What may run: exactly one statement, and one that only reads.

use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SQLOptions;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{self, DescribeAlias, SetExpr, ShowStatementFilter};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;

use crate::{QueryError, engine_error};

/// How deep parentheses, subqueries and operators may nest. Deeper statements are machine-made, and cost stack.
const NESTING_MAX: usize = 100;

const ONLY_READS: &str =
    "a dataset is read-only: write one SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES or DESCRIBE statement";

/// A statement that may run.
#[derive(Debug)]
pub(crate) enum Checked {
    /// A query for the engine.
    Query(Box<Statement>),
    /// `SHOW TABLES`.
    ShowTables,
    /// `SHOW FUNCTIONS`, all or those whose names fit.
    ShowFunctions {
        /// The pattern of `LIKE`.
        like: Option<String>,
    },
    /// `DESCRIBE table` or `SHOW COLUMNS FROM table`.
    Describe {
        /// The table as it was written.
        table: String,
    },
}

/// Parses a text and lets through one statement that only reads.
pub(crate) fn check(sql: &str) -> Result<Checked, QueryError> {
    let dialect = PostgreSqlDialect {};
    let statements = DFParserBuilder::new(sql)
        .with_dialect(&dialect)
        .with_recursion_limit(NESTING_MAX)
        .build()
        .and_then(|mut parser| parser.parse_statements());
    // What does not parse and begins with a word for writing is refused for that, and not for its grammar.
    let mut statements = statements.map_err(|error| match writing_word(sql) {
        Some(word) => refused(word),
        None => engine_error::syntax(&error),
    })?;
    let count = statements.len();
    let Some(statement) = statements.pop_front() else {
        return Err(QueryError::statement("there is no statement"));
    };
    if count > 1 {
        return Err(QueryError::statement_with_hint(
            format!("there are {count} statements, and only one runs at a time"),
            "send them one by one, or join them with WITH or UNION ALL",
        ));
    }
    checked(statement)
}

fn checked(statement: Statement) -> Result<Checked, QueryError> {
    match &statement {
        Statement::Explain(explain) => match explain.statement.as_ref() {
            Statement::Statement(inner) if is_query(inner) => Ok(Checked::Query(Box::new(statement))),
            inner => Err(refused(&first_word(&inner.to_string()))),
        },
        Statement::Statement(inner) => match inner.as_ref() {
            ast::Statement::ShowTables { .. } => Ok(Checked::ShowTables),
            ast::Statement::ShowFunctions { filter } => match filter {
                None => Ok(Checked::ShowFunctions { like: None }),
                Some(ShowStatementFilter::Like(like) | ShowStatementFilter::ILike(like)) => {
                    Ok(Checked::ShowFunctions { like: Some(like.clone()) })
                }
                Some(_) => Err(QueryError::statement_with_hint(
                    "SHOW FUNCTIONS takes names alone",
                    "write SHOW FUNCTIONS LIKE 'json%'",
                )),
            },
            ast::Statement::ExplainTable {
                describe_alias: DescribeAlias::Describe | DescribeAlias::Desc,
                table_name,
                ..
            } => Ok(Checked::Describe { table: table_name.to_string() }),
            ast::Statement::ShowColumns { show_options, .. } => {
                let table = show_options.show_in.as_ref().and_then(|place| place.parent_name.as_ref());
                match table {
                    Some(table) => Ok(Checked::Describe { table: table.to_string() }),
                    None => Err(QueryError::statement_with_hint(
                        "SHOW COLUMNS names no table",
                        "write SHOW COLUMNS FROM spans",
                    )),
                }
            }
            inner if is_query(inner) => Ok(Checked::Query(Box::new(statement))),
            inner => Err(refused(&first_word(&inner.to_string()))),
        },
        Statement::CreateExternalTable(_) => Err(refused("CREATE EXTERNAL TABLE")),
        Statement::CopyTo(_) => Err(refused("COPY")),
        Statement::Reset(_) => Err(refused("RESET")),
    }
}

/// Makes sure that a plan holds nothing but reading, whatever the text looked like.
pub(crate) fn check_plan(plan: &LogicalPlan) -> Result<(), QueryError> {
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(plan)
        .map_err(|_| QueryError::statement(ONLY_READS))
}

fn is_query(statement: &ast::Statement) -> bool {
    match statement {
        ast::Statement::Query(query) => query_reads(query),
        ast::Statement::Explain { statement, .. } => is_query(statement),
        _ => false,
    }
}

fn query_reads(query: &ast::Query) -> bool {
    let parts = query.with.iter().flat_map(|with| &with.cte_tables);
    parts.map(|part| part.query.as_ref()).all(query_reads) && body_reads(&query.body)
}

fn body_reads(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Query(query) => query_reads(query),
        SetExpr::SetOperation { left, right, .. } => body_reads(left) && body_reads(right),
        SetExpr::Values(_) | SetExpr::Table(_) => true,
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => false,
    }
}

fn refused(word: &str) -> QueryError {
    // A query is refused only for the part of it that writes.
    let subject = match word {
        "SELECT" => "SELECT INTO",
        "WITH" => "a statement that writes inside WITH",
        word => word,
    };
    QueryError::statement(format!("{subject} is refused: {ONLY_READS}"))
}

fn first_word(text: &str) -> String {
    text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_uppercase()
}

/// The word of a text that begins like a statement which writes.
fn writing_word(sql: &str) -> Option<&'static str> {
    const WORDS: &[&str] = &[
        "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER", "TRUNCATE", "COPY", "SET", "RESET", "GRANT",
        "REVOKE", "CALL", "ATTACH", "DETACH", "PRAGMA", "LOAD", "INSTALL", "IMPORT", "EXPORT", "VACUUM", "USE",
    ];
    let word = first_word(sql.trim_start());
    WORDS.iter().find(|known| **known == word).copied()
}
