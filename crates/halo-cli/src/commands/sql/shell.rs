//! The interactive shell: reads lines, runs what is complete, stays alive whatever fails.

use std::path::PathBuf;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::complete::{self, Names};
use super::runner::{Flow, Runner};
use super::split::{self, Open};
use crate::exit::{Exit, Failure};
use crate::{folders, interrupt, output};

/// Statements that are remembered from run to run.
const HISTORY_MAX: usize = 5000;

/// Runs the shell until the user ends it.
pub(super) async fn run(runner: &mut Runner) -> Result<Exit, Failure> {
    let mut terminal = Terminal::open()?;
    let mut typed = String::new();
    loop {
        let prompt = prompt(split::split(&typed).open);
        // Waits for the user on this thread; queries run on others.
        let line = tokio::task::block_in_place(|| terminal.line(&typed, prompt));
        match line? {
            Line::Text(line) => {
                typed.push_str(&line);
                typed.push('\n');
            }
            Line::Dropped => typed.clear(),
            Line::End => return Ok(Exit::Done),
        }
        let parts = split::split(&typed);
        if parts.items.is_empty() {
            if parts.rest.is_empty() {
                typed.clear();
            }
            continue;
        }
        terminal.remember(typed[..typed.len() - parts.rest.len()].trim());
        for item in &parts.items {
            let interrupt = interrupt::Once::listen();
            match runner.item(item, interrupt.token()).await {
                Ok(Flow::GoOn) => {}
                Ok(Flow::Quit) => return Ok(Exit::Done),
                Err(failure) => {
                    if failure.exit == Exit::Interrupted {
                        // The terminal has shown ^C.
                        output::stderr("");
                    }
                    output::error(&failure);
                    // What was pasted behind it may build on it.
                    break;
                }
            }
        }
        typed = parts.rest.to_owned();
    }
}

/// What is waited for, as psql shows it.
fn prompt(open: Open) -> &'static str {
    match open {
        Open::Nothing => "halo> ",
        Open::Statement => "   -> ",
        Open::Parenthesis => "   (> ",
        Open::Text => "   '> ",
        Open::Name => "   \"> ",
        Open::Dollar => "   $> ",
        Open::Comment => "   *> ",
    }
}

/// What the user did.
enum Line {
    Text(String),
    /// Ctrl-C.
    Dropped,
    /// Ctrl-D.
    End,
}

/// The line editor and its history.
struct Terminal {
    editor: Editor<Typing, FileHistory>,
    /// `None` where nothing is remembered.
    history: Option<PathBuf>,
}

impl Terminal {
    fn open() -> Result<Self, Failure> {
        let config = Config::builder()
            .max_history_size(HISTORY_MAX)
            .map_err(failed)?
            .completion_type(CompletionType::List)
            .build();
        let mut editor = Editor::with_config(config).map_err(failed)?;
        editor.set_helper(Some(Typing { names: names()?, before: String::new() }));
        let history = folders::sql_history();
        if let Some(file) = &history {
            // There is none the first time, and without it there is a shell all the same.
            let _none_yet = editor.load_history(file);
        }
        Ok(Self { editor, history })
    }

    fn line(&mut self, typed: &str, prompt: &str) -> Result<Line, Failure> {
        if let Some(typing) = self.editor.helper_mut() {
            typing.before = typed.to_owned();
        }
        match self.editor.readline(prompt) {
            Ok(line) => Ok(Line::Text(line)),
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Ok(Line::Dropped),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(failed(error)),
        }
    }

    /// Keeps what was run, at once: whatever ends the shell, it is there next time.
    fn remember(&mut self, text: &str) {
        let is_new = self.editor.add_history_entry(text).unwrap_or(false);
        if let Some(file) = self.history.as_ref().filter(|_| is_new)
            && let Err(error) = self.editor.append_history(file)
        {
            output::warning(&format!("the history is not kept in {}: {error}", file.display()));
            self.history = None;
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for use in `map_err`")]
fn failed(error: ReadlineError) -> Failure {
    Failure::new(Exit::Input, format!("cannot read from the terminal: {error}"))
        .hint("give the query as the last argument, or a script with -f FILE")
}

fn names() -> Result<Names, Failure> {
    let functions = halo_query::list_functions(None)?.texts("function_name").unwrap_or_default();
    let is_word = |name: &String| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    Ok(Names {
        tables: halo_query::tables().collect(),
        functions: functions.into_iter().flatten().filter(is_word).collect(),
    })
}

/// Completes what is typed, on this line and those before it.
struct Typing {
    names: Names,
    before: String,
}

impl Completer for Typing {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let before = format!("{}{}", self.before, &line[..at]);
        let found = complete::candidates(&self.names, &before, &line[at..]);
        // No name goes over the end of a line.
        Ok((found.start.saturating_sub(self.before.len()), found.words))
    }
}

impl Hinter for Typing {
    type Hint = String;
}

impl Highlighter for Typing {}

impl Validator for Typing {}

impl Helper for Typing {}
