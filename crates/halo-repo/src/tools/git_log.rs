//! `git_log`: commits, by time, path, author and what they changed.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::files::{git_call, path_of};
use crate::git::{CommitInfo, DATE_FORMAT, Git, format_option};
use crate::guard::Guard;
use crate::text::{call, counted};
use crate::{Repo, RepoError};

const COMMITS: usize = 50;
const COMMITS_MAX: usize = 500;

/// The tool.
pub(crate) struct GitLog {
    pub(crate) repo: Repo,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitLogArgs {
    /// Only commits that changed this file or folder.
    path: Option<String>,
    /// Only commits from this time on: 2026-01-31, 2026-01-31T14:05:00Z, "2 weeks ago".
    since: Option<String>,
    /// Only commits up to this time.
    until: Option<String>,
    /// Only commits that added or removed this exact text.
    pickaxe_string: Option<String>,
    /// Only commits with a changed line that matches; not together with pickaxe_string.
    pickaxe_regex: Option<String>,
    /// Only commits of authors whose name or mail contains this.
    author: Option<String>,
    /// Branch, tag or hash to start at, or A..B for commits in B and not in A; HEAD when absent.
    #[serde(alias = "ref")]
    ref_range: Option<String>,
    /// Most commits to list, 50 when absent, at most 500.
    #[serde(alias = "max")]
    max_commits: Option<usize>,
    /// Commits to leave out at the beginning.
    skip: Option<usize>,
}

impl Tool for GitLog {
    type Args = GitLogArgs;

    fn name(&self) -> &'static str {
        "git_log"
    }

    fn description(&self) -> &str {
        include_str!("git_log.md")
    }

    async fn call(&self, args: GitLogArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let (git, guard) = git_call(&self.repo, &context.cancel)?;
        Ok(ToolOutput::text(list(&self.repo, git, &args, &guard).await?))
    }
}

async fn list(repo: &Repo, git: &Git, args: &GitLogArgs, guard: &Guard) -> Result<String, RepoError> {
    let path = path_of(repo, args.path.as_deref())?;
    let range = range(git, args.ref_range.as_deref().unwrap_or("HEAD"), guard).await?;
    let max = args.max_commits.unwrap_or(COMMITS).clamp(1, COMMITS_MAX);
    let skip = args.skip.unwrap_or(0);
    let mut arguments: Vec<String> = [
        "log",
        "-z",
        "--no-patch",
        "--no-ext-diff",
        "--no-textconv",
        "--no-mailmap",
        "--no-show-signature",
        "--diff-merges=off",
        DATE_FORMAT,
    ]
    .map(str::to_owned)
    .into();
    arguments.extend([format_option(), format!("--max-count={}", max + 1), format!("--skip={skip}")]);
    let pickaxe = pickaxe(args)?;
    let has_pickaxe = pickaxe.is_some();
    arguments.extend(pickaxe);
    arguments.extend(filled(args.since.as_deref()).map(|since| format!("--since={}", day(since, "T00:00:00"))));
    arguments.extend(filled(args.until.as_deref()).map(|until| format!("--until={}", day(until, "T23:59:59"))));
    if let Some(author) = filled(args.author.as_deref()) {
        arguments.extend(["--fixed-strings".to_owned(), format!("--author={author}")]);
    }
    arguments.extend([range, "--".to_owned()]);
    // Whether a secret was changed by a text would tell the secret, bit by bit.
    let specs =
        if has_pickaxe { git.pathspecs_without_secrets(path.as_deref()) } else { git.pathspecs(path.as_deref()) };
    arguments.extend(specs);
    let (ended, text) = git.text(&arguments, guard).await?;
    ended.ok()?;
    let commits = CommitInfo::read_all(&text);
    Ok(write(&commits, max, skip, repo.inner.limits.output_chars, args))
}

fn write(commits: &[CommitInfo], max: usize, skip: usize, chars_max: usize, args: &GitLogArgs) -> String {
    if commits.is_empty() {
        return "no commit is like that; leave out a condition\n".to_owned();
    }
    let mut lines = Vec::new();
    let mut chars = 0;
    for commit in commits.iter().take(max) {
        let line = commit.line();
        chars += line.len();
        if chars > chars_max && !lines.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut out = format!("{}\n{}\n", counted(lines.len(), "commit"), lines.join("\n"));
    if lines.len() < commits.len() {
        let text = |value: &Option<String>| value.as_deref().map_or(Value::Null, Into::into);
        let arguments = [
            ("path", text(&args.path)),
            ("since", text(&args.since)),
            ("until", text(&args.until)),
            ("pickaxe_string", text(&args.pickaxe_string)),
            ("pickaxe_regex", text(&args.pickaxe_regex)),
            ("author", text(&args.author)),
            ("ref_range", text(&args.ref_range)),
            ("max_commits", args.max_commits.map_or(Value::Null, Into::into)),
            ("skip", (skip + lines.len()).into()),
        ];
        out.push_str(&format!("[there are more: {}]\n", call("git_log", &arguments)));
    }
    out
}

/// A revision or range with its ends as hashes.
async fn range(git: &Git, range: &str, guard: &Guard) -> Result<String, RepoError> {
    let dots = if range.contains("...") { "..." } else { ".." };
    let Some((from, to)) = range.split_once(dots) else {
        return git.commit(range, guard).await;
    };
    let end = |revision: &str| if revision.is_empty() { "HEAD".to_owned() } else { revision.to_owned() };
    let (from, to) = (git.commit(&end(from), guard).await?, git.commit(&end(to), guard).await?);
    Ok(format!("{from}{dots}{to}"))
}

fn pickaxe(args: &GitLogArgs) -> Result<Option<String>, RepoError> {
    match (filled(args.pickaxe_string.as_deref()), filled(args.pickaxe_regex.as_deref())) {
        (Some(_), Some(_)) => Err(RepoError::argument("give pickaxe_string or pickaxe_regex, not both")),
        (Some(text), None) => Ok(Some(format!("-S{text}"))),
        (None, Some(pattern)) => Ok(Some(format!("-G{pattern}"))),
        (None, None) => Ok(None),
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty() && !text.contains('\0'))
}

/// A date alone means the whole day; git would take the time of day that it is now.
fn day(time: &str, clock: &str) -> String {
    let is_date = time.len() == 10
        && time
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    if is_date { format!("{time}{clock}") } else { time.to_owned() }
}
