//! `read_file`: some lines of a file as it is now.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::files::{is_binary_text, wanted};
use crate::cite::read_lines;
use crate::guard::Guard;
use crate::repo::Inner;
use crate::window::Source;
use crate::{Repo, RepoError};

/// The tool.
pub(crate) struct ReadFile {
    pub(crate) repo: Repo,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadFileArgs {
    /// Path of the file.
    path: String,
    /// First line, from 1.
    #[serde(alias = "start_line")]
    offset: Option<u64>,
    /// Most lines to show, 500 when absent, at most 2000.
    limit: Option<u64>,
    /// First character shown of each line, from 1.
    column: Option<u64>,
}

impl Tool for ReadFile {
    type Args = ReadFileArgs;

    fn name(&self) -> &'static str {
        "read_file"
    }

    fn description(&self) -> &str {
        include_str!("read_file.md")
    }

    async fn call(&self, args: ReadFileArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let read = move |inner: &Inner, guard: &Guard| read(inner, &args, guard);
        Ok(ToolOutput::text(self.repo.blocking(&context.cancel, read).await?))
    }
}

fn read(inner: &Inner, args: &ReadFileArgs, guard: &Guard) -> Result<String, RepoError> {
    let found = inner.root.find(&args.path)?;
    let wanted = wanted(args.offset, args.limit, args.column, inner.limits.output_chars);
    let (lines, is_partial) = read_lines(&found, wanted, inner.limits.read_bytes_max, guard)?;
    if lines.is_binary {
        return Err(RepoError::argument(is_binary_text(&found.path)));
    }
    let arguments = vec![("path", Value::from(found.path.as_str()))];
    let source = Source { tool: "read_file", arguments, is_partial, with_numbers: true };
    Ok(source.write(&found.path, &lines, &wanted))
}
