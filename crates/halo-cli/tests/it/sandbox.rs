//! A folder of its own for each test, with a home in it, and the built program in a clean environment.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

/// Longest time of one command, far above what any takes: a hang fails its test instead of holding up all of them.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(180);

/// A folder that commands run in.
pub(crate) struct Sandbox {
    folder: TempDir,
    root: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Folder of the sandbox, which messages are cleared of.
    root: PathBuf,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        // Temporary folders may be links, and halo tells where files are in truth.
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("home")).unwrap();
        fs::create_dir(root.join("work")).unwrap();
        Self { folder, root }
    }

    /// A sandbox with this fixture ingested as `traces.halo`.
    pub(crate) fn with_dataset(fixture: &str) -> Self {
        let sandbox = Self::new();
        let name = sandbox.fixture(fixture);
        sandbox.run(&["ingest", "-q", &name, "-o", "traces.halo"]).expect_code(0);
        sandbox
    }

    /// Folder that commands run in, so that relative names are enough.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join("work").join(name)
    }

    /// Copies a fixture here and gives its name.
    pub(crate) fn fixture(&self, name: &str) -> String {
        let path = fixtures().join(name);
        let short = path.file_name().unwrap().to_str().unwrap().to_owned();
        fs::copy(&path, self.path(&short)).unwrap();
        short
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program with these arguments, in an environment that knows nothing of this machine's user.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halo"));
        let home = self.root.join("home");
        command
            .args(arguments)
            .current_dir(self.root.join("work"))
            .env_clear()
            .env("HOME", &home)
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_DATA_HOME", home.join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.ended(self.command(arguments).spawn().unwrap())
    }

    /// Runs with this text on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // A thread of its own: the program may talk before it has read everything.
        let feed = std::thread::spawn(move || {
            let _closed_early = stdin.write_all(&input);
        });
        let ended = self.ended(child);
        feed.join().unwrap();
        ended
    }

    /// Waits for a command, for no longer than [`TIME_MAX`].
    pub(crate) fn ended(&self, child: Child) -> Ended {
        let id = child.id();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(TIME_MAX) else {
            signal("KILL", id);
            panic!("the command still ran after {TIME_MAX:?}");
        };
        let Output { status, stdout, stderr } = output.unwrap();
        Ended {
            code: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
            root: self.root.clone(),
        }
    }

    /// Rows of a query, each a JSON object.
    pub(crate) fn rows(&self, dataset: &str, query: &str) -> Vec<Value> {
        let ended = self.run(&["sql", dataset, query, "--format", "jsonl"]);
        ended.expect_code(0);
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A text without what differs from run to run.
    pub(crate) fn normal(&self, text: &str) -> String {
        normal(text, &self.root)
    }

    /// Every file below the sandbox's folders, its home included.
    pub(crate) fn all_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }
}

impl Ended {
    /// Exit code, stdout and stderr, without what differs from run to run.
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("exit code {}\n", self.code.map_or("none".to_owned(), |code| code.to_string()));
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                text.push_str(&format!("--- {name}\n{}", normal(stream, &self.root)));
                if !stream.ends_with('\n') {
                    text.push_str("[no line feed]\n");
                }
            }
        }
        text
    }

    /// Fails with all that was printed when the exit code is another.
    #[track_caller]
    pub(crate) fn expect_code(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{}", self.shown());
    }
}

/// The text without places, times, rates, ports and ids that differ from run to run.
fn normal(text: &str, root: &Path) -> String {
    let mut text = text.replace(root.to_str().unwrap(), "[DIR]");
    for (pattern, shown) in [
        (r"\d+\.\d+ s\b", "[TIME]"),
        (r" \(\d+ MB/s\)", ""),
        (r#""(\w+_ms)": ?\d+"#, r#""$1":"[TIME]""#),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        (r"\b\d+ ms\b", "[TIME]"),
        // These grow with the checks, which have tests of their own.
        (r"\b\d+ (built-in check|kind)s?\b", "[N] ${1}s"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, shown).into_owned();
    }
    text
}

/// Rows without some of their columns.
pub(crate) fn without(columns: &[&str], mut rows: Vec<Value>) -> Vec<Value> {
    for row in &mut rows {
        let fields = row.as_object_mut().unwrap();
        for column in columns {
            assert!(fields.remove(*column).is_some(), "there is no column {column}");
        }
    }
    rows
}

/// The repository's fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// Sends a signal by the shell's own `kill`, which is there wherever a shell is.
pub(crate) fn signal(name: &str, process: u32) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
    assert!(status.unwrap().success());
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::default());
    encoder.read_to_end(&mut packed).unwrap();
    packed
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}
