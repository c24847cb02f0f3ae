//! `glob_files`: files by name.

use std::ops::ControlFlow;

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use super::files::Glob;
use crate::folder::Kind;
use crate::guard::Guard;
use crate::names;
use crate::repo::Inner;
use crate::text::{call, clean, counted, short};
use crate::walk::{Seen, walk};
use crate::{Repo, RepoError};

const RESULTS: usize = 200;
const RESULTS_MAX: usize = 1000;

/// The tool.
pub(crate) struct GlobFiles {
    pub(crate) repo: Repo,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GlobFilesArgs {
    /// Glob, relative to the root or to path.
    pattern: String,
    /// Folder to look in; the root when absent.
    path: Option<String>,
    /// Most files to list, 200 when absent, at most 1000; all are counted.
    max_results: Option<usize>,
    /// Files to leave out at the beginning of the list.
    skip: Option<usize>,
}

impl Tool for GlobFiles {
    type Args = GlobFilesArgs;

    fn name(&self) -> &'static str {
        "glob_files"
    }

    fn description(&self) -> &str {
        include_str!("glob_files.md")
    }

    async fn call(&self, args: GlobFilesArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let find = move |inner: &Inner, guard: &Guard| find(inner, &args, guard);
        Ok(ToolOutput::text(self.repo.blocking(&context.cancel, find).await?))
    }
}

fn find(inner: &Inner, args: &GlobFilesArgs, guard: &Guard) -> Result<String, RepoError> {
    let found = inner.root.find(args.path.as_deref().unwrap_or(""))?;
    let glob = Glob::new(&args.pattern, &inner.root.path, &found.path)?;
    let skip = args.skip.unwrap_or(0);
    let max = args.max_results.unwrap_or(RESULTS).clamp(1, RESULTS_MAX);
    let (mut total, mut shown, mut chars) = (0_usize, Vec::new(), 0);
    let missed = walk(&inner.root, &found, inner.limits.walked_max, guard, &mut |seen| {
        if seen.member.kind != Kind::Folder && glob.matches(seen.absolute) {
            if total >= skip && shown.len() < max && chars < inner.limits.output_chars {
                let line = line(seen);
                chars += line.len();
                shown.push(line);
            }
            total += 1;
        }
        ControlFlow::Continue(())
    })?;
    let pattern = short(&args.pattern, 200);
    let mut out = match (total, shown.len()) {
        (0, _) => format!("no file matches `{pattern}`; view_repo_tree shows which folders there are\n"),
        (_, listed) if listed == total => format!("{}, with bytes\n", counted(total, "file")),
        (_, listed) => format!("{listed} of {}, with bytes\n", counted(total, "file")),
    };
    for line in &shown {
        out.push_str(line);
        out.push('\n');
    }
    let next = skip + shown.len();
    if next < total {
        let arguments = [
            ("pattern", args.pattern.as_str().into()),
            ("path", found.path.as_str().into()),
            ("max_results", args.max_results.map_or(serde_json::Value::Null, Into::into)),
            ("skip", next.into()),
        ];
        out.push_str(&format!("[{} more: {}]\n", total - next, call("glob_files", &arguments)));
    }
    if let Some(note) = missed.note() {
        out.push_str(&format!("[{note}]\n"));
    }
    Ok(out)
}

fn line(seen: &Seen<'_>) -> String {
    let path = clean(seen.path);
    match seen.member.kind {
        Kind::Link => format!("{path} (link)"),
        Kind::Other => format!("{path} (no file)"),
        _ if names::is_secret(&seen.member.name) => format!("{path} (secret: never shown)"),
        _ => format!("{path} {}", seen.member.bytes),
    }
}
