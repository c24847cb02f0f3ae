//! `view_repo_tree`: folders and files, as deep as they fit.

use std::ops::ControlFlow;

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::folder::Kind;
use crate::guard::Guard;
use crate::names;
use crate::repo::Inner;
use crate::text::{call, clean, counted};
use crate::walk::{Missed, Seen, walk};
use crate::{Repo, RepoError};

const DEPTH: usize = 4;
/// Lines of one tree.
const LINES_MAX: usize = 400;

/// The tool.
pub(crate) struct ViewRepoTree {
    pub(crate) repo: Repo,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewRepoTreeArgs {
    /// Folder to show; the root when absent.
    path: Option<String>,
    /// Levels to show, 4 when absent; fewer are shown when they do not fit.
    depth: Option<usize>,
}

impl Tool for ViewRepoTree {
    type Args = ViewRepoTreeArgs;

    fn name(&self) -> &'static str {
        "view_repo_tree"
    }

    fn description(&self) -> &str {
        include_str!("view_repo_tree.md")
    }

    async fn call(&self, args: ViewRepoTreeArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let show = move |inner: &Inner, guard: &Guard| show(inner, &args, guard);
        Ok(ToolOutput::text(self.repo.blocking(&context.cancel, show).await?))
    }
}

/// A folder or file of the tree.
struct Node {
    /// From 1 for what stands in the folder that is shown.
    depth: usize,
    label: String,
    /// Files below a folder that is gone into.
    files: Option<usize>,
}

fn show(inner: &Inner, args: &ViewRepoTreeArgs, guard: &Guard) -> Result<String, RepoError> {
    let found = inner.root.find(args.path.as_deref().unwrap_or(""))?;
    let base = if found.path.is_empty() { 0 } else { found.path.matches('/').count() + 1 };
    let mut nodes: Vec<Node> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut files = 0;
    let missed = walk(&inner.root, &found, inner.limits.walked_max, guard, &mut |seen| {
        let depth = (seen.path.matches('/').count() + 1).saturating_sub(base).max(1);
        open.truncate(depth - 1);
        let is_folder = seen.member.kind == Kind::Folder && !seen.is_closed;
        if seen.member.kind != Kind::Folder {
            files += 1;
            for index in &open {
                if let Some(count) = nodes.get_mut(*index).and_then(|node| node.files.as_mut()) {
                    *count += 1;
                }
            }
        }
        if is_folder {
            open.push(nodes.len());
        }
        nodes.push(Node { depth, label: label(seen), files: is_folder.then_some(0) });
        ControlFlow::Continue(())
    })?;
    let chars_max = inner.limits.output_chars;
    let asked = args.depth.unwrap_or(DEPTH).max(1);
    Ok(write(&found.path, &nodes, files, Fit { asked, chars_max }, &missed))
}

fn label(seen: &Seen<'_>) -> String {
    let name = clean(&seen.member.name.to_string_lossy());
    match seen.member.kind {
        Kind::Folder if seen.is_closed => format!("{name}/ (not shown: made by tools)"),
        Kind::Folder => format!("{name}/"),
        Kind::File if names::is_secret(&seen.member.name) => format!("{name} (secret: never shown)"),
        Kind::File => name,
        Kind::Link => format!("{name} (link)"),
        Kind::Other => format!("{name} (no file)"),
    }
}

/// How much of a tree is shown.
struct Fit {
    asked: usize,
    chars_max: usize,
}

impl Fit {
    /// The deepest level at which all of it fits; the first level is always shown, as far as it fits.
    fn depth(&self, nodes: &[Node]) -> usize {
        let fits = |depth: &usize| {
            let shown = || nodes.iter().filter(|node| node.depth <= *depth);
            let chars: usize = shown().map(|node| node.label.len() + 2 * node.depth + 12).sum();
            shown().count() <= LINES_MAX && chars <= self.chars_max
        };
        let deepest = nodes.iter().map(|node| node.depth).max().unwrap_or(1);
        (1..=self.asked.min(deepest)).rev().find(fits).unwrap_or(1)
    }
}

fn write(path: &str, nodes: &[Node], files: usize, fit: Fit, missed: &Missed) -> String {
    let depth = fit.depth(nodes);
    let mut out = format!("{}/ ({})\n", if path.is_empty() { "." } else { path }, counted(files, "file"));
    let mut shown = 0;
    let mut is_cut = false;
    for node in nodes.iter().filter(|node| node.depth <= depth) {
        if shown >= LINES_MAX || out.len() > fit.chars_max {
            is_cut = true;
            break;
        }
        shown += 1;
        out.push_str(&"  ".repeat(node.depth));
        out.push_str(&node.label);
        match node.files {
            Some(count) if node.depth == depth => out.push_str(&format!(" ({})", counted(count, "file"))),
            _ => {}
        }
        out.push('\n');
    }
    if is_cut {
        let left = nodes.iter().filter(|node| node.depth == 1).count() - shown;
        let rest = call("glob_files", &[("pattern", "*".into()), ("path", path.into())]);
        out.push_str(&format!("[{left} more in this folder: {rest}]\n"));
    } else if let Some(node) =
        nodes.iter().find(|node| node.depth == depth && node.files.is_some_and(|files| files > 0))
    {
        let below = if path.is_empty() { String::new() } else { format!("{path}/") };
        let example = parent_path(nodes, node, &below);
        let deeper = call("view_repo_tree", &[("path", example.into())]);
        let why = if depth < fit.asked {
            format!("depth {depth}, because more does not fit")
        } else {
            format!("depth {depth}")
        };
        out.push_str(&format!("[shown to {why}; look into a folder: {deeper}]\n"));
    }
    if let Some(note) = missed.note() {
        out.push_str(&format!("[{note}]\n"));
    }
    out
}

/// The path of a folder in the list, found by going back to the folders it stands in.
fn parent_path(nodes: &[Node], node: &Node, below: &str) -> String {
    let mut depth = node.depth;
    let mut parts = vec![node.label.trim_end_matches('/')];
    let at = nodes.iter().position(|other| std::ptr::eq(other, node)).unwrap_or(0);
    for other in nodes.iter().take(at).rev() {
        if other.depth < depth {
            depth = other.depth;
            parts.push(other.label.trim_end_matches('/'));
        }
    }
    parts.reverse();
    format!("{below}{}", parts.join("/"))
}
