//! Ordinary analysis code gives what Python gives: `tests/battery/*.py` with the expected text beside each.

use std::fs;

use crate::harness::{folder, limits, python_files, run, session};

/// What this interpreter does not do as Python does, by file. asyncio's loop is built on sockets; `async` itself works.
const KNOWN_TO_FAIL: [&str; 1] = ["async_functions"];

#[tokio::test]
async fn ordinary_code_gives_what_python_gives() {
    let files = python_files("battery");
    assert!(files.len() >= 62, "{} files", files.len());
    let mut wrong = Vec::new();
    for (name, code) in &files {
        // A session of its own: nothing may depend on what an earlier file left.
        let outcome = run(&mut session(limits()), code).await;
        let expected = fs::read_to_string(folder("battery").join(format!("{name}.out"))).unwrap();
        let text = outcome.text();
        let is_known = KNOWN_TO_FAIL.contains(&name.as_str());
        if (text == expected.trim_end()) == is_known {
            wrong.push(format!("--- {name}\nexpected:\n{}\ngot:\n{text}\n", expected.trim_end()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}
