//! Whatever the path: nothing of outside is ever shown.

use proptest::prelude::*;
use serde_json::json;

use crate::checkout::call;

/// A word of paths: names that are there, links in and out, ways up, and noise.
fn word() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "..",
        ".",
        "",
        "docs",
        "note.md",
        "bot.py",
        "out.txt",
        "absolute.txt",
        "outdir",
        "root",
        "proc",
        "chain",
        "inside",
        "to-git",
        "to-secret.txt",
        "to-ignored.txt",
        "ignored",
        "a.txt",
        ".git",
        ".npmrc",
        "outside.txt",
        "repo",
        "repo-evil",
        "loop-a",
        "\0",
        "~",
        "...",
        ".. ",
        "\u{ff0e}\u{ff0e}",
        "\u{2215}",
        "etc",
        "passwd",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => "\\PC{0,6}", 1 => any::<String>()]
}

#[cfg(unix)]
#[test]
fn no_path_yields_what_is_outside() {
    let checkout = crate::refusals::besieged();
    let repo = checkout.open();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let around = checkout.around().to_string_lossy().into_owned();
    let start = prop::sample::select(vec![String::new(), "/".to_owned(), around.clone(), format!("{around}/repo")]);
    let paths = (start, prop::collection::vec(word(), 0..8));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(1500)
    });
    runner
        .run(&paths, |(start, words)| {
            let path = format!("{start}{}{}", if start.is_empty() { "" } else { "/" }, words.join("/"));
            let shown = runtime.block_on(async {
                let mut shown = call(&repo, "read_file", json!({"path": path})).await;
                shown.push_str(
                    &call(&repo, "grep_files", json!({"path": path, "regex_pattern": "swordfish|root:"})).await,
                );
                shown.push_str(
                    &call(&repo, "glob_files", json!({"path": path, "pattern": "{outside.txt,passwd}"})).await,
                );
                if let Ok(cited) = repo.cite(&format!("{path}:1"), None).await {
                    shown.push_str(&cited.text);
                }
                shown
            });
            // What is asked for stands in the answers; what is found must not.
            let found = shown.lines().filter(|line| !line.starts_with("ERROR ") && !line.starts_with("no "));
            for line in found {
                prop_assert!(
                    !line.contains("swordfish") && !line.contains("root:") && !line.contains("outside.txt"),
                    "{path:?}: {line}"
                );
            }
            Ok(())
        })
        .unwrap();
}

/// Somebody swaps a folder for a link to outside while it is read.
#[cfg(unix)]
#[test]
fn no_race_yields_what_is_outside() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let checkout = crate::checkout::Checkout::plain();
    checkout.write("swap/a.txt", "inside");
    checkout.link("link", checkout.around());
    std::fs::write(checkout.around().join("a.txt"), "swordfish").unwrap();
    let (root, repo) = (checkout.root(), checkout.open());
    let is_done = AtomicBool::new(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (folder, link, aside) = (root.join("swap"), root.join("link"), root.join("aside"));
            while !is_done.load(Ordering::Relaxed) {
                std::fs::rename(&folder, &aside).unwrap();
                std::fs::rename(&link, &folder).unwrap();
                std::fs::rename(&folder, &link).unwrap();
                std::fs::rename(&aside, &folder).unwrap();
            }
        });
        let mut leaks = Vec::new();
        for _ in 0..2000 {
            let shown = runtime.block_on(async {
                let read = call(&repo, "read_file", json!({"path": "swap/a.txt"})).await;
                read + &call(&repo, "grep_files", json!({"regex_pattern": "[s]wordfish"})).await
            });
            leaks.extend(shown.contains("swordfish\n").then_some(shown));
        }
        is_done.store(true, Ordering::Relaxed);
        assert_eq!(leaks, Vec::<String>::new());
    });
}
