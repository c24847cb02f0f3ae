//! The tools for history, over a small history.

use serde_json::{Value, json};

use crate::checkout::{Checkout, call, open_at};
use halo_repo::RepoLimits;

/// A history with a merge, a rename, tags and a secret.
pub(crate) fn history() -> Checkout {
    let checkout = Checkout::git();
    checkout.write("agent.py", "import time\n\ndef run():\n    retry(3)\n    return 1\n");
    checkout.write("src/credentials/provider.py", "provider = 1\n");
    checkout.commit("Begin");
    checkout.write("agent.py", "import time\n\ndef run():\n    retry(5)\n    return 1\n");
    checkout.write(".env", "TOKEN=hunter2\n");
    checkout.write("src/credentials/provider.py", "provider = 2\n");
    checkout.commit("Retry more often\n\nThe search service\nis slow.");
    checkout.run(&["tag", "v1.0"]);
    checkout.run(&["switch", "--quiet", "--create", "side"]);
    checkout.write("docs/note.md", "one\ntwo\n");
    checkout.write("logo.bin", b"a\0b");
    checkout.commit("A note");
    checkout.run(&["switch", "--quiet", "main"]);
    checkout.write(".env", "TOKEN=hunter3\n");
    checkout.commit("Rotate the token");
    checkout.run(&["merge", "--quiet", "--no-ff", "--message", "Merge side", "side"]);
    checkout.run(&["mv", "agent.py", "bot.py"]);
    checkout.commit("Rename the agent");
    checkout
}

async fn transcript(checkout: &Checkout, calls: &[(&str, Value)]) -> String {
    let repo = checkout.open();
    assert_eq!(repo.git_missing(), None, "these tests need the git program");
    let mut out = String::new();
    for (tool, arguments) in calls {
        out.push_str(&format!("> {tool} {arguments}\n{}\n", call(&repo, tool, arguments.clone()).await));
    }
    out
}

#[tokio::test]
async fn commits_are_listed() {
    let calls = [
        ("git_log", json!({})),
        ("git_log", json!({"max_commits": 2})),
        ("git_log", json!({"max_commits": 2, "skip": 4, "path": "."})),
        ("git_log", json!({"path": "agent.py"})),
        ("git_log", json!({"pickaxe_string": "retry(5)"})),
        ("git_log", json!({"pickaxe_regex": "retry.[0-9]"})),
        ("git_log", json!({"pickaxe_string": "hunter2"})),
        ("git_log", json!({"pickaxe_string": "a", "pickaxe_regex": "b"})),
        ("git_log", json!({"ref_range": "v1.0..side"})),
        ("git_log", json!({"ref_range": "v1.0"})),
        ("git_log", json!({"author": "ada@"})),
        ("git_log", json!({"author": "Bob"})),
        ("git_log", json!({"since": "2026-01-02", "until": "2026-01-02T03:01:30Z"})),
        ("git_log", json!({"until": "2026-01-01"})),
    ];
    insta::assert_snapshot!(transcript(&history(), &calls).await);
}

#[tokio::test]
async fn commits_are_shown() {
    let calls = [
        ("git_show", json!({"ref": "v1.0"})),
        ("git_show", json!({"ref": "v1.0", "include_patch": true})),
        ("git_show", json!({"ref": "v1.0", "include_patch": true, "offset": 9})),
        ("git_show", json!({"ref": "v1.0", "path": "src/credentials", "include_patch": true})),
        ("git_show", json!({"commit": "HEAD~1"})),
        ("git_show", json!({"ref": "HEAD"})),
        ("git_show", json!({"ref": "side", "include_patch": true})),
        ("git_show", json!({"ref": "main~2", "include_patch": true})),
        ("git_show", json!({"ref": "nowhere"})),
    ];
    insta::assert_snapshot!(transcript(&history(), &calls).await);
}

