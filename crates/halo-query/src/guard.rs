//! What may run: exactly one statement, and one that only reads.

use std::ops::ControlFlow;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SQLOptions;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{self, DescribeAlias, Query, SetExpr, ShowStatementFilter, Visit as _, Visitor};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;

use crate::{QueryError, engine_error};

mod size;

/// How deep parentheses, subqueries and operators may nest. Deeper statements are machine-made, and cost stack.
const NESTING_MAX: usize = 100;

/// The engine's table of its own settings: threads, memory and folders of this machine.
const ENGINE_SETTINGS: &str = "df_settings";

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
    // Files that were saved on Windows begin with this mark.
    let sql = sql.trim_start_matches('\u{feff}');
    size::check_text(sql)?;
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
            Statement::Statement(inner) => {
                check_query(inner)?;
                Ok(Checked::Query(Box::new(statement)))
            }
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
            inner => {
                check_query(inner)?;
                Ok(Checked::Query(Box::new(statement)))
            }
        },
        Statement::CreateExternalTable(_) => Err(refused("CREATE EXTERNAL TABLE")),
        Statement::CopyTo(_) => Err(refused("COPY")),
        Statement::Reset(_) => Err(refused("RESET")),
    }
}

/// Makes sure that a plan holds nothing but reading, whatever the text looked like, and reads nothing that tells of the machine.
pub(crate) fn check_plan(plan: &LogicalPlan) -> Result<(), QueryError> {
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options.verify_plan(plan).map_err(|_| QueryError::statement(ONLY_READS))?;
    let mut settings = None;
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && scan.table_name.table() == ENGINE_SETTINGS
        {
            settings = Some(scan.table_name.to_string());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    match (settings, walked) {
        (Some(name), _) => Err(engine_error::no_table(&name, None, &[])),
        (None, Ok(_)) => Ok(()),
        (None, Err(error)) => Err(QueryError::internal(error.strip_backtrace())),
    }
}

/// Lets through a query that only reads and is not too large.
fn check_query(statement: &ast::Statement) -> Result<(), QueryError> {
    match statement {
        ast::Statement::Query(query) => {
            if let ControlFlow::Break(writing) = query.visit(&mut Reads::default()) {
                return Err(writing);
            }
            size::check_tables(query)
        }
        ast::Statement::Explain { statement, .. } => check_query(statement),
        other => Err(refused(&first_word(&other.to_string()))),
    }
}

/// Finds the part of a query that writes, wherever it stands.
#[derive(Default)]
struct Reads {
    /// How many queries the visit is inside of.
    depth: usize,
}

impl Visitor for Reads {
    type Break = QueryError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        self.depth += 1;
        match body_writes(&query.body) {
            Some("SELECT INTO") => ControlFlow::Break(refused("SELECT INTO")),
            Some(_) if self.depth > 1 => {
                ControlFlow::Break(refused("a statement that writes inside WITH or a subquery"))
            }
            Some(word) => ControlFlow::Break(refused(word)),
            None => ControlFlow::Continue(()),
        }
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<QueryError> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

/// What a query does beside reading, queries inside it left out.
fn body_writes(body: &SetExpr) -> Option<&'static str> {
    match body {
        SetExpr::Select(select) => select.into.as_ref().map(|_| "SELECT INTO"),
        SetExpr::SetOperation { left, right, .. } => body_writes(left).or_else(|| body_writes(right)),
        SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => None,
        SetExpr::Insert(_) => Some("INSERT"),
        SetExpr::Update(_) => Some("UPDATE"),
        SetExpr::Delete(_) => Some("DELETE"),
        SetExpr::Merge(_) => Some("MERGE"),
    }
}

fn refused(word: &str) -> QueryError {
    QueryError::statement(format!("{word} is refused: {ONLY_READS}"))
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
