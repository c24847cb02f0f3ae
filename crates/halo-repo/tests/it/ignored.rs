//! What .gitignore leaves out is what git says it leaves out.

use proptest::prelude::*;
use serde_json::json;

use crate::checkout::{Checkout, call, open_at};
use halo_repo::RepoLimits;

const FILES: &[&str] = &[
    "a.py",
    "b.log",
    "build/a.py",
    "build/keep/b.log",
    "src/a.py",
    "src/b.log",
    "src/build/a.py",
    "src/deep/b.txt",
    "src/deep/a b.txt",
    "src/deep/[x].txt",
    "docs/build.md",
    "docs/x/y/z.md",
    "#a.txt",
    "!a.txt",
    ".hidden/a.py",
    "src/caf\u{e9}.py",
];

const PATTERNS: &[&str] = &[
    "*.log",
    "build",
    "build/",
    "/build",
    "/build/",
    "!b.log",
    "!*.log",
    "src/*",
    "!src/deep/",
    "!src/deep",
    "src/**/b.txt",
    "**/build",
    "deep/**",
    "/src/deep/",
    "docs/**/z.md",
    "**/*.md",
    "a?b.txt",
    "\\#a.txt",
    "\\!a.txt",
    "[x].txt",
    "\\[x\\].txt",
    "# a comment",
    "",
    "*.py ",
    "a.p[xy]",
    "**",
    "*/",
    "!*/",
    "!a.py",
    ".*",
    "caf*",
    "src/deep/../*",
    "*.{py,md}",
];

/// Files that are listed, by their paths.
fn listed(answer: &str) -> Vec<String> {
    let lines = answer.lines().skip(1).filter(|line| !line.starts_with('['));
    let mut paths: Vec<String> = lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect();
    paths.sort();
    paths
}

fn patterns() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PATTERNS), 0..5).prop_map(|lines| lines.join("\n") + "\n")
}

#[test]
fn the_rules_are_gits() {
    let checkout = Checkout::git();
    FILES.iter().for_each(|path| checkout.write(path, ""));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    });
    runner
        .run(&(patterns(), patterns(), patterns()), |(top, below, exclude)| {
            checkout.write(".gitignore", &top);
            checkout.write("src/.gitignore", &below);
            checkout.write(".git/info/exclude", &exclude);
            let own = checkout.run(&["-c", "core.quotePath=false", "ls-files", "--others", "--exclude-standard"]);
            let mut expected: Vec<&str> = own.lines().collect();
            expected.sort_unstable();
            let answer = runtime.block_on(checkout.call("glob_files", json!({"pattern": "**"})));
            prop_assert_eq!(listed(&answer), expected.clone(), "{:?} {:?} {:?}", top, below, exclude);
            // A folder of the work tree obeys the files above it. One that is ignored itself was still given to be looked into.
            if !expected.iter().any(|path| path.starts_with("src/")) {
                return Ok(());
            }
            let repo = open_at(&checkout.root().join("src"), RepoLimits::default());
            let answer = runtime.block_on(call(&repo, "glob_files", json!({"pattern": "**"})));
            let own =
                checkout.run(&["-c", "core.quotePath=false", "ls-files", "--others", "--exclude-standard", "src"]);
            let mut expected: Vec<&str> = own.lines().filter_map(|line| line.strip_prefix("src/")).collect();
            expected.sort_unstable();
            prop_assert_eq!(listed(&answer), expected, "src: {:?} {:?} {:?}", top, below, exclude);
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn rules_hold_without_git() {
    let checkout = Checkout::plain();
    FILES.iter().for_each(|path| checkout.write(path, ""));
    checkout.write(".gitignore", "build/\n*.log\n");
    checkout.write("src/.gitignore", "!b.log\n/deep\n");
    let answer = checkout.call("glob_files", json!({"pattern": "src/**"})).await;
    assert_eq!(listed(&answer), ["src/.gitignore", "src/a.py", "src/b.log", "src/caf\u{e9}.py"]);
}
