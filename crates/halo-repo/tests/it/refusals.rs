//! Paths, patterns and revisions that must not get through, each with what it must give.

use serde_json::{Value, json};

use crate::checkout::{Checkout, call};
use crate::history::history;

const SECRET: &str = "swordfish";

/// A repository in a folder that holds what must stay outside.
pub(crate) fn besieged() -> Checkout {
    let checkout = history();
    std::fs::write(checkout.around().join("outside.txt"), SECRET).unwrap();
    std::fs::create_dir(checkout.around().join("repo-evil")).unwrap();
    std::fs::write(checkout.around().join("repo-evil/a.txt"), SECRET).unwrap();
    checkout.write(".gitignore", "/ignored/\n");
    checkout.write("ignored/a.txt", SECRET);
    checkout.write(".npmrc", SECRET);
    checkout.write("keys/ID_RSA", SECRET);
    checkout.write("sub/.git", "gitdir: /nowhere\n");
    #[cfg(unix)]
    {
        checkout.link("out.txt", "../outside.txt");
        checkout.link("absolute.txt", checkout.around().join("outside.txt"));
        checkout.link("outdir", "..");
        checkout.link("root", "/");
        checkout.link("proc", "/proc/self/root");
        checkout.link("dangling", "../does-not-exist");
        checkout.link("loop-a", "loop-b");
        checkout.link("loop-b", "loop-a");
        checkout.link("chain", "docs/../outdir");
        checkout.link("to-git", ".git");
        checkout.link("to-secret.txt", ".npmrc");
        checkout.link("to-ignored.txt", "ignored/a.txt");
        checkout.link(".env.link", "bot.py");
        checkout.link("inside", "docs");
    }
    checkout
}

/// What each must give: a part of the answer.
#[cfg(unix)]
#[tokio::test]
async fn every_hostile_path_is_refused_in_a_sentence() {
    let out = "lies outside of the repository";
    let link = "is a link that leads out of the repository and is not followed";
    let git = "is git's own and not shown";
    let secret = "is not shown: files of this name hold secrets";
    let ignored = "is ignored by .gitignore and not shown";
    let none = "there is no `";
    let checkout = besieged();
    let beside = checkout.around().join("repo-evil/a.txt");
    let cases: Vec<(&str, &str)> = vec![
        ("..", out),
        ("../outside.txt", out),
        ("docs/../../outside.txt", out),
        ("docs/../../repo/bot.py", out),
        ("./././../outside.txt", out),
        ("/etc/passwd", out),
        ("//etc/passwd", out),
        ("/proc/self/environ", out),
        (beside.to_str().unwrap(), out),
        ("out.txt", link),
        ("absolute.txt", link),
        ("outdir/outside.txt", link),
        ("root/etc/passwd", link),
        ("proc/etc/passwd", link),
        ("dangling", link),
        ("chain/outside.txt", link),
        ("inside/../../outside.txt", out),
        ("loop-a", "goes round in a circle of links"),
        (".git/config", git),
        (".GIT/config", git),
        (".git./config", git),
        (".g\u{200d}it/config", git),
        ("to-git/config", git),
        ("sub/.git", git),
        ("docs/../.git/HEAD", git),
        (".npmrc", secret),
        ("keys/ID_RSA", secret),
        ("to-secret.txt", secret),
        (".env.link", secret),
        (".env", secret),
        ("ignored/a.txt", ignored),
        ("to-ignored.txt", ignored),
        ("bot.py\0.txt", "is no path"),
        ("bot.py\n", none),
        ("~/.bashrc", none),
        ("$HOME/.bashrc", none),
        ("file:///etc/passwd", none),
        ("..\\outside.txt", none),
        ("%2e%2e/outside.txt", none),
        ("\u{2025}/outside.txt", none),
        ("-rf", none),
        ("", "is a folder"),
    ];
    let repo = checkout.open();
    let long = "a/".repeat(5000);
    for (path, expected) in cases.into_iter().chain([(long.as_str(), "is no path")]) {
        let told = call(&repo, "read_file", json!({"path": path})).await;
        assert!(told.starts_with("ERROR ") && told.contains(expected) && told.lines().count() == 1, "{path:?}: {told}");
        for (tool, arguments) in [
            ("view_repo_tree", json!({"path": path})),
            ("glob_files", json!({"path": path, "pattern": "**"})),
            ("grep_files", json!({"path": path, "regex_pattern": SECRET})),
        ] {
            let told = call(&repo, tool, arguments).await;
            assert!(path.is_empty() || told.contains(expected), "{tool} {path:?}: {told}");
        }
    }
    // A way in by a link is a way.
    let told = call(&repo, "read_file", json!({"path": "inside/note.md"})).await;
    assert_eq!(told, "docs/note.md, lines 1-2 of 2\n1| one\n2| two\n");
}

