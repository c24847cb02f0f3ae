//! `git_blame`: the commits that last changed some lines.
//!
//! Always of a commit: for the work tree's file git would run the repository's filters.

use std::collections::HashMap;

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use super::files::{git_call, path_of, short_hash};
use crate::git::Git;
use crate::guard::Guard;
use crate::resolve::refuse_secret;
use crate::text::{call, short};
use crate::{Repo, RepoError};

const LINES_MAX: u64 = 300;
const LINE_CHARS_MAX: usize = 300;

/// The tool.
pub(crate) struct GitBlame {
    pub(crate) repo: Repo,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitBlameArgs {
    /// Path of the file.
    path: String,
    /// First line, from 1.
    start_line: u64,
    /// Last line; at most 300 lines are shown at once.
    end_line: u64,
    /// Hash, branch or tag of the commit at which the file is looked at; HEAD when absent.
    #[serde(rename = "ref", alias = "rev")]
    revision: Option<String>,
}

impl Tool for GitBlame {
    type Args = GitBlameArgs;

    fn name(&self) -> &'static str {
        "git_blame"
    }

    fn description(&self) -> &str {
        include_str!("git_blame.md")
    }

    async fn call(&self, args: GitBlameArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let (git, guard) = git_call(&self.repo, &context.cancel)?;
        Ok(ToolOutput::text(blame(&self.repo, git, &args, &guard).await?))
    }
}

async fn blame(repo: &Repo, git: &Git, args: &GitBlameArgs, guard: &Guard) -> Result<String, RepoError> {
    let path = path_of(repo, Some(&args.path))?;
    let path = path.ok_or_else(|| RepoError::argument("give the path of a file"))?;
    refuse_secret(&path)?;
    let (first, last) = (args.start_line.max(1), args.end_line);
    if last < first {
        return Err(RepoError::argument("end_line must not be smaller than start_line"));
    }
    let shown_last = last.min(first.saturating_add(LINES_MAX - 1));
    let revision = args.revision.as_deref().filter(|revision| !revision.is_empty()).unwrap_or("HEAD");
    let hash = git.commit(revision, guard).await?;
    git.check_blame(guard).await?;
    let mut arguments: Vec<String> =
        ["blame", "--line-porcelain", "--no-textconv", "--encoding=UTF-8"].map(str::to_owned).into();
    arguments.extend(["-L".to_owned(), format!("{first},{shown_last}"), hash.clone(), "--".to_owned(), path.clone()]);
    let (ended, text) = git.text(&arguments, guard).await?;
    ended.ok()?;
    let lines = read(&text);
    let at = short_hash(&hash);
    let mut out = format!("{path} at {at}");
    if revision == "HEAD" {
        out.push_str(" (HEAD; changes that are not committed are not in it)");
    }
    out.push('\n');
    let chars_max = repo.inner.limits.output_chars;
    let end = write(&lines, chars_max, &mut out);
    let is_file_over = (lines.len() as u64) < shown_last - first + 1;
    if end < last && !(is_file_over && lines.last().is_none_or(|line| line.number == end)) {
        let mut arguments = vec![("path", path.into()), ("start_line", (end + 1).into()), ("end_line", last.into())];
        arguments.extend(args.revision.as_deref().map(|revision| ("ref", revision.into())));
        out.push_str(&format!("[the next lines: {}]\n", call("git_blame", &arguments)));
    }
    Ok(out)
}

/// A line and the commit that last changed it.
struct Blamed {
    number: u64,
    /// The commit as it is told.
    commit: String,
    text: String,
}

/// Writes lines, those of one commit below it; gives the last line's number.
fn write(lines: &[Blamed], chars_max: usize, out: &mut String) -> u64 {
    let width = lines.last().map_or(1, |line| line.number.to_string().len());
    let mut commit = "";
    let mut last = 0;
    for line in lines {
        if last > 0 && out.len() > chars_max {
            break;
        }
        if line.commit != commit {
            out.push_str(&line.commit);
            out.push('\n');
            commit = &line.commit;
        }
        out.push_str(&format!("{:>width$}| {}\n", line.number, line.text));
        last = line.number;
    }
    last
}

fn read(text: &str) -> Vec<Blamed> {
    let mut lines = Vec::new();
    let mut fields: HashMap<&str, &str> = HashMap::new();
    let (mut hash, mut number) = ("", 0);
    let mut is_first = true;
    for line in text.split('\n') {
        if let Some(content) = line.strip_prefix('\t') {
            let field = |name: &str| fields.get(name).copied().unwrap_or("");
            let date = date(field("author-time"));
            let short_hash = short_hash(hash);
            let (author, subject) = (short(field("author"), 60), short(field("summary"), 100));
            let commit = format!("{short_hash} {date} {author}: {subject}");
            lines.push(Blamed { number, commit, text: short(content.trim_end_matches('\r'), LINE_CHARS_MAX) });
            is_first = true;
            fields.clear();
        } else if is_first {
            let mut words = line.split(' ');
            hash = words.next().unwrap_or("");
            number = words.nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
            is_first = false;
        } else if let Some((name, value)) = line.split_once(' ') {
            fields.insert(name, value);
        }
    }
    lines
}

/// Seconds since 1970 as a day in UTC.
fn date(seconds: &str) -> String {
    let days = seconds.parse::<i64>().unwrap_or(0).div_euclid(86_400);
    // Years that begin in March, so that the day that leap years add is their last.
    let shifted = days.clamp(-1_000_000_000, 1_000_000_000) + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let days = ["0", "951782400", "951868800", "1735689599", "1735689600", "-1"].map(date);
        assert_eq!(days, ["1970-01-01", "2000-02-29", "2000-03-01", "2024-12-31", "2025-01-01", "1969-12-31"]);
    }
}
