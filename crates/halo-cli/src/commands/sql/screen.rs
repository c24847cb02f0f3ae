//! Where results go: standard output, or by page when they are longer than the screen.

use std::io::{self, BufWriter, Stdout, Write};
use std::process::{Child, Command, Stdio};

/// Shows a text by page: quits when it fits after all, keeps colours, and clips wide lines.
const PAGER: &[&str] = &["less", "-FRSX"];

/// A place for one result.
pub(super) struct Screen {
    sink: Sink,
    out: BufWriter<Stdout>,
}

enum Sink {
    /// Standard output at once.
    Direct,
    /// Nothing is shown yet: the result may fit on the screen.
    Held { text: Vec<u8>, lines: usize, height: usize, pager: Pager },
    /// The user reads.
    Paged(Child),
}

/// What shows a text by page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pager {
    /// Ours.
    Less,
    /// The user's, a line for the shell.
    Line(String),
}

impl Pager {
    /// By the environment; `None` when the user wants none.
    #[expect(clippy::disallowed_methods, reason = "this crate is the one that reads the environment")]
    pub(super) fn of_environment() -> Option<Self> {
        match std::env::var("PAGER") {
            Ok(line) if line.trim().is_empty() => None,
            Ok(line) => Some(Self::Line(line)),
            Err(_) => Some(Self::Less),
        }
    }

    fn start(&self) -> io::Result<Child> {
        let mut command = match self {
            Self::Less => {
                let mut command = Command::new(PAGER[0]);
                command.args(&PAGER[1..]);
                command
            }
            Self::Line(line) => {
                let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
                let mut command = Command::new(shell);
                command.args([flag, line]);
                command
            }
        };
        command.stdin(Stdio::piped()).spawn()
    }
}

impl Screen {
    /// Standard output as it is, or by page when there is a pager and more than the terminal's height.
    pub(super) fn new(pager: Option<Pager>) -> Self {
        match (pager, terminal_size::terminal_size()) {
            (Some(pager), Some((_, terminal_size::Height(lines)))) => Self::paged(usize::from(lines), pager),
            _ => Self { sink: Sink::Direct, out: BufWriter::new(io::stdout()) },
        }
    }

    /// A screen of this many lines, and what shows more.
    fn paged(height: usize, pager: Pager) -> Self {
        let sink = Sink::Held { text: Vec::new(), lines: 0, height, pager };
        Self { sink, out: BufWriter::new(io::stdout()) }
    }

    /// Shows what is held, and waits until the user has read.
    pub(super) fn finish(mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Direct => {}
            Sink::Held { text, .. } => self.out.write_all(text)?,
            Sink::Paged(child) => {
                // Its input ends here; how it ends is the user's business.
                drop(child.stdin.take());
                child.wait()?;
            }
        }
        self.out.flush()
    }

    /// Gives what is held to the pager, or to standard output where there is none.
    fn overflow(&mut self) -> io::Result<()> {
        let Sink::Held { text, pager, .. } = std::mem::replace(&mut self.sink, Sink::Direct) else { return Ok(()) };
        if let Ok(child) = pager.start() {
            self.sink = Sink::Paged(child);
        }
        self.write_all(&text)
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Direct => return self.out.write(bytes),
            Sink::Paged(child) => match &mut child.stdin {
                Some(stdin) => return stdin.write(bytes),
                None => return Err(io::ErrorKind::BrokenPipe.into()),
            },
            Sink::Held { text, lines, height, .. } => {
                text.extend_from_slice(bytes);
                *lines += bytes.iter().filter(|byte| **byte == b'\n').count();
                // The prompt and the line with the time want a line each.
                if *lines + 2 <= *height {
                    return Ok(bytes.len());
                }
            }
        }
        self.overflow().map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Held { .. } => Ok(()),
            Sink::Direct => self.out.flush(),
            Sink::Paged(child) => child.stdin.as_mut().map_or(Ok(()), Write::flush),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_goes_to_the_pager() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("read");
        let pager = Pager::Line(format!("cat > '{}'", file.display()));
        let mut screen = Screen::paged(5, pager);
        for line in 1..=9 {
            writeln!(screen, "line {line}").unwrap();
        }
        screen.finish().unwrap();
        let read = std::fs::read_to_string(&file).unwrap();
        assert_eq!(read.lines().count(), 9);
        assert!(read.starts_with("line 1\n") && read.ends_with("line 9\n"));
    }

    #[test]
    fn a_pager_that_is_left_ends_the_result() {
        let mut screen = Screen::paged(2, Pager::Line("exit 0".to_owned()));
        // More than a pipe holds, so that the end is noticed.
        let error = (0..100_000).find_map(|_| writeln!(screen, "a line that nobody reads").err()).unwrap();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        screen.finish().unwrap();
    }
}
