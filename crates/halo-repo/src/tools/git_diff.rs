//! `git_diff`: what differs between two commits.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use super::files::{git_call, path_of};
use super::patch::Changes;
use crate::git::{DIFF_OPTIONS, Git};
use crate::guard::Guard;
use crate::{Repo, RepoError};

/// The tool.
pub(crate) struct GitDiff {
    pub(crate) repo: Repo,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitDiffArgs {
    /// Hash, branch or tag of the older commit.
    #[serde(alias = "from")]
    from_ref: String,
    /// Hash, branch or tag of the newer commit; HEAD when absent.
    #[serde(alias = "to")]
    to_ref: Option<String>,
    /// Only changes of this file or folder.
    path: Option<String>,
    /// false shows the changed lines; true or absent only the names of the files.
    stat_only: Option<bool>,
    /// First line of the list or patch to show, from 1.
    offset: Option<u64>,
}

impl Tool for GitDiff {
    type Args = GitDiffArgs;

    fn name(&self) -> &'static str {
        "git_diff"
    }

    fn description(&self) -> &str {
        include_str!("git_diff.md")
    }

    async fn call(&self, args: GitDiffArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let (git, guard) = git_call(&self.repo, &context.cancel)?;
        Ok(ToolOutput::text(compare(&self.repo, git, &args, &guard).await?))
    }
}

async fn compare(repo: &Repo, git: &Git, args: &GitDiffArgs, guard: &Guard) -> Result<String, RepoError> {
    let path = path_of(repo, args.path.as_deref())?;
    let (from, to) = (git.commit(&args.from_ref, guard).await?, args.to_ref.as_deref().unwrap_or("HEAD"));
    let to = git.commit(to, guard).await?;
    let (older, newer) = (git.commit_info(&from, guard).await?, git.commit_info(&to, guard).await?);
    let mut out = format!("from {}\nto   {}\n\n", older.line(), newer.line());
    let with_patch = !args.stat_only.unwrap_or(true);
    let mut command: Vec<String> = vec!["diff".to_owned()];
    command.extend(DIFF_OPTIONS.iter().map(|option| (*option).to_owned()));
    command.extend([from, to]);
    let mut arguments = vec![
        ("from_ref", older.short.as_str().into()),
        ("to_ref", newer.short.as_str().into()),
        ("path", path.as_deref().unwrap_or("").into()),
    ];
    arguments.extend(with_patch.then(|| ("stat_only", false.into())));
    let changes = Changes { command, path, with_patch, offset: args.offset, tool: "git_diff", arguments };
    out.push_str(&changes.write(repo, git, guard).await?);
    Ok(out)
}
