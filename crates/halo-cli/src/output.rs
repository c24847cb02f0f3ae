//! Messages for people: errors, hints and notes, all on stderr; and rows and reports on stdout.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::args::{Color, Common};
use crate::exit::{Exit, Failure};

static COLORED: AtomicBool = AtomicBool::new(false);

/// Whether what goes to standard output is coloured, by the flag and by what it is.
pub(crate) fn is_stdout_colored(common: &Common) -> bool {
    match common.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stdout().is_terminal() && !no_color(),
    }
}

/// Width of the terminal that standard output is; `None` when it is none.
pub(crate) fn stdout_width() -> Option<usize> {
    let is_terminal = std::io::stdout().is_terminal();
    let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    width.filter(|_| is_terminal)
}

/// Settles whether messages are coloured, once, by the flag and by what stderr is.
pub(crate) fn set_color(common: &Common) {
    let colored = match common.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stderr().is_terminal() && !no_color(),
    };
    COLORED.store(colored, Ordering::Relaxed);
}

/// Whether the environment asks for no colour (no-color.org): set and not empty.
#[expect(clippy::disallowed_methods, reason = "this crate is the one that reads the environment")]
fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

fn paint(code: &str, text: &str) -> String {
    if COLORED.load(Ordering::Relaxed) { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Writes a line to stderr. A terminal that went away is no reason to fail, which `eprintln!` would.
pub(crate) fn stderr(text: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "{text}");
}

/// A failure: one line, and one with what to do.
pub(crate) fn error(failure: &Failure) {
    stderr(&format!("{} {}", paint("1;31", "error:"), printable(&failure.message)));
    if let Some(hint) = &failure.hint {
        stderr(&format!("{} {}", paint("1;36", "hint:"), printable(hint)));
    }
    if failure.exit == Exit::Bug {
        stderr(&format!("{} this is a bug in halo; please report it with the command you ran", paint("1;36", "hint:")));
    }
}

/// Something the user should know although the command went on.
pub(crate) fn warning(text: &str) {
    stderr(&format!("{} {}", paint("1;33", "warning:"), printable(text)));
}

/// A line of ordinary news.
pub(crate) fn note(common: &Common, text: &str) {
    if !common.quiet {
        line(text);
    }
}

/// A line on stderr.
pub(crate) fn line(text: &str) {
    stderr(&printable(text));
}

/// Writes to stdout. A reader that went away (`halo … | head`) ends the program in peace.
pub(crate) fn stdout(text: &str) -> Result<(), Failure> {
    try_stdout(text).or_else(write_failure)
}

/// Writes to stdout, and leaves it to the caller what a reader that went away means.
pub(crate) fn try_stdout(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// What a failed write to stdout means.
pub(crate) fn write_failure(error: std::io::Error) -> Result<(), Failure> {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        std::process::exit(Exit::Done.code());
    }
    Err(Failure::new(Exit::Input, format!("cannot write to stdout: {error}")))
}

/// The text with control characters made visible: it may come from a trace and must not drive the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// A number with its thousands set apart: `33,716`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 span`, `33,716 spans`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}
