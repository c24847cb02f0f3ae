//! Changed files and patches, as `git_show` and `git_diff` show them.

use serde_json::Value;

use super::files::{names_secret, wanted};
use crate::Repo;
use crate::RepoError;
use crate::git::Git;
use crate::guard::Guard;
use crate::window::{Source, Window};

/// Lines of a patch that one call shows; its characters are limited, too.
const LINES_MAX: u64 = 2000;

/// What is compared, and what is shown of it.
pub(crate) struct Changes<'a> {
    /// The command with its revisions as hashes, without options of its own.
    pub(crate) command: Vec<String>,
    pub(crate) path: Option<String>,
    pub(crate) with_patch: bool,
    pub(crate) offset: Option<u64>,
    /// How to ask again.
    pub(crate) tool: &'a str,
    pub(crate) arguments: Vec<(&'a str, Value)>,
}

impl Changes<'_> {
    /// Writes the list of changed files, or the patch, from a line on.
    pub(crate) async fn write(&self, repo: &Repo, git: &Git, guard: &Guard) -> Result<String, RepoError> {
        let mut arguments = self.command.clone();
        let (kind, specs) = if self.with_patch {
            ("--patch", git.pathspecs_without_secrets(self.path.as_deref()))
        } else {
            ("--numstat", git.pathspecs(self.path.as_deref()))
        };
        arguments.extend([kind.to_owned(), "--".to_owned()]);
        arguments.extend(specs);
        let limits = &repo.inner.limits;
        let wanted = wanted(self.offset, Some(LINES_MAX), None, limits.output_chars);
        // A zero in a patch is a character of a text file like any other.
        let mut window = Window::of_text(wanted);
        // The empty line between a commit's message, which is not asked for, and its changes.
        let mut is_begin = true;
        let mut take = |piece: &[u8]| {
            let blank = if is_begin { piece.iter().take_while(|byte| **byte == b'\n').count() } else { 0 };
            is_begin = is_begin && blank == piece.len();
            window.feed(piece.get(blank..).unwrap_or_default())
        };
        let ended = git.stream(&arguments, limits.read_bytes_max, guard, &mut take).await?.ok()?;
        let mut lines = window.finish();
        if !self.with_patch {
            lines.lines.iter_mut().for_each(|line| line.text = summary_line(&line.text));
        }
        if lines.total == 0 {
            return Ok("no file changed, or only files that hold secrets and are never shown\n".to_owned());
        }
        let source = Source {
            tool: self.tool,
            arguments: self.arguments.clone(),
            is_partial: ended.is_partial,
            with_numbers: false,
        };
        Ok(source.write(if self.with_patch { "patch" } else { "changed files" }, &lines, &wanted))
    }
}

/// `12  3  path` to `+12 -3 path`.
fn summary_line(line: &str) -> String {
    let mut fields = line.splitn(3, '\t');
    let (Some(added), Some(removed), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
        return line.to_owned();
    };
    let note = if names_secret(path) { " (secret: never shown)" } else { "" };
    if added == "-" { format!("binary {path}{note}") } else { format!("+{added} -{removed} {path}{note}") }
}
