//! Sources that break the rules, each in one way.

use super::*;
use crate::tidy::{testing, tree::Tree};

const PRODUCT: &str = "crates/halo-x/src/a.rs";
const CLI: &str = "crates/halo-cli/src/a.rs";
const TESTS: &str = "crates/halo-x/tests/it/a.rs";

fn check(problems: impl IntoIterator<Item = Problem>, expected: &[&str]) {
    let problems: Vec<Problem> = problems.into_iter().collect();
    testing::check(&problems, expected);
}

fn shape(text: &str) -> Vec<Problem> {
    check_shape(&RustFile::new(PRODUCT, text))
}

#[test]
fn a_file_opens_with_its_purpose() {
    check(shape("//! An a.\n"), &[]);
    check(shape("// An a.\n"), &["a.rs:1: open the file with `//!`"]);
    check(shape("\n//! An a.\n"), &["a.rs:1: open the file"]);
}

#[test]
fn white_space_is_told_with_its_line() {
    check(shape("//! An a.\n\tx\n"), &["a.rs:2: a tab"]);
    check(shape("//! An a.\nx \n"), &["a.rs:2: white space at the end"]);
    check(shape("//! An a.\r\n"), &["a.rs:1: white space at the end"]);
    check(shape("//! An a."), &["a.rs:1: end the file with one line feed"]);
    check(shape("//! An a.\n\n"), &["a.rs:2: end the file with one line feed"]);
}

#[test]
fn long_files_are_told_and_tests_do_not_count() {
    let of_lines = |path: &str, lines: usize| RustFile::new(path, &"a();\n".repeat(lines));
    check(check_length(&of_lines(PRODUCT, 800)), &[]);
    check(check_length(&of_lines(PRODUCT, 801)), &["801 lines without tests, at most 800"]);
    check(check_length(&of_lines(TESTS, 1_200)), &[]);
    check(check_length(&of_lines(TESTS, 1_201)), &["1201 lines of tests, at most 1200"]);

    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "a();\n".repeat(300));
    let product = "a();\n".repeat(600);
    check(check_length(&RustFile::new(PRODUCT, &format!("{product}{tests}"))), &[]);
}

#[test]
fn files_over_the_soft_limit_are_a_note() {
    let noted = |path: &str, lines: usize| {
        let tree = Tree::of(&[("Cargo.toml", "[workspace]\n"), (path, &"a();\n".repeat(lines))]);
        notes(&Project::new(tree).unwrap())
    };
    check(noted(PRODUCT, 400), &[]);
    check(noted(PRODUCT, 401), &["401 lines without tests, over the soft limit"]);
    check(noted(PRODUCT, 801), &[]);
    check(noted(TESTS, 1_000), &[]);
}

#[test]
fn every_banned_word_is_found() {
    for banned in BANNED {
        let receiver = if banned.word.starts_with('.') { "x" } else { "" };
        let text = format!("//! An a.\n{receiver}{};\n", banned.word);
        check(
            check_banned(&RustFile::new(PRODUCT, &text)),
            &[&format!("{PRODUCT}:2: `{}`: {}", banned.word, banned.instead)],
        );
        let in_comment = format!("//! {}\nlet a = \"{}\";\n", banned.word, banned.word);
        check(check_banned(&RustFile::new(PRODUCT, &in_comment)), &[]);
    }
}

#[test]
fn tests_may_unwrap_and_print_but_not_sleep() {
    check(check_banned(&RustFile::new(TESTS, "a.unwrap(); println!();")), &[]);
    check(check_banned(&RustFile::new(TESTS, "std::thread::sleep(a);")), &["wait for the event"]);
    check(check_banned(&RustFile::new(TESTS, "#[ignore = \"slow\"]\nfn a() {}")), &["a.rs:1: `#[ignore`"]);
    let inline = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { c.unwrap(); }\n}\nfn d() { e.unwrap(); }\n";
    check(check_banned(&RustFile::new(PRODUCT, inline)), &["a.rs:6: `.unwrap()`"]);
}

#[test]
fn the_command_line_may_print_and_exit() {
    check(check_banned(&RustFile::new(CLI, "eprintln!(); std::process::exit(1);")), &[]);
    check(check_banned(&RustFile::new(CLI, "a.unwrap();")), &["return an error"]);
    for path in ["benches/src/a.rs", "xtask/src/a.rs", "crates/halo-x/examples/a.rs"] {
        check(check_banned(&RustFile::new(path, "println!();")), &[]);
    }
}

#[test]
fn a_promise_needs_an_issue() {
    let promises = |text: &str| check_promises(&RustFile::new(PRODUCT, text));
    check(promises("//! An a.\n// TODO: later\n"), &["a.rs:2: `TODO` without an issue"]);
    check(promises("/* FIXME # 1 */\n"), &["a.rs:1: `FIXME` without an issue"]);
    check(promises("// TODO(#12): later\nlet x = \"TODO\";\n"), &[]);
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let local = |path: &str| {
        let text = format!("a\nb {LOCAL_FOLDER}c\n");
        let tree = Tree::of(&[("Cargo.toml", "[workspace]\n"), (path, &text)]);
        check_local_folders(&Project::new(tree).unwrap())
    };
    check(local("README.md"), &["README.md:2:"]);
    check(local(TESTS), &["a.rs:2:"]);
    check(local("fixtures/spans.jsonl"), &[]);
}