#[tokio::test]
async fn commits_are_compared_and_lines_blamed() {
    let calls = [
        ("git_diff", json!({"from_ref": "v1.0", "to_ref": "HEAD"})),
        ("git_diff", json!({"from": "v1.0", "path": "docs", "stat_only": false})),
        ("git_diff", json!({"from_ref": "HEAD", "to_ref": "HEAD"})),
        ("git_blame", json!({"path": "bot.py", "start_line": 2, "end_line": 99})),
        ("git_blame", json!({"path": "agent.py", "start_line": 4, "end_line": 4, "ref": "v1.0~1"})),
        ("git_blame", json!({"path": "bot.py", "start_line": 9, "end_line": 10})),
        ("git_blame", json!({"path": "bot.py", "start_line": 3, "end_line": 2})),
        ("git_blame", json!({"path": "gone.py", "start_line": 1, "end_line": 2})),
        ("git_read_file", json!({"ref": "v1.0", "path": "agent.py", "offset": 3, "limit": 2})),
        ("git_read_file", json!({"ref": "HEAD", "path": "agent.py"})),
        ("git_read_file", json!({"ref": "HEAD", "path": ""})),
        ("git_read_file", json!({"ref": "HEAD", "path": "src"})),
        ("git_read_file", json!({"ref": "HEAD", "path": "logo.bin"})),
        ("git_read_file", json!({"ref": "HEAD", "path": ".env"})),
    ];
    insta::assert_snapshot!(transcript(&history(), &calls).await);
}

#[tokio::test]
async fn a_folder_of_a_work_tree_sees_its_own_part() {
    let checkout = history();
    checkout.write("docs/.gitignore", "");
    let repo = open_at(&checkout.root().join("docs"), RepoLimits::default());
    let mut out = call(&repo, "git_log", json!({})).await;
    out.push_str(&call(&repo, "git_diff", json!({"from_ref": "v1.0", "stat_only": false})).await);
    out.push_str(&call(&repo, "git_read_file", json!({"ref": "HEAD", "path": "note.md"})).await);
    out.push_str(&call(&repo, "git_read_file", json!({"ref": "HEAD", "path": "../bot.py"})).await);
    out.push_str(&call(&repo, "git_show", json!({"ref": "v1.0", "path": "../bot.py"})).await);
    out.push_str(&call(&repo, "git_show", json!({"ref": "v1.0", "include_patch": true})).await);
    insta::assert_snapshot!(out);
}

#[tokio::test]
async fn linked_work_trees_and_submodules_have_history() {
    let checkout = history();
    let linked = checkout.around().join("linked");
    checkout.run(&["worktree", "add", "--quiet", linked.to_str().unwrap(), "v1.0"]);
    let repo = open_at(&linked, RepoLimits::default());
    assert_eq!(repo.git_missing(), None);
    assert!(call(&repo, "git_log", json!({})).await.starts_with("2 commits\n"));
    assert!(call(&repo, "read_file", json!({"path": ".git"})).await.starts_with("ERROR `.git` is git's own"));

    let outer = Checkout::git();
    outer.run(&["submodule", "--quiet", "add", checkout.root().to_str().unwrap(), "inner"]);
    outer.commit("With a submodule");
    let repo = open_at(&outer.root().join("inner"), RepoLimits::default());
    assert_eq!(repo.git_missing(), None);
    assert!(call(&repo, "git_log", json!({"path": "bot.py"})).await.contains("Rename the agent"));
    let submodule = outer.call("git_read_file", json!({"ref": "HEAD", "path": "inner"})).await;
    assert_eq!(submodule, "ERROR `inner` is a submodule at HEAD; its files belong to another repository\n");
}

#[tokio::test]
async fn a_repository_without_commits_says_so() {
    let checkout = Checkout::git();
    let log = checkout.call("git_log", json!({})).await;
    assert_eq!(log, "ERROR there is no commit `HEAD`; git_log() lists commits with their branches and tags\n");
}
