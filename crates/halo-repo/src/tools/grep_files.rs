//! `grep_files`: a pattern in the lines of files.

use std::io;
use std::ops::ControlFlow;

use grep_matcher::LineTerminator;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, MmapChoice, Searcher, SearcherBuilder};
use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::files::Glob;
use crate::folder::Kind;
use crate::guard::{Guard, Guarded};
use crate::names;
use crate::repo::Inner;
use crate::text::{call, counted, short};
use crate::walk::{Seen, walk};
use crate::{Repo, RepoError};

mod hits;

use hits::Hits;

const MATCHES: usize = 50;
const MATCHES_MAX: usize = 500;
const CONTEXT_MAX: usize = 20;
/// Bytes of the longest line that is searched.
const LINE_BYTES_MAX: usize = 32 << 20;
/// Bytes of a compiled pattern.
const PATTERN_BYTES_MAX: usize = 8 << 20;

/// The tool.
pub(crate) struct GrepFiles {
    pub(crate) repo: Repo,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrepFilesArgs {
    /// Regular expression to find in a line.
    #[serde(alias = "pattern")]
    regex_pattern: String,
    /// Only files that match this glob, such as src/**/*.py.
    #[serde(alias = "glob")]
    glob_pattern: Option<String>,
    /// Folder or file to search; the root when absent.
    path: Option<String>,
    /// Lines to show before and after each match, 0 when absent.
    #[serde(alias = "context")]
    context_lines: Option<usize>,
    /// Most matches to show, 50 when absent, at most 500.
    max_matches: Option<usize>,
    /// Matches to leave out at the beginning.
    skip: Option<usize>,
}

impl Tool for GrepFiles {
    type Args = GrepFilesArgs;

    fn name(&self) -> &'static str {
        "grep_files"
    }

    fn description(&self) -> &str {
        include_str!("grep_files.md")
    }

    async fn call(&self, args: GrepFilesArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let search = move |inner: &Inner, guard: &Guard| search(inner, &args, guard);
        Ok(ToolOutput::text(self.repo.blocking(&context.cancel, search).await?))
    }
}

fn search(inner: &Inner, args: &GrepFilesArgs, guard: &Guard) -> Result<String, RepoError> {
    let found = inner.root.find(args.path.as_deref().unwrap_or(""))?;
    let glob = args.glob_pattern.as_deref().filter(|glob| !glob.is_empty());
    let glob = glob.map(|glob| Glob::new(glob, &inner.root.path, &found.path)).transpose()?;
    let matcher = matcher(&args.regex_pattern)?;
    let context = args.context_lines.unwrap_or(0).min(CONTEXT_MAX);
    let mut searcher = SearcherBuilder::new()
        // A line ends before its carriage return, for the pattern, too.
        .line_terminator(LineTerminator::crlf())
        .line_number(true)
        .before_context(context)
        .after_context(context)
        .binary_detection(BinaryDetection::convert(0))
        .memory_map(MmapChoice::never())
        .bom_sniffing(false)
        .heap_limit(Some(LINE_BYTES_MAX))
        .build();
    let max = args.max_matches.unwrap_or(MATCHES).clamp(1, MATCHES_MAX);
    let mut hits = Hits::new(&matcher, args.skip.unwrap_or(0), max, inner.limits.output_chars);
    let (mut searched, mut unsearched) = (0, Vec::new());
    let missed = walk(&inner.root, &found, inner.limits.walked_max, guard, &mut |seen| {
        let is_meant = seen.member.kind == Kind::File && !names::is_secret(&seen.member.name);
        if !is_meant || glob.as_ref().is_some_and(|glob| !glob.matches(seen.absolute)) {
            return ControlFlow::Continue(());
        }
        searched += 1;
        let bytes_max = inner.limits.read_bytes_max;
        let searched_whole = search_file(&mut searcher, &matcher, seen, &mut hits, (guard, bytes_max));
        if let Err(error) = searched_whole
            && guard.check().is_ok()
        {
            unsearched.push(format!("{} ({})", short(seen.path, 200), short(&error.to_string(), 100)));
        }
        if hits.is_done() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let mut out = hits.write(&args.regex_pattern, searched);
    if hits.has_more() {
        let arguments = [
            ("regex_pattern", args.regex_pattern.as_str().into()),
            ("glob_pattern", args.glob_pattern.as_deref().unwrap_or("").into()),
            ("path", found.path.as_str().into()),
            ("context_lines", args.context_lines.map_or(Value::Null, Into::into)),
            ("max_matches", args.max_matches.map_or(Value::Null, Into::into)),
            ("skip", hits.next_skip().into()),
        ];
        out.push_str(&format!("[there are more matches: {}]\n", call("grep_files", &arguments)));
    }
    if !unsearched.is_empty() {
        let (what, named) = (counted(unsearched.len(), "file"), unsearched.iter().take(5).cloned().collect::<Vec<_>>());
        out.push_str(&format!("[{what} not searched to the end: {}]\n", named.join(", ")));
    }
    if let Some(note) = missed.note() {
        out.push_str(&format!("[{note}]\n"));
    }
    Ok(out)
}

fn matcher(pattern: &str) -> Result<RegexMatcher, RepoError> {
    let built = RegexMatcherBuilder::new()
        .crlf(true)
        // ^ and $ mean the ends of a line.
        .multi_line(true)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build(pattern);
    built.map_err(|error| {
        let why = short(error.to_string().lines().last().unwrap_or(""), 200);
        let hint =
            "a pattern matches within one line, without look-around; write \\( for a bracket that is meant as such";
        RepoError::argument(format!("`{}` is no regular expression ({why}); {hint}", short(pattern, 200)))
    })
}

fn search_file(
    searcher: &mut Searcher,
    matcher: &RegexMatcher,
    seen: &Seen<'_>,
    hits: &mut Hits<'_>,
    (guard, bytes_max): (&Guard, u64),
) -> io::Result<()> {
    let file = seen.folder.file(&seen.member.name)?;
    hits.begin(seen.path);
    let searched = searcher.search_reader(matcher, Guarded::new(file, guard, bytes_max), &mut *hits);
    hits.end();
    searched
}
