//! Functions over JSON that holds texts that are JSON again, as payloads of traces do: all of them see what a person would read.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, BooleanArray, ListBuilder, StringViewBuilder, StructBuilder};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::{ScalarUDF, Signature, Volatility};

use super::scalar::{Arguments, Function};
use crate::decoded;
use crate::function_docs::{Entry, Group};

pub(super) const MATCHES: Entry = Entry {
    group: Group::Halo,
    name: "json_matches",
    signature: "json_matches(text, pattern)",
    meaning: "Whether a pattern matches a text, or a text inside it where it is JSON, however often it is escaped.",
    example: r#"SELECT span_id FROM spans WHERE json_matches(attributes, 'help the customers') ORDER BY 1"#,
};

pub(super) fn matches() -> ScalarUDF {
    Function::documented(&MATCHES, Signature::string(2, Volatility::Immutable), DataType::Boolean, |arguments| {
        let pattern = arguments.pattern(1)?;
        let found: BooleanArray =
            arguments.texts(0)?.iter().map(|text| text.map(|text| decoded::matches(text, &pattern))).collect();
        Ok(Arc::new(found))
    })
}

pub(super) const AT: Entry = Entry {
    group: Group::Halo,
    name: "json_at",
    signature: "json_at(text, path)",
    meaning: "What stands at a path such as messages[0].content, decoded; objects and lists as JSON. The path leads on into texts that are JSON themselves, and keys may have dots. NULL when nothing is there.",
    example: r#"SELECT json_at('{"body": "{\"llm.model\": {\"name\": \"gpt\"}}"}', 'body.llm.model.name') AS model"#,
};

pub(super) fn at() -> ScalarUDF {
    Function::documented(&AT, Signature::string(2, Volatility::Immutable), DataType::Utf8View, |arguments| {
        let (texts, paths) = (arguments.texts(0)?, arguments.texts(1)?);
        let mut found = StringViewBuilder::with_capacity(texts.len());
        for (text, path) in texts.iter().zip(&paths) {
            found.append_option(text.zip(path).and_then(|(text, path)| decoded::at(text, path)));
        }
        Ok(Arc::new(found.finish()))
    })
}

pub(super) const LEAVES: Entry = Entry {
    group: Group::Halo,
    name: "json_leaves",
    signature: "json_leaves(text)",
    meaning: "All texts, numbers and booleans inside JSON as a list of {path, value}, texts that are JSON opened as well. The paths are those of json_at.",
    example: "SELECT leaf['path'] AS path, count(*) AS spans FROM (SELECT unnest(json_leaves(output)) AS leaf FROM spans WHERE span_type = 'TOOL') AS listed GROUP BY 1 ORDER BY 2 DESC, 1",
};

pub(super) fn leaves() -> ScalarUDF {
    let returns = DataType::new_list(DataType::Struct(leaf_fields()), true);
    Function::documented(&LEAVES, Signature::string(1, Volatility::Immutable), returns, list_leaves)
}

fn leaf_fields() -> Fields {
    Fields::from(vec![Field::new("path", DataType::Utf8View, true), Field::new("value", DataType::Utf8View, true)])
}

fn list_leaves(arguments: &Arguments) -> Result<ArrayRef> {
    // Paths and values are columns of their own here, and rows of the list when all are there.
    let columns = || vec![Box::new(StringViewBuilder::new()) as _, Box::new(StringViewBuilder::new()) as _];
    let mut lists = ListBuilder::new(StructBuilder::new(leaf_fields(), columns()));
    for text in &arguments.texts(0)? {
        if let Some(text) = text {
            decoded::visit_leaves(text, "", &mut |path, leaf| {
                let rows = lists.values();
                for (column, text) in [path, leaf].into_iter().enumerate() {
                    if let Some(column) = rows.field_builder::<StringViewBuilder>(column) {
                        column.append_value(text);
                    }
                }
                rows.append(true);
                true
            });
        }
        lists.append(text.is_some());
    }
    Ok(Arc::new(lists.finish()))
}