#[cfg(unix)]
#[tokio::test]
async fn walks_do_not_follow_links_or_find_secrets() {
    let checkout = besieged();
    let repo = checkout.open();
    let found = call(&repo, "grep_files", json!({"regex_pattern": SECRET})).await;
    assert_eq!(found, "no line matches `swordfish`; 5 files searched\n");
    let found = call(&repo, "glob_files", json!({"pattern": "**/outside.txt"})).await;
    assert_eq!(found, "no file matches `**/outside.txt`; view_repo_tree shows which folders there are\n");
    for pattern in ["../**", "/../**", "**/../**", "../outside.txt", "/etc/*", "{..,x}/*", "**/.git/**", ".git/*"] {
        let found = call(&repo, "glob_files", json!({"pattern": pattern})).await;
        assert!(found.starts_with("no file matches `") || found.starts_with("ERROR "), "{pattern}: {found}");
    }
}

#[tokio::test]
async fn every_hostile_revision_is_refused_in_a_sentence() {
    let name = "is no name of a commit; give one hash, branch or tag, such as HEAD~1";
    let none = "there is no commit `";
    let cases = [
        ("", name),
        ("-h", name),
        ("--help", name),
        ("--output=/tmp/x", name),
        ("--upload-pack=touch x", name),
        ("--exec=x", name),
        ("-", name),
        ("^HEAD", name),
        ("HEAD..main", name),
        ("HEAD main", name),
        ("HEAD\n--output=x", name),
        ("HEAD\0x", name),
        ("HEAD:.env", name),
        (":/token", name),
        (":0:.env", name),
        ("ma*n", name),
        ("HEAD^{/tok en}", name),
        ("$(touch x)", name),
        ("`touch-x`", none),
        ("HEAD;touch-x", none),
        ("HEAD|touch-x", none),
        ("HEAD^{tree}", none),
        ("HEAD^{blob}", none),
        ("refs/../../x", name),
        ("/etc/passwd", none),
        ("deadbeefdeadbeefdeadbeefdeadbeefdeadbeef", none),
    ];
    let checkout = besieged();
    let repo = checkout.open();
    for (revision, expected) in cases {
        let calls: [(&str, Value); 5] = [
            ("git_show", json!({"ref": revision})),
            ("git_diff", json!({"from_ref": revision})),
            ("git_diff", json!({"from_ref": "HEAD", "to_ref": revision})),
            ("git_read_file", json!({"ref": revision, "path": "bot.py"})),
            ("git_log", json!({"ref_range": format!("HEAD...{revision}")})),
        ];
        for (tool, arguments) in calls {
            let is_range = tool == "git_log" && (revision.is_empty() || revision.contains(".."));
            let told = call(&repo, tool, arguments).await;
            let is_told = told.starts_with("ERROR ") && told.contains(expected) && told.lines().count() == 1;
            assert!(is_told || is_range, "{tool} {revision:?}: {told}");
        }
    }
    let made: Vec<_> = std::fs::read_dir(checkout.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!made.iter().any(|name| name == "x" || name == "touch-x"), "{made:?}");
}

#[tokio::test]
async fn secrets_are_refused_in_every_commit() {
    let checkout = besieged();
    let repo = checkout.open();
    let calls = [
        ("git_read_file", json!({"ref": "v1.0", "path": ".env"})),
        ("git_read_file", json!({"ref": "v1.0", "path": "docs/../.env"})),
        ("git_blame", json!({"ref": "v1.0", "path": ".env", "start_line": 1, "end_line": 1})),
        ("git_show", json!({"ref": "v1.0", "path": ".env", "include_patch": true})),
        ("git_show", json!({"ref": "v1.0", "include_patch": true})),
        ("git_show", json!({"ref": "v1.0", "path": ".", "include_patch": true})),
        ("git_diff", json!({"from_ref": "v1.0~1", "to_ref": "HEAD", "stat_only": false})),
        ("git_show", json!({"ref": "v1.0", "path": ":(top).env", "include_patch": true})),
        ("git_show", json!({"ref": "v1.0", "path": "*", "include_patch": true})),
        ("git_log", json!({"pickaxe_string": "hunter2", "path": "."})),
        ("git_log", json!({"pickaxe_regex": "TOKEN=h"})),
        ("grep_files", json!({"regex_pattern": "hunter"})),
    ];
    for (tool, arguments) in calls {
        let told = call(&repo, tool, arguments.clone()).await;
        assert!(!told.contains("=hunter") && !told.contains("commit\n"), "{tool} {arguments}: {told}");
    }
}

#[tokio::test]
async fn arguments_never_become_options() {
    let checkout = besieged();
    let repo = checkout.open();
    let target = checkout.around().join("written");
    let option = format!("--output={}", target.display());
    for (tool, arguments) in [
        ("git_log", json!({"path": option})),
        ("git_log", json!({"since": option})),
        ("git_log", json!({"author": option})),
        ("git_log", json!({"pickaxe_string": option})),
        ("git_log", json!({"pickaxe_regex": option})),
        ("git_show", json!({"ref": "HEAD", "path": option, "include_patch": true})),
        ("git_diff", json!({"from_ref": "HEAD~1", "path": option, "stat_only": false})),
        ("git_blame", json!({"path": option, "start_line": 1, "end_line": 2})),
        ("git_read_file", json!({"ref": "HEAD", "path": option})),
    ] {
        let told = call(&repo, tool, arguments).await;
        assert!(!target.exists(), "{tool}: {told}");
    }
}
