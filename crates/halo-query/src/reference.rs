//! The page that documents SQL over traces, made from what the tables and functions say of themselves.

use std::fmt::Write as _;

use halo_dataset::Column;

use crate::QueryError;
use crate::function_docs::{self, Group, Listed};
use crate::tables::{TABLES, TableInfo};

const INTRODUCTION: &str = "\
# SQL over traces

<!-- Made by `cargo run -- sql --reference > docs/SQL.md`; a test tells when it is out of date. -->

What `halo sql DATASET` answers: the tables, their columns, and the functions, those of the engine included. Statements are in PostgreSQL's dialect and only
read. In the shell, `.schema spans` and `.functions json` show the same; in SQL, `DESCRIBE spans` and `SHOW FUNCTIONS LIKE 'json%'`.
";

/// The tables and the columns of each, in the order they are told of.
pub fn tables() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    TABLES.iter().map(|table| (table.name, public_columns(table).map(|column| column.name).collect()))
}

/// The page, as Markdown.
///
/// # Errors
/// The engine does not start, which would be a bug.
pub fn reference() -> Result<String, QueryError> {
    let mut page = String::from(INTRODUCTION);
    page.push_str("\n## Tables\n");
    for table in TABLES {
        push_table(&mut page, table);
    }
    page.push_str("\n## Functions\n\nEvery example runs on any dataset.\n");
    let functions = function_docs::listed()?;
    for group in Group::ALL {
        let _ = write!(page, "\n### {}\n\n", group.title());
        functions
            .iter()
            .filter(|function| function.group == group)
            .for_each(|function| push_function(&mut page, function));
    }
    Ok(page)
}

fn push_table(page: &mut String, table: &TableInfo) {
    let _ = write!(page, "\n### {}\n\n{}\n\n| column | type | meaning |\n| --- | --- | --- |\n", table.name, table.doc);
    for column in public_columns(table) {
        let meaning = column.doc.replace('|', "\\|");
        let _ = writeln!(page, "| `{}` | {} | {meaning} |", column.name, column.kind.sql_name());
    }
}

fn public_columns(table: &TableInfo) -> impl Iterator<Item = &'static Column> {
    table.columns.iter().filter(|column| !column.internal)
}

fn push_function(page: &mut String, function: &Listed) {
    let _ = writeln!(page, "- **`{}`** {}", function.signature, function.meaning);
    if !function.example.is_empty() {
        let _ = writeln!(page, "  `{}`", function.example);
    }
}
