//! Repositories whose configuration names programs: none of them runs.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use halo_repo::RepoLimits;
use serde_json::json;

use crate::checkout::{Checkout, call, open_at};
use crate::history::history;

fn program(path: &Path, text: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A history in which every setting that git might run names a program that leaves a mark.
fn planted() -> (Checkout, PathBuf) {
    let checkout = history();
    let (marker, evil) = (checkout.around().join("marker"), checkout.root().join("evil.sh"));
    checkout.write("note.txt", "one\n");
    checkout.write(".gitattributes", "* diff=evil filter=evil merge=evil\n");
    checkout.commit("Plant");
    checkout.run(&["branch", "other"]);
    checkout.write("note.txt", "two\n");
    checkout.commit("Here");
    checkout.run(&["switch", "--quiet", "other"]);
    checkout.write("note.txt", "three\n");
    checkout.commit("There");
    checkout.run(&["switch", "--quiet", "main"]);
    checkout.run(&["merge", "--quiet", "--strategy=ours", "--message", "Conflict", "other"]);
    // A commit that claims to be signed.
    let commit = checkout.run(&["cat-file", "commit", "HEAD"]);
    let (head, message) = commit.split_once("\n\n").unwrap();
    let signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----";
    std::fs::write(checkout.around().join("signed"), format!("{head}\n{signature}\n\n{message}\n")).unwrap();
    let signed = checkout.run(&["hash-object", "-t", "commit", "-w", "../signed"]);
    checkout.run(&["update-ref", "refs/heads/main", &signed]);
    program(&evil, &format!("echo \"$0 $*\" >> '{}'\ncat \"$1\" 2>/dev/null", marker.display()));
    for hook in ["post-index-change", "reference-transaction", "pre-auto-gc", "fsmonitor-watchman", "post-checkout"] {
        std::fs::copy(&evil, checkout.root().join(".git/hooks").join(hook)).unwrap();
    }
    for name in ["git", "cat", "less", "gpg", "ssh", "sh"] {
        std::fs::copy(&evil, checkout.root().join(name)).unwrap();
    }
    let (evil, trace) = (evil.display().to_string(), marker.display().to_string());
    let config = CONFIG.replace("EVIL", &evil).replace("TRACE", &trace);
    checkout.write(".git/info/attributes", "* diff=evil filter=evil merge=evil\n");
    checkout.write(".git/more", "[diff]\n\texternal = EVIL\n[core]\n\tfsmonitor = EVIL\n".replace("EVIL", &evil));
    let own = std::fs::read_to_string(checkout.root().join(".git/config")).unwrap();
    checkout.write(".git/config", format!("{own}{config}"));
    (checkout, marker)
}

const CONFIG: &str = r#"
[core]
fsmonitor = EVIL
hooksPath = .git/hooks
pager = EVIL
editor = EVIL
sshCommand = EVIL
gitProxy = EVIL
askPass = EVIL
alternateRefsCommand = EVIL
attributesFile = .git/info/attributes
[alias]
log = !EVIL
show = !EVIL
diff = !EVIL
blame = !EVIL
rev-parse = !EVIL
[pager]
log = EVIL
show = EVIL
diff = EVIL
blame = EVIL
[diff]
external = EVIL
submodule = diff
orderFile = /dev/zero
[diff "evil"]
command = EVIL
textconv = EVIL
[filter "evil"]
clean = EVIL
smudge = EVIL
process = EVIL
required = true
[merge "evil"]
driver = EVIL
[log]
showSignature = true
diffMerges = remerge
[format]
pretty = %G?%GG
[gpg]
program = EVIL
format = openpgp
[gpg "ssh"]
program = EVIL
[interactive]
diffFilter = EVIL
[credential]
helper = !EVIL
[uploadpack]
packObjectsHook = EVIL
[mailmap]
file = /dev/zero
[trace2]
normalTarget = TRACE
eventTarget = TRACE
[protocol]
allow = always
[protocol "ext"]
allow = always
[protocol "file"]
allow = always
[remote "origin"]
url = ext::EVIL
fetch = +refs/heads/*:refs/remotes/origin/*
promisor = true
partialclonefilter = blob:none
uploadpack = EVIL
vcs = evil
[extensions]
partialClone = origin
[include]
path = more
path = ~/more
[includeIf "gitdir:**"]
path = more
[submodule]
recurse = true
"#;

async fn every_call(checkout: &Checkout) -> String {
    let repo = checkout.open();
    assert_eq!(repo.git_missing(), None);
    let calls = [
        ("view_repo_tree", json!({})),
        ("grep_files", json!({"regex_pattern": "retry"})),
        ("git_log", json!({})),
        ("git_log", json!({"pickaxe_string": "two"})),
        ("git_log", json!({"pickaxe_regex": "two", "path": "note.txt", "author": "Ada", "since": "2020-01-01"})),
        ("git_show", json!({"ref": "HEAD"})),
        ("git_show", json!({"ref": "HEAD", "include_patch": true})),
        ("git_show", json!({"ref": "HEAD~1", "include_patch": true})),
        ("git_diff", json!({"from_ref": "v1.0", "stat_only": false})),
        ("git_diff", json!({"from_ref": "v1.0"})),
        ("git_blame", json!({"path": "note.txt", "start_line": 1, "end_line": 9})),
        ("git_read_file", json!({"ref": "HEAD", "path": "note.txt"})),
        ("git_read_file", json!({"ref": "HEAD", "path": ""})),
    ];
    let mut out = String::new();
    for (tool, arguments) in calls {
        out.push_str(&format!("> {tool} {arguments}\n{}\n", call(&repo, tool, arguments.clone()).await));
    }
    assert!(repo.resolve_commit("v1.0").await.is_some());
    assert!(repo.cite("note.txt:1", Some("HEAD")).await.is_ok());
    out
}

#[tokio::test]
async fn no_program_of_the_repository_runs() {
    let (checkout, marker) = planted();
    let out = every_call(&checkout).await;
    assert!(!marker.exists(), "{}", std::fs::read_to_string(&marker).unwrap());
    insta::assert_snapshot!(out);
    // The traps do snap: git without care runs them.
    let traps: [(&str, &[&str]); 5] = [
        ("gpg", &["-c", "diff.orderFile=/dev/null", "log", "-1"]),
        ("textconv", &["-c", "diff.orderFile=/dev/null", "-c", "log.showSignature=false", "show", "HEAD~1"]),
        ("filter", &["status"]),
        ("external", &["-c", "diff.orderFile=/dev/null", "diff", "v1.0", "HEAD"]),
        (
            "merge",
            &["-c", "diff.orderFile=/dev/null", "-c", "log.showSignature=false", "show", "--no-textconv", "-m", "HEAD"],
        ),
    ];
    for (name, arguments) in traps {
        let mut git = Command::new("git");
        git.args(["-c", "mailmap.file="]).args(arguments).current_dir(checkout.root());
        let output = git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        assert!(marker.exists(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::remove_file(&marker).unwrap();
    }
}

/// The differences of a submodule would be told by a second git, which would obey the submodule's own configuration.
#[tokio::test]
async fn no_program_of_a_submodule_runs() {
    let (inner, outer) = (history(), Checkout::git());
    let from = inner.root().display().to_string();
    outer.run(&["submodule", "--quiet", "add", &from, "inner"]);
    outer.commit("One");
    outer.run_at(&outer.root().join("inner"), &["checkout", "--quiet", "v1.0"]);
    outer.commit("Two");
    let (marker, evil) = (outer.around().join("marker"), outer.around().join("evil.sh"));
    program(&evil, &format!("echo \"$0 $*\" >> '{}'", marker.display()));
    let path = outer.root().join(".git/modules/inner/config");
    let own = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{own}[diff]\n external = {}\n", evil.display())).unwrap();
    outer.run(&["config", "diff.submodule", "diff"]);
    let (old, new) = (inner.run(&["rev-parse", "HEAD"]), inner.run(&["rev-parse", "v1.0"]));
    let told = outer.call("git_diff", json!({"from_ref": "HEAD~1", "stat_only": false})).await;
    assert!(told.ends_with(&format!("-Subproject commit {old}\n+Subproject commit {new}\n")), "{told}");
    assert!(!marker.exists());
    outer.run(&["diff", "--ext-diff", "HEAD~1", "HEAD"]);
    assert!(marker.exists(), "the trap does not snap");
}

/// git reads the file whole, however long it is, and an empty setting after it comes too late.
#[tokio::test]
async fn blame_reads_no_file_of_other_places() {
    let checkout = history();
    let blame = json!({"path": "bot.py", "start_line": 4, "end_line": 4});
    std::fs::write(checkout.around().join("outside"), "").unwrap();
    checkout.link("link", "../outside");
    for file in ["/dev/zero", "../outside", "link", "docs"] {
        checkout.run(&["config", "blame.ignoreRevsFile", file]);
        let told = checkout.call("git_blame", blame.clone()).await;
        assert!(told.starts_with("ERROR lines can't be blamed here: "), "{file}: {told}");
    }
    let hash = checkout.run(&["rev-parse", "v1.0"]);
    checkout.write("ignored-revisions", hash);
    checkout.run(&["config", "blame.ignoreRevsFile", "ignored-revisions"]);
    assert!(checkout.call("git_blame", blame.clone()).await.contains("Ada: Begin\n"));
}

#[tokio::test]
async fn what_is_missing_is_not_fetched() {
    let (checkout, marker) = planted();
    let blob = checkout.run(&["rev-parse", "HEAD:docs/note.md"]);
    std::fs::remove_file(checkout.root().join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let repo = checkout.open();
    let told = call(&repo, "git_read_file", json!({"ref": "HEAD", "path": "docs/note.md"})).await;
    assert!(told.starts_with("ERROR git can't answer that: "), "{told}");
    let told = call(&repo, "git_diff", json!({"from_ref": "v1.0", "stat_only": false})).await;
    assert!(told.starts_with("ERROR git can't answer that: "), "{told}");
    assert!(!marker.exists(), "{}", std::fs::read_to_string(&marker).unwrap());
}

#[test]
fn the_program_is_never_one_of_the_repositorys() {
    let (checkout, _) = planted();
    let link = checkout.around().join("bin");
    std::os::unix::fs::symlink(checkout.root(), &link).unwrap();
    for search_path in [".".into(), "".into(), checkout.root().into_os_string(), link.into_os_string()] {
        let limits = RepoLimits { search_path: Some(search_path), ..RepoLimits::default() };
        let repo = checkout.open_with(limits);
        assert_eq!(repo.git_missing(), Some("there is no git program on this machine"));
    }
}

#[tokio::test]
async fn another_repositorys_history_is_not_borrowed() {
    let victim = history();
    let victims = victim.root().join(".git");
    let refused = |checkout: &Checkout, reason: &str| {
        let missing = checkout.open().git_missing().map(str::to_owned).unwrap_or_default();
        assert!(missing.contains(reason), "{missing}");
    };
    let checkout = Checkout::plain();
    checkout.write(".git", format!("gitdir: {}\n", victims.display()));
    refused(&checkout, "its .git file points to the folder of another repository");

    let checkout = Checkout::plain();
    checkout.link(".git", &victims);
    refused(&checkout, "its .git is a link to another place");

    let checkout = Checkout::git();
    checkout.write(".git/commondir", victims.display().to_string());
    refused(&checkout, "its .git folder borrows another repository's history");

    for part in ["refs", "objects", "HEAD"] {
        let checkout = Checkout::git();
        let path = checkout.root().join(".git").join(part);
        std::fs::rename(&path, checkout.around().join("aside")).unwrap();
        checkout.link(&format!(".git/{part}"), victims.join(part));
        refused(&checkout, &format!(".git/{part} is a link to another place"));
    }

    let checkout = Checkout::plain();
    checkout.write(".git", "nothing");
    refused(&checkout, "its .git file names no folder");
    checkout.write("inner/a.py", "");
    let inner = open_at(&checkout.root().join("inner"), RepoLimits::default());
    assert_eq!(inner.git_missing(), Some("its .git file names no folder"));
}

#[tokio::test]
async fn a_git_folder_of_another_name_is_not_shown() {
    let checkout = history();
    std::fs::rename(checkout.root().join(".git"), checkout.root().join("hidden")).unwrap();
    checkout.write(".git", "gitdir: hidden\n");
    let repo = checkout.open();
    assert_eq!(repo.git_missing(), None);
    assert!(call(&repo, "git_log", json!({})).await.starts_with("6 commits\n"));
    let told = call(&repo, "read_file", json!({"path": "hidden/config"})).await;
    assert_eq!(told, "ERROR `hidden/config` is git's own and not shown; the git_ tools tell the history\n");
    assert!(!call(&repo, "view_repo_tree", json!({})).await.contains("hidden"));
}
