//! The shell's own commands, as users of duckdb, sqlite and psql know them.

use std::path::PathBuf;

use halo_query::Format;

use crate::exit::{Exit, Failure};

/// What `.help` shows.
pub(super) const HELP: &str = "\
A statement ends with `;` and may take several lines. Tab completes names.
  .tables                the tables                                  \\d
  .schema [TABLE]        columns of a table, or of all               \\d TABLE
  .functions [PATTERN]   functions whose names match                 \\df [PATTERN]
  .mode [FORMAT]         table, json, jsonl, csv or markdown
  .timing [on|off]       a line with rows and time after a result    \\timing
  .pager [on|off]        long results by page ($PAGER, else less)
  .read FILE             run a script                                \\i FILE
  .help                  this                                        \\?
  .quit                  end; Ctrl-D as well                         \\q
Ctrl-C ends the query that runs, or drops what is typed.
";

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Help,
    Tables,
    Schema(Option<String>),
    Functions(Option<String>),
    /// Tells the format when none is given.
    Mode(Option<Format>),
    /// On, off, or the other of the two.
    Timing(Option<bool>),
    Pager(Option<bool>),
    Read(PathBuf),
    Quit,
}

/// The words that completion knows.
pub(super) const WORDS: &[&str] =
    &[".exit", ".functions", ".help", ".mode", ".pager", ".quit", ".read", ".schema", ".tables", ".timing"];

/// Reads a line that begins like a command.
pub(super) fn parse(line: &str) -> Result<Command, Failure> {
    let line = line.trim().trim_end_matches(';').trim_end();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = unquoted(rest.trim());
    let given = (!argument.is_empty()).then(|| argument.to_owned());
    match known(word) {
        Some(".help") => Ok(Command::Help),
        Some(".tables") => Ok(Command::Tables),
        Some(".schema") => Ok(Command::Schema(given)),
        // psql's own: the tables, or one of them.
        Some("\\d") => Ok(given.map_or(Command::Tables, |table| Command::Schema(Some(table)))),
        Some(".functions") => Ok(Command::Functions(given)),
        Some(".mode") => given.as_deref().map(format).transpose().map(Command::Mode),
        Some(".timing") => given.as_deref().map(|text| on_or_off(".timing", text)).transpose().map(Command::Timing),
        Some(".pager") => given.as_deref().map(|text| on_or_off(".pager", text)).transpose().map(Command::Pager),
        Some(".read") => match given {
            Some(file) => Ok(Command::Read(file.into())),
            None => Err(usage("`.read` names no file").hint("write .read queries.sql")),
        },
        Some(".quit") => Ok(Command::Quit),
        _ => Err(usage(format!("there is no command `{word}`")).hint(".help lists the commands")),
    }
}

/// The command that a word means: written out, as others call it, or as its first letters.
fn known(word: &str) -> Option<&'static str> {
    const OTHER_NAMES: &[(&str, &str)] = &[
        ("\\?", ".help"),
        ("\\h", ".help"),
        ("help", ".help"),
        ("\\d", "\\d"),
        ("\\dt", ".tables"),
        ("\\df", ".functions"),
        ("\\timing", ".timing"),
        (".timer", ".timing"),
        ("\\i", ".read"),
        ("\\q", ".quit"),
        (".exit", ".quit"),
        ("quit", ".quit"),
        ("exit", ".quit"),
    ];
    let word = word.to_ascii_lowercase();
    if let Some((_, known)) = OTHER_NAMES.iter().find(|(other, _)| *other == word) {
        return Some(known);
    }
    let mut fitting = WORDS.iter().filter(|known| word.len() > 1 && known.starts_with(&word));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Some(if *one == ".exit" { ".quit" } else { one }),
        _ => None,
    }
}

fn format(name: &str) -> Result<Format, Failure> {
    let known = Format::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name));
    known.ok_or_else(|| usage(format!("there is no format `{name}`")).hint("write table, json, jsonl, csv or markdown"))
}

fn on_or_off(command: &str, text: &str) -> Result<bool, Failure> {
    match text.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(usage(format!("`{command}` is on or off, not `{text}`")).hint(format!("write {command} on"))),
    }
}

fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inside('\'').or_else(|| inside('"')).unwrap_or(text)
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_by_all_their_names() {
        let text = |text: &str| Some(text.to_owned());
        for (line, command) in [
            (".help", Command::Help),
            ("\\?", Command::Help),
            ("HELP;", Command::Help),
            (".tables", Command::Tables),
            (".tab", Command::Tables),
            ("\\d", Command::Tables),
            ("\\d spans", Command::Schema(text("spans"))),
            (".schema", Command::Schema(None)),
            (".schema \"spans\";", Command::Schema(text("spans"))),
            ("\\df json.*", Command::Functions(text("json.*"))),
            (".functions", Command::Functions(None)),
            (".mode", Command::Mode(None)),
            (".MODE CSV", Command::Mode(Some(Format::Csv))),
            (".timing", Command::Timing(None)),
            ("\\timing off", Command::Timing(Some(false))),
            (".pager on", Command::Pager(Some(true))),
            (".read 'my queries.sql'", Command::Read("my queries.sql".into())),
            ("\\i a.sql", Command::Read("a.sql".into())),
            ("\\q", Command::Quit),
            (".e", Command::Quit),
            ("exit", Command::Quit),
        ] {
            assert_eq!(parse(line).unwrap(), command, "{line}");
        }
    }

    #[test]
    fn wrong_commands_say_what_to_write() {
        let told: Vec<String> = [".nope", ".", ".t", "\\x", ".mode xml", ".timing maybe", ".read"]
            .into_iter()
            .map(|line| {
                let failure = parse(line).unwrap_err();
                assert_eq!(failure.exit, Exit::Usage, "{line}");
                format!("{line}: {}; {}", failure.message, failure.hint.unwrap_or_default())
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        .nope: there is no command `.nope`; .help lists the commands
        .: there is no command `.`; .help lists the commands
        .t: there is no command `.t`; .help lists the commands
        \x: there is no command `\x`; .help lists the commands
        .mode xml: there is no format `xml`; write table, json, jsonl, csv or markdown
        .timing maybe: `.timing` is on or off, not `maybe`; write .timing on
        .read: `.read` names no file; write .read queries.sql
        ");
    }

    #[test]
    fn every_command_is_in_the_help_and_known() {
        for word in WORDS {
            assert!(known(word).is_some(), "{word}");
            assert!(*word == ".exit" || HELP.contains(word), "{word}");
        }
    }
}
