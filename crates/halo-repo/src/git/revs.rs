//! Revisions as a model writes them, and the commits they name.

use super::Git;
use crate::RepoError;
use crate::guard::Guard;
use crate::text::{clean, short};

const REVISION_BYTES_MAX: usize = 250;
/// What is asked of a commit; every field ends with a zero.
const COMMIT_FORMAT: &str = "%H%x00%h%x00%ad%x00%an%x00%D%x00%s";
/// Times of commits, in UTC because the process runs there.
pub(crate) const DATE_FORMAT: &str = "--date=format-local:%Y-%m-%d %H:%M";

/// How commits are written for [`CommitInfo::read_all`].
pub(crate) fn format_option() -> String {
    format!("--format=tformat:{COMMIT_FORMAT}")
}

/// A commit in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// The whole hash.
    pub hash: String,
    /// A hash short enough to read and long enough to be unique.
    pub short: String,
    /// When it was written, `2026-01-31 14:05`, in UTC.
    pub date: String,
    /// Who wrote it.
    pub author: String,
    /// Branches and tags that point to it, separated by commas; often empty.
    pub refs: String,
    /// The first line of its message.
    pub subject: String,
}

impl CommitInfo {
    /// Reads commits as [`format_option`] has them written, with a zero after each field.
    pub(crate) fn read_all(text: &str) -> Vec<Self> {
        let fields: Vec<&str> = text.split('\0').collect();
        let commits = fields.chunks_exact(6).map(|fields| {
            let field = |index: usize| fields.get(index).copied().unwrap_or_default();
            Self {
                hash: field(0).trim().to_owned(),
                short: field(1).to_owned(),
                date: field(2).to_owned(),
                author: short(field(3), 60),
                refs: short(field(4), 100),
                subject: short(field(5), 200),
            }
        });
        commits.collect()
    }

    /// The commit in a line.
    pub(crate) fn line(&self) -> String {
        let refs = if self.refs.is_empty() { String::new() } else { format!(" ({})", self.refs) };
        format!("{} {} {}{refs}: {}", self.short, self.date, self.author, self.subject)
    }
}

impl Git {
    /// The whole hash of the commit that a revision names.
    pub(crate) async fn commit(&self, revision: &str, guard: &Guard) -> Result<String, RepoError> {
        check_revision(revision)?;
        let peeled = format!("{revision}^{{commit}}");
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled].map(str::to_owned);
        let (ended, text) = self.text(&arguments, guard).await?;
        let hash = text.trim();
        let is_hash = matches!(hash.len(), 40 | 64) && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if ended.is_ok && is_hash {
            return Ok(hash.to_owned());
        }
        let shown = short(revision, 100);
        let complaint = ended.complaint.trim();
        // Something is wrong with the repository itself.
        if complaint.contains("fatal: ") && !complaint.contains("Needed a single revision") {
            ended.ok()?;
        }
        Err(RepoError::argument(format!(
            "there is no commit `{shown}`; git_log() lists commits with their branches and tags"
        )))
    }

    /// What is told of a commit.
    pub(crate) async fn commit_info(&self, hash: &str, guard: &Guard) -> Result<CommitInfo, RepoError> {
        let mut arguments: Vec<String> =
            ["log", "-1", "-z", "--no-patch", "--no-mailmap", "--no-show-signature", DATE_FORMAT]
                .map(str::to_owned)
                .into();
        arguments.extend([format_option(), hash.to_owned(), "--".to_owned()]);
        let (ended, text) = self.text(&arguments, guard).await?;
        ended.ok()?;
        let commit = CommitInfo::read_all(&text).into_iter().next();
        commit.ok_or_else(|| RepoError::failed("git tells nothing of the commit"))
    }
}

/// Refuses what is no name of a commit: an option, a path, a range, a search in messages.
pub(crate) fn check_revision(revision: &str) -> Result<(), RepoError> {
    let is_bad = revision.is_empty()
        || revision.len() > REVISION_BYTES_MAX
        || revision.starts_with(['-', '^'])
        || revision.contains("..")
        || revision
            .contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, ':' | '\\' | '*' | '?' | '['));
    if is_bad {
        let shown = short(&clean(revision), 100);
        let hint = "give one hash, branch or tag, such as HEAD~1";
        return Err(RepoError::argument(format!("`{shown}` is no name of a commit; {hint}")));
    }
    Ok(())
}
