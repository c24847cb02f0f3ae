//! Whether a place that a finding cites exists.

use std::io::Read;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use halo_protocol::CodeCitation;
use halo_tool::CodeSource;
use tokio_util::sync::CancellationToken;

use crate::guard::{Guard, Guarded};
use crate::repo::Inner;
use crate::resolve::Root;
use crate::tools::files::{blob, is_binary_text};
use crate::window::{Lines, Wanted, Window};
use crate::{Repo, RepoError};

/// Lines that one citation may span.
const LINES_MAX: u64 = 500;
const PIECE: usize = 1 << 16;

/// Lines of a file that were cited and are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CitedLines {
    /// Path relative to the root, with `/` and without links.
    pub path: String,
    /// First and last line, from 1.
    pub lines: (u64, u64),
    /// The lines, each but the last followed by a line feed. Long ones are cut.
    pub text: String,
    /// The commit they are of, as its whole hash; `None` for the folder as it is now.
    pub commit: Option<String>,
}

impl Repo {
    /// Reads the lines that a citation names, `path:line` or `path:first-last`, in the folder or at a revision.
    ///
    /// # Errors
    /// [`RepoError::Argument`] when it is no citation, or there is no such file, line or revision, or the file may not be shown.
    pub async fn cite(&self, place: &str, rev: Option<&str>) -> Result<CitedLines, RepoError> {
        let (path, first, last) = split(place)?;
        let wanted = Wanted { offset: first, limit: last - first + 1, column: 1, chars_max: usize::MAX };
        let never = CancellationToken::new();
        let (path, lines, commit) = match rev {
            None => {
                let path = path.to_owned();
                let read = move |inner: &Inner, guard: &Guard| {
                    let found = inner.root.find(&path)?;
                    let (lines, _) = read_lines(&found, wanted, inner.limits.read_bytes_max, guard)?;
                    Ok((found.path, lines))
                };
                let (path, lines) = self.blocking(&never, read).await?;
                (path, lines, None)
            }
            Some(rev) => {
                let guard = self.guard(&never);
                let blob = blob(self, rev, path, wanted, &guard).await?;
                (blob.path, blob.lines, Some(blob.commit))
            }
        };
        if lines.is_binary {
            return Err(RepoError::argument(is_binary_text(&path)));
        }
        if lines.lines.last().is_none_or(|line| line.number < last) {
            return Err(RepoError::argument(format!("`{path}` has no line {last}: it has {}", lines.total)));
        }
        let text: Vec<String> = lines.lines.into_iter().map(|line| line.text).collect();
        Ok(CitedLines { path, lines: (first, last), text: text.join("\n"), commit })
    }
}

/// Path, first and last line of a citation.
fn split(place: &str) -> Result<(&str, u64, u64), RepoError> {
    let wrong = || {
        let shown = crate::text::short(place, 200);
        RepoError::argument(format!("`{shown}` is no place in a file; write `path:line` or `path:first-last`"))
    };
    let (path, range) = place.trim().rsplit_once(':').ok_or_else(wrong)?;
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let first: u64 = first.parse().map_err(|_| wrong())?;
    let last: u64 = last.parse().map_err(|_| wrong())?;
    if path.is_empty() || first == 0 || last < first {
        return Err(wrong());
    }
    if last - first >= LINES_MAX {
        return Err(RepoError::argument(format!(
            "a citation spans at most {LINES_MAX} lines; cite the lines that matter"
        )));
    }
    Ok((path, first, last))
}

/// Some lines of a file, and whether it was read only in part.
pub(crate) fn read_lines(
    found: &crate::resolve::Found,
    wanted: Wanted,
    bytes_max: u64,
    guard: &Guard,
) -> Result<(Lines, bool), RepoError> {
    let (file, bytes) = Root::open(found)?;
    let mut reader = Guarded::new(file, guard, bytes_max);
    let mut window = Window::new(wanted);
    let mut piece = vec![0; PIECE];
    loop {
        let read = reader
            .read(&mut piece)
            .map_err(|error| guard.check().err().unwrap_or_else(|| crate::resolve::unreadable(&found.path, &error)))?;
        if read == 0 || !window.feed(piece.get(..read).unwrap_or_default()) {
            break;
        }
    }
    Ok((window.finish(), bytes > bytes_max))
}

/// The repository as the place that findings cite.
#[must_use]
pub fn code_source(repo: Repo) -> Arc<dyn CodeSource> {
    Arc::new(Cited(repo))
}

struct Cited(Repo);

impl CodeSource for Cited {
    fn cite<'a>(&'a self, place: &'a str) -> BoxFuture<'a, Result<CodeCitation, String>> {
        async move {
            // A path may hold an `@`, as packages of npm do; only what stands behind the line is a revision.
            let (place, rev) = match place.trim().rsplit_once('@') {
                Some((place, rev)) if place.contains(':') && !rev.contains(['/', ':']) => (place, Some(rev)),
                _ => (place.trim(), None),
            };
            let CitedLines { path, lines: (first, last), text, commit } =
                self.0.cite(place, rev).await.map_err(|error| error.to_string())?;
            let lines = if first == last { first.to_string() } else { format!("{first}-{last}") };
            Ok(CodeCitation { place: format!("{path}:{lines}"), text, commit })
        }
        .boxed()
    }
}
