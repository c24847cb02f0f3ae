//! Runs git with everything off that a repository could use to run a program of its own.
//!
//! Only commands that read objects are run (rev-parse, log, show, diff of two commits, blame of a commit, ls-tree, cat-file): none looks at
//! the index or at files of the work tree, so no filter, fsmonitor or hook has its turn. What is left is switched off one by one below.

use std::process::Stdio;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::Git;
use crate::RepoError;
use crate::guard::Guard;
use crate::text::short;

/// Settings that outrank those of the repository.
const SETTINGS: &[&str] = &[
    // Programs.
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.editor=false",
    "core.sshCommand=false",
    "core.gitProxy=false",
    "core.askPass=false",
    "core.alternateRefsCommand=",
    "credential.helper=",
    "diff.external=",
    "gpg.program=false",
    "gpg.ssh.program=false",
    "gpg.x509.program=false",
    "log.showSignature=false",
    "protocol.allow=never",
    "submodule.recurse=false",
    "diff.submodule=short",
    // `remerge` would run merge drivers.
    "log.diffMerges=first-parent",
    "gc.auto=0",
    "maintenance.auto=false",
    // Files of other places.
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "mailmap.file=",
    "mailmap.blob=",
    // One form of answers, whatever the repository likes.
    "core.quotePath=false",
    "core.abbrev=10",
    "color.ui=false",
    "log.decorate=false",
    "log.follow=false",
    "i18n.logOutputEncoding=UTF-8",
    "diff.renameLimit=1000",
    "diff.orderFile=/dev/null",
    "diff.ignoreSubmodules=none",
    "grep.patternType=default",
];

/// Options of every command that shows differences.
pub(crate) const DIFF_OPTIONS: &[&str] = &[
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--submodule=short",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--find-renames",
    "--relative",
    "-O/dev/null",
];

const ERROR_BYTES_MAX: u64 = 8192;
const PIECE: usize = 1 << 16;
/// Bytes of a file of revisions that blame passes over.
const IGNORED_BYTES_MAX: u64 = 1 << 20;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) is_ok: bool,
    /// Whether more was to come that nobody wanted.
    pub(crate) is_partial: bool,
    /// What it complained of.
    pub(crate) complaint: String,
}

impl Ended {
    /// An error for the model when the command failed.
    pub(crate) fn ok(self) -> Result<Self, RepoError> {
        if self.is_ok {
            return Ok(self);
        }
        let complaint = self.complaint.trim();
        let line = complaint.lines().find(|line| line.starts_with("fatal: ")).unwrap_or(complaint);
        let said = short(line.trim_start_matches("fatal: "), 300);
        Err(RepoError::failed(format!("git can't answer that: {said}")))
    }
}

impl Git {
    /// Runs a command and gives its output piece by piece to `take`, which says whether it wants more.
    pub(crate) async fn stream(
        &self,
        arguments: &[String],
        bytes_max: u64,
        guard: &Guard,
        take: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<Ended, RepoError> {
        guard.check()?;
        let mut command = self.command(arguments);
        let child = command.spawn().map_err(|error| RepoError::failed(format!("git can't be started: {error}")))?;
        let mut running = Running(child);
        let (Some(mut out), Some(errors)) = (running.0.stdout.take(), running.0.stderr.take()) else {
            return Err(RepoError::failed("git can't be listened to"));
        };
        let complaint = tokio::spawn(async move {
            let mut text = Vec::new();
            let _bytes: std::io::Result<usize> = errors.take(ERROR_BYTES_MAX).read_to_end(&mut text).await;
            String::from_utf8_lossy(&text).into_owned()
        });
        let reading = async {
            let mut piece = vec![0; PIECE];
            let mut left = bytes_max;
            loop {
                let read = out.read(&mut piece).await?;
                let bytes = piece.get(..read).unwrap_or_default();
                if bytes.is_empty() {
                    return Ok(false);
                }
                left = left.saturating_sub(read as u64);
                if !take(bytes) || left == 0 {
                    return Ok(true);
                }
            }
        };
        let is_partial = within(guard, reading).await?;
        if is_partial {
            running.kill();
        }
        let status = within(guard, running.0.wait()).await?;
        let complaint = within(guard, async { Ok(complaint.await.unwrap_or_default()) }).await?;
        Ok(Ended { is_ok: is_partial || status.success(), is_partial, complaint })
    }

    /// The whole output of a command whose output is small.
    pub(crate) async fn text(&self, arguments: &[String], guard: &Guard) -> Result<(Ended, String), RepoError> {
        let mut text = Vec::new();
        let mut take = |piece: &[u8]| {
            text.extend_from_slice(piece);
            true
        };
        let ended = self.stream(arguments, 4 << 20, guard, &mut take).await?;
        Ok((ended, String::from_utf8_lossy(&text).into_owned()))
    }

    /// Refuses to blame when the configuration names a file of other revisions that is not a small one of the work tree: git would read it
    /// whole, and it may be a device.
    pub(crate) async fn check_blame(&self, guard: &Guard) -> Result<(), RepoError> {
        let arguments = ["config", "--null", "--get-all", "blame.ignoreRevsFile"].map(str::to_owned);
        let (_, text) = self.text(&arguments, guard).await?;
        let is_harmless = |name: &str| {
            let path = self.tree.top.join(name).canonicalize();
            path.is_ok_and(|path| {
                let is_small = path.metadata().is_ok_and(|found| found.is_file() && found.len() <= IGNORED_BYTES_MAX);
                is_small && path.starts_with(&self.tree.top)
            })
        };
        if text.split('\0').filter(|name| !name.is_empty()).all(is_harmless) {
            return Ok(());
        }
        let why = "the setting blame.ignoreRevsFile names no small file of the repository; use git_log with path";
        Err(RepoError::argument(format!("lines can't be blamed here: {why}")))
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--no-pager", "--no-replace-objects", "--no-optional-locks"]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(arguments).current_dir(&self.root).env_clear();
        if let Some(folder) = self.program.parent() {
            command.env("PATH", folder);
        }
        command
            // Named here, the folders are neither searched for nor read from `core.worktree`, and their owner does not matter.
            .env("GIT_DIR", &self.tree.git_folder)
            .env("GIT_WORK_TREE", &self.tree.top)
            // An index that is not there, nor can be put there by the repository: nothing is read of the work tree.
            .env("GIT_INDEX_FILE", self.program.with_file_name("halo-has-no-index"))
            .env("HOME", "/dev/null")
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            // Outranks `protocol.NAME.allow` of the repository, which `protocol.allow` does not.
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_GRAFT_FILE", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own, so that what git starts ends with it.
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

/// Waits for something of a process, unless the guard says stop before; dropping the process then kills it.
async fn within<T>(guard: &Guard, work: impl Future<Output = std::io::Result<T>>) -> Result<T, RepoError> {
    tokio::select! {
        biased;
        () = guard.cancel().cancelled() => Err(RepoError::Cancelled),
        () = tokio::time::sleep_until(guard.deadline().into()) => Err(guard.too_slow()),
        done = work => done.map_err(|error| RepoError::failed(format!("git can't be read: {error}"))),
    }
}

/// A process that ends, with all it started, when nobody waits for it any more.
struct Running(Child);

impl Running {
    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
        {
            // It may have ended by itself just now.
            let _gone: Result<(), rustix::io::Errno> =
                rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        drop(self.0.start_kill());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
