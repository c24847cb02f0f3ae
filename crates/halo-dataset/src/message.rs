//! The tables of what is stored once: texts, and the chat messages that are made of them.

use crate::column::{Column, ColumnKind, table};

/// Columns of `texts.parquet`.
pub const TEXT_COLUMNS: &[Column] = &[
    Column {
        name: "text_id",
        kind: ColumnKind::Int,
        doc: "Segment number * 2^32 + row in the segment: what the columns NAME_id of the other files hold.",
        internal: false,
    },
    Column { name: "text", kind: ColumnKind::Text, doc: "The text.", internal: false },
];

table! {
    /// One chat message, as it was sent and sent again.
    row MessageRow;
    /// Collects messages.
    builder MessageBatchBuilder;
    /// Columns of `messages.parquet`.
    columns MESSAGE_COLUMNS;

    message_row: Int = "Segment number * 2^32 + row in the segment: what input_messages and output_messages of spans hold.";
    role: Text = "Who speaks: system, developer, user, assistant, tool; null when the exporter does not say.";
    content: TextRef = "Its text; of a tool's message the result.";
    tool_calls: Text = "Tool calls that it asks for, a JSON array of {id, name, arguments}; ids and long texts are holes (see ids, texts).";
    ids: Text = "Ids of its tool calls, or of the call that it answers, with U+001F between them.";
    shape: Text = "The message as it was written, as JSON with holes; null when it is not written out anywhere.";
    spelling: Int = "How its JSON is spelled: 1 with blanks after commas and colons, 2 with ASCII alone.";
    texts: IdList = "Texts that its holes stand for.";
}
