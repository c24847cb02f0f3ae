//! `get_context_item`: the whole of a tool result that was cut or folded, piece by piece.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::items::ItemStore;

pub(crate) const GET_CONTEXT_ITEM: &str = "get_context_item";

/// The tool.
pub(crate) struct GetContextItem {
    pub(crate) items: ItemStore,
    /// Characters of one piece.
    pub(crate) chars_max: usize,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetContextItemArgs {
    item_id: String,
    offset: Option<usize>,
}

impl Tool for GetContextItem {
    type Args = GetContextItemArgs;

    fn name(&self) -> &'static str {
        GET_CONTEXT_ITEM
    }

    fn description(&self) -> &str {
        include_str!("get_context_item.md")
    }

    async fn call(&self, args: GetContextItemArgs, _: &ToolContext) -> Result<ToolOutput, ToolError> {
        let Some(text) = self.items.get(args.item_id.trim()) else {
            return Err(ToolError::for_model(format!(
                "there is no kept result `{}`; the names stand in folded and cut results",
                args.item_id
            )));
        };
        let offset = args.offset.unwrap_or(0);
        let chars = text.chars().count();
        if offset >= chars && offset > 0 {
            return Err(ToolError::for_model(format!(
                "`{}` has {chars} characters; take a smaller offset",
                args.item_id
            )));
        }
        let piece: String = text.chars().skip(offset).take(self.chars_max).collect();
        let end = (offset + self.chars_max).min(chars);
        let more = if end < chars {
            format!(
                "\n[characters {offset} to {end} of {chars}; get_context_item(\"{}\", offset={end}) shows more]",
                args.item_id
            )
        } else {
            String::new()
        };
        Ok(ToolOutput::text(piece + &more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn pieces_add_up_to_the_whole() {
        let items = ItemStore::new(None, 0);
        let whole: String = ('a'..='z').chain("äöü".chars()).collect();
        let id = items.put(&whole);
        let tool = GetContextItem { items, chars_max: 10 };
        let context =
            ToolContext { cancel: CancellationToken::new(), agent_id: "root".into(), tool_call_id: "c".into() };
        let read = async |id: &str, offset| {
            let args = GetContextItemArgs { item_id: id.to_owned(), offset };
            tool.call(args, &context).await.map(|output| output.text).map_err(|error| error.to_string())
        };
        let first = read(&id, None).await.unwrap();
        assert_eq!(first, "abcdefghij\n[characters 0 to 10 of 29; get_context_item(\"r1\", offset=10) shows more]");
        assert_eq!(read(&id, Some(20)).await.unwrap(), "uvwxyzäöü");
        assert_eq!(read(&id, Some(29)).await.unwrap_err(), "`r1` has 29 characters; take a smaller offset");
        assert!(read("r2", None).await.unwrap_err().starts_with("there is no kept result `r2`"));
    }
}
