//! Citations and commits that a gate looks up.

use halo_repo::{CitedLines, CommitInfo};

use crate::history::history;

#[tokio::test]
async fn a_place_that_exists_is_read() {
    let checkout = history();
    let repo = checkout.open();
    let now = repo.cite("./bot.py:3-4", None).await.unwrap();
    let expected = CitedLines {
        path: "bot.py".to_owned(),
        lines: (3, 4),
        text: "def run():\n    retry(5)".to_owned(),
        commit: None,
    };
    assert_eq!(now, expected);
    let then = repo.cite("agent.py:4", Some("v1.0~1")).await.unwrap();
    let commit = Some(checkout.run(&["rev-parse", "v1.0~1"]));
    let expected = CitedLines { path: "agent.py".to_owned(), lines: (4, 4), text: "    retry(3)".to_owned(), commit };
    assert_eq!(then, expected);
}

#[tokio::test]
async fn a_place_that_does_not_exist_is_told() {
    let checkout = history();
    let repo = checkout.open();
    let cases = [
        ("bot.py:6", None, "`bot.py` has no line 6: it has 5"),
        ("bot.py:4-9", Some("HEAD"), "`bot.py` has no line 9: it has 5"),
        ("bot.py", None, "`bot.py` is no place in a file; write `path:line` or `path:first-last`"),
        ("bot.py:0", None, "`bot.py:0` is no place in a file; write `path:line` or `path:first-last`"),
        ("bot.py:5-4", None, "`bot.py:5-4` is no place in a file; write `path:line` or `path:first-last`"),
        (":5", None, "`:5` is no place in a file; write `path:line` or `path:first-last`"),
        ("bot.py:1-9999", None, "a citation spans at most 500 lines; cite the lines that matter"),
        (
            ".env:1",
            Some("HEAD"),
            "`.env` is not shown: files of this name hold secrets; look for the code that reads it instead",
        ),
        ("logo.bin:1", None, "`logo.bin` is a binary file and not shown; ask for a text file"),
        ("bot.py:1", Some("-x"), "`-x` is no name of a commit; give one hash, branch or tag, such as HEAD~1"),
    ];
    for (place, rev, expected) in cases {
        assert_eq!(repo.cite(place, rev).await.unwrap_err().to_string(), expected, "{place}");
    }
}

#[tokio::test]
async fn the_commit_that_a_trace_names_is_found() {
    let checkout = history();
    let repo = checkout.open();
    let hash = checkout.run(&["rev-parse", "v1.0"]);
    let expected = CommitInfo {
        short: hash[..10].to_owned(),
        hash: hash.clone(),
        date: "2026-01-02 03:02".to_owned(),
        author: "Ada".to_owned(),
        refs: "tag: v1.0".to_owned(),
        subject: "Retry more often".to_owned(),
    };
    let described = format!("1.0.3+{}", &hash[..8]);
    let described_by_git = format!("v1.0-0-g{}", &hash[..8]);
    for name in ["v1.0", "1.0", " v1.0 ", &hash, &hash[..7], &described, &described_by_git] {
        assert_eq!(repo.resolve_commit(name).await.as_ref(), Some(&expected), "{name}");
    }
    for name in ["", "2.0", "-v1.0", "v1.0..HEAD", ":/Retry", "HEAD:bot.py", "deadbeef"] {
        assert_eq!(repo.resolve_commit(name).await, None, "{name}");
    }
}
