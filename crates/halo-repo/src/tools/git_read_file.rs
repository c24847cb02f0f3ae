//! `git_read_file`: some lines of a file as it was.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use super::files::{blob, git_call, is_binary_text, short_hash, wanted};
use crate::window::Source;
use crate::{Repo, RepoError};

/// The tool.
pub(crate) struct GitReadFile {
    pub(crate) repo: Repo,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitReadFileArgs {
    /// Hash, branch or tag of the commit.
    #[serde(rename = "ref", alias = "rev", alias = "commit")]
    revision: String,
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

impl Tool for GitReadFile {
    type Args = GitReadFileArgs;

    fn name(&self) -> &'static str {
        "git_read_file"
    }

    fn description(&self) -> &str {
        include_str!("git_read_file.md")
    }

    async fn call(&self, args: GitReadFileArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let (_, guard) = git_call(&self.repo, &context.cancel)?;
        let wanted = wanted(args.offset, args.limit, args.column, self.repo.inner.limits.output_chars);
        let blob = blob(&self.repo, &args.revision, &args.path, wanted, &guard).await?;
        if blob.lines.is_binary {
            return Err(RepoError::argument(is_binary_text(&blob.path)).into());
        }
        let arguments = vec![("ref", args.revision.as_str().into()), ("path", blob.path.as_str().into())];
        let source = Source { tool: "git_read_file", arguments, is_partial: blob.is_partial, with_numbers: true };
        let commit = short_hash(&blob.commit);
        Ok(ToolOutput::text(source.write(&format!("{} at {commit}", blob.path), &blob.lines, &wanted)))
    }
}
