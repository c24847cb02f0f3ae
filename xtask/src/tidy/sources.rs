//! How a Rust file looks: its first line, its length, its white space, and words that must not be in it.

use super::{
    problem::Problem,
    project::Project,
    rust::{RustFile, lines_with},
};

const NET_LINES_SOFT: usize = 400;
const NET_LINES_MAX: usize = 800;
const TEST_LINES_MAX: usize = 1_200;

/// A word that must not be in a source, and what to write instead.
#[derive(Debug)]
struct Banned {
    word: &'static str,
    view: View,
    instead: &'static str,
}

/// Which part of which files a word is banned from.
#[derive(Debug, Clone, Copy)]
enum View {
    /// Code of every file, tests too.
    Code,
    /// Code of the product: `crates/*/src` without tests.
    Product,
    /// As the product, but halo-cli may: it owns the terminal and the process.
    ProductButCli,
}

const BANNED: &[Banned] = &[
    Banned { word: "todo!(", view: View::Code, instead: "finish it, or leave it out and open an issue" },
    Banned { word: "unimplemented!(", view: View::Code, instead: "finish it, or return an error" },
    Banned { word: "dbg!(", view: View::Code, instead: "remove it" },
    Banned { word: "#[ignore", view: View::Code, instead: "make the test quick and self-contained, or remove it" },
    Banned {
        word: "thread::sleep",
        view: View::Code,
        instead: "wait for the event itself; in async code use tokio::time",
    },
    Banned { word: ".unwrap()", view: View::Product, instead: "return an error with `?`" },
    Banned {
        word: "process::exit",
        view: View::ProductButCli,
        instead: "return an error; halo-cli turns it into an exit code",
    },
    Banned { word: "println!", view: View::ProductButCli, instead: "return the text; halo-cli prints it" },
    Banned { word: "print!", view: View::ProductButCli, instead: "return the text; halo-cli prints it" },
    Banned { word: "eprintln!", view: View::ProductButCli, instead: "return the text; halo-cli prints it" },
    Banned { word: "eprint!", view: View::ProductButCli, instead: "return the text; halo-cli prints it" },
];

/// Words that a comment may only say with the number of an issue behind them, as in `(#12)`.
const PROMISES: &[&str] = &["TODO", "FIXME"];

/// A folder of one machine, spelled in two halves because this file is searched for it, too.
const LOCAL_FOLDER: &str = concat!("/wo", "rk/");
/// Files that may not speak of it.
const SPEAKING_FILES: &[&str] = &[".rs", ".md", ".toml", ".sql", ".html", ".snap", ".css"];

/// Checks every Rust file.
pub(super) fn check(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in &project.rust_files {
        problems.extend(check_shape(file));
        problems.extend(check_length(file));
        problems.extend(check_banned(file));
        problems.extend(check_promises(file));
    }
    problems.extend(check_local_folders(project));
    problems
}

/// Files that are longer than they should be, though not too long.
pub(super) fn notes(project: &Project) -> Vec<Problem> {
    let files = project
        .rust_files
        .iter()
        .filter(|file| !file.is_test && (NET_LINES_SOFT + 1..=NET_LINES_MAX).contains(&file.net_lines));
    files
        .map(|file| {
            let text = format!(
                "{} lines without tests, over the soft limit of {NET_LINES_SOFT}; is there a part with a name of its own?",
                file.net_lines
            );
            Problem::of_file(&file.path, text)
        })
        .collect()
}

fn check_shape(file: &RustFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !file.text.starts_with("//!") {
        let text = "open the file with `//!` and say what it is for";
        problems.push(Problem::new(&file.path, Some(1), text));
    }
    for (index, line) in file.text.split('\n').enumerate() {
        if line.contains('\t') {
            let text = "a tab; write spaces, or \\t in a literal";
            problems.push(Problem::new(&file.path, Some(index + 1), text));
        }
        if line.ends_with(char::is_whitespace) {
            problems.push(Problem::new(&file.path, Some(index + 1), "white space at the end of the line"));
        }
    }
    if !file.text.ends_with('\n') || file.text.ends_with("\n\n") {
        let text = "end the file with one line feed";
        problems.push(Problem::new(&file.path, Some(file.text.lines().count()), text));
    }
    problems
}

fn check_length(file: &RustFile) -> Option<Problem> {
    let (what, lines_max) =
        if file.is_test { ("lines of tests", TEST_LINES_MAX) } else { ("lines without tests", NET_LINES_MAX) };
    (file.net_lines > lines_max).then(|| {
        let text = format!("{} {what}, at most {lines_max} may be; split it", file.net_lines);
        Problem::of_file(&file.path, text)
    })
}

fn check_banned(file: &RustFile) -> Vec<Problem> {
    let is_product = file.path.starts_with("crates/") && file.path.split('/').nth(2) == Some("src");
    let is_cli = file.path.starts_with("crates/halo-cli/");
    let mut problems = Vec::new();
    for banned in BANNED {
        let code = match banned.view {
            View::Code => &file.code,
            View::Product if is_product => &file.product_code,
            View::ProductButCli if is_product && !is_cli => &file.product_code,
            View::Product | View::ProductButCli => continue,
        };
        for line in lines_with(code, banned.word) {
            let text = format!("`{}`: {}", banned.word, banned.instead);
            problems.push(Problem::new(&file.path, Some(line), text));
        }
    }
    problems
}

fn check_promises(file: &RustFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    for word in PROMISES {
        for line in lines_with(&file.comments, word) {
            let comment = file.comments.lines().nth(line - 1).unwrap_or("");
            let has_issue =
                comment.split('#').skip(1).any(|after| after.starts_with(|character: char| character.is_ascii_digit()));
            if !has_issue {
                let text = format!("`{word}` without an issue; write `{word}(#NUMBER)`, or do it");
                problems.push(Problem::new(&file.path, Some(line), text));
            }
        }
    }
    problems
}

/// The project is built anywhere, so no file of it may name a folder of one machine.
fn check_local_folders(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    let files = project.tree.files().filter(|(path, _)| SPEAKING_FILES.iter().any(|ending| path.ends_with(ending)));
    for (path, file) in files {
        for line in lines_with(file.text.as_deref().unwrap_or(""), LOCAL_FOLDER) {
            let text = format!("`{LOCAL_FOLDER}` is a folder of one machine; name the file below the workspace");
            problems.push(Problem::new(path, Some(line), text));
        }
    }
    problems
}

#[cfg(test)]
mod tests;
