//! `git_show`: one commit, its message and its changes.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use super::files::{git_call, path_of};
use super::patch::Changes;
use crate::git::{DIFF_OPTIONS, Git};
use crate::guard::Guard;
use crate::text::{clean, short};
use crate::{Repo, RepoError};

const MESSAGE_CHARS_MAX: usize = 4000;

/// The tool.
pub(crate) struct GitShow {
    pub(crate) repo: Repo,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitShowArgs {
    /// Hash, branch or tag of the commit.
    #[serde(rename = "ref", alias = "commit")]
    revision: String,
    /// Only changes of this file or folder.
    path: Option<String>,
    /// Show the changed lines, not only the names of the files.
    include_patch: Option<bool>,
    /// First line of the list or patch to show, from 1.
    offset: Option<u64>,
}

impl Tool for GitShow {
    type Args = GitShowArgs;

    fn name(&self) -> &'static str {
        "git_show"
    }

    fn description(&self) -> &str {
        include_str!("git_show.md")
    }

    async fn call(&self, args: GitShowArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let (git, guard) = git_call(&self.repo, &context.cancel)?;
        Ok(ToolOutput::text(show(&self.repo, git, &args, &guard).await?))
    }
}

async fn show(repo: &Repo, git: &Git, args: &GitShowArgs, guard: &Guard) -> Result<String, RepoError> {
    let path = path_of(repo, args.path.as_deref())?;
    let hash = git.commit(&args.revision, guard).await?;
    let commit = git.commit_info(&hash, guard).await?;
    let mut out = format!("commit {}\n", commit.line());
    if args.offset.is_none_or(|offset| offset <= 1) {
        out.push_str(&message(git, &hash, guard).await?);
    }
    let with_patch = args.include_patch.unwrap_or(false);
    let mut command: Vec<String> = vec!["show".to_owned(), "--format=".to_owned()];
    command.extend(["--no-show-signature", "--diff-merges=first-parent"].map(str::to_owned));
    command.extend(DIFF_OPTIONS.iter().map(|option| (*option).to_owned()));
    command.push(hash);
    let mut arguments = vec![("ref", commit.short.as_str().into()), ("path", path.as_deref().unwrap_or("").into())];
    arguments.extend(with_patch.then(|| ("include_patch", true.into())));
    let changes = Changes { command, path, with_patch, offset: args.offset, tool: "git_show", arguments };
    out.push_str(&changes.write(repo, git, guard).await?);
    Ok(out)
}

/// The message below its first line, and what a merge joins.
async fn message(git: &Git, hash: &str, guard: &Guard) -> Result<String, RepoError> {
    let mut arguments: Vec<String> = ["log", "-1", "--no-patch", "--no-show-signature"].map(str::to_owned).into();
    arguments.extend(["--format=tformat:%p%x00%b".to_owned(), hash.to_owned(), "--".to_owned()]);
    let (ended, text) = git.text(&arguments, guard).await?;
    ended.ok()?;
    let (parents, body) = text.split_once('\0').unwrap_or(("", ""));
    let mut out = String::new();
    if parents.contains(' ') {
        out.push_str(&format!("merge of {}; changes are those against the first\n", short(parents, 200)));
    }
    let lines: Vec<String> = body.trim().lines().map(clean).collect();
    let body = lines.join("\n");
    if !body.is_empty() {
        out.push_str(&halo_tool::clip_middle(&body, MESSAGE_CHARS_MAX));
        out.push('\n');
    }
    out.push('\n');
    Ok(out)
}
