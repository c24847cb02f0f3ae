//! The tools for files, over a small harness.

use serde_json::json;

use crate::checkout::Checkout;

/// A harness with what such folders hold.
pub(crate) fn harness() -> Checkout {
    let checkout = Checkout::plain();
    checkout.write(".gitignore", "*.log\n/build/\n.env\n!keep.log\n");
    checkout.write("README.md", "# Bot\n\nAnswers questions.\n");
    checkout
        .write("src/agent.py", "import tools\n\n\ndef run(question):\n    reply = ask(question)\n    return reply\n");
    checkout.write("src/tools/search.py", "def search(query):\n    raise TimeoutError(\"search took too long\")\n");
    checkout.write("src/tools/windows.py", "first = 1\r\nsecond = \"caf\u{e9}\"\r\n");
    checkout.write("src/tools/latin.txt", b"caf\xe9 TimeoutError\n");
    checkout.write("src/.gitignore", "generated_*\n");
    checkout.write("src/generated_a.py", "TimeoutError = 1\n");
    checkout.write("data/logo.bin", b"\x89PNG\0\0TimeoutError\n");
    checkout.write("data/min.js", format!("{}TimeoutError{}\n", "a".repeat(1500), "b".repeat(1500)));
    checkout.write("data/empty.txt", "");
    checkout.write("run.log", "TimeoutError\n");
    checkout.write("keep.log", "kept\n");
    checkout.write("build/out.py", "TimeoutError\n");
    checkout.write(".env", "KEY=TimeoutError\n");
    checkout.write("deploy/prod.pem", "TimeoutError\n");
    checkout.write("node_modules/left/index.js", "TimeoutError\n");
    checkout
}

#[tokio::test]
async fn the_tree_tells_what_there_is() {
    let checkout = harness();
    let mut out = checkout.call("view_repo_tree", json!({})).await;
    out.push_str(&checkout.call("view_repo_tree", json!({"path": "src"})).await);
    out.push_str(&checkout.call("view_repo_tree", json!({"depth": 1})).await);
    insta::assert_snapshot!(out);
}

#[tokio::test]
async fn a_tree_that_does_not_fit_is_shown_less_deep() {
    let checkout = Checkout::plain();
    for folder in 0..30 {
        for file in 0..20 {
            checkout.write(&format!("f{folder:02}/in/{file}.py"), "");
        }
    }
    let out = checkout.call("view_repo_tree", json!({})).await;
    assert_eq!(out.lines().count(), 62, "{out}");
    let end: Vec<&str> = out.lines().rev().take(3).collect();
    assert_eq!(
        end,
        [
            r#"[shown to depth 2, because more does not fit; look into a folder: view_repo_tree(path="f00/in")]"#,
            "    in/ (20 files)",
            "  f29/",
        ]
    );
}

#[tokio::test]
async fn globs_find_files_by_name() {
    let checkout = harness();
    let mut out = String::new();
    for arguments in [
        json!({"pattern": "*.py"}),
        json!({"pattern": "src/*.py"}),
        json!({"pattern": "*.py", "path": "src/tools"}),
        json!({"pattern": "**/*.{md,pem}"}),
        json!({"pattern": "*.py", "max_results": 1, "skip": 1}),
        json!({"pattern": "!src/**"}),
        json!({"pattern": "*.rs"}),
        json!({"pattern": "a[", "path": "src"}),
        json!({"pattern": "*.py", "path": "build"}),
    ] {
        out.push_str(&format!("> {arguments}\n{}\n", checkout.call("glob_files", arguments.clone()).await));
    }
    insta::assert_snapshot!(out);
}

#[tokio::test]
async fn grep_finds_lines() {
    let checkout = harness();
    let mut out = String::new();
    for arguments in [
        json!({"regex_pattern": "TimeoutError"}),
        json!({"regex_pattern": "reply$", "context_lines": 1}),
        json!({"regex_pattern": "(?i)SECOND.*\"$", "glob_pattern": "*.py"}),
        json!({"regex_pattern": "def", "path": "src/tools"}),
        json!({"regex_pattern": "def", "path": "src/agent.py"}),
        json!({"pattern": "e", "glob": "src/**", "max_matches": 2}),
        json!({"regex_pattern": "e", "glob_pattern": "src/**", "max_matches": 2, "skip": 2}),
        json!({"regex_pattern": "nowhere"}),
        json!({"regex_pattern": "f("}),
        json!({"regex_pattern": "a\\nb"}),
        json!({"regex_pattern": "TimeoutError", "path": "build/out.py"}),
    ] {
        out.push_str(&format!("> {arguments}\n{}\n", checkout.call("grep_files", arguments.clone()).await));
    }
    insta::assert_snapshot!(out);
}

#[tokio::test]
async fn files_are_read_by_lines() {
    let checkout = harness();
    let mut out = String::new();
    for arguments in [
        json!({"path": "src/agent.py"}),
        json!({"path": "./src/../src//agent.py", "offset": 4, "limit": 2}),
        json!({"path": checkout.root().join("README.md"), "start_line": 3}),
        json!({"path": "src/tools/windows.py"}),
        json!({"path": "src/tools/latin.txt"}),
        json!({"path": "data/min.js", "column": 1490}),
        json!({"path": "data/empty.txt"}),
        json!({"path": "README.md", "offset": 9}),
        json!({"path": "keep.log"}),
        json!({"path": "data/logo.bin"}),
        json!({"path": "src"}),
        json!({"path": "src/agents.py"}),
        json!({"path": "README.md/x"}),
        json!({"path": "run.log"}),
        json!({"path": "src/generated_a.py"}),
        json!({"path": "deploy/prod.pem"}),
    ] {
        let shown = arguments.to_string().replace(&*checkout.root().to_string_lossy(), "ROOT");
        out.push_str(&format!("> {shown}\n{}\n", checkout.call("read_file", arguments).await));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_folder_that_is_none_is_told() {
    let checkout = harness();
    for path in ["nowhere", "README.md"] {
        let path = checkout.root().join(path);
        let error = halo_repo::Repo::open(&path, halo_repo::RepoLimits::default()).unwrap_err();
        let told = format!("the folder {} can't be read as a repository: ", path.display());
        assert!(error.to_string().starts_with(&told), "{error}");
    }
    assert_eq!(checkout.open().git_missing(), Some("it is not in a git work tree"));
}

#[test]
fn what_a_model_is_told_of_the_tools() {
    let specs = halo_repo::tools(Checkout::git().open()).specs();
    let mut out = String::new();
    for spec in &specs {
        out.push_str(&format!("{}: {}\n", spec.name, spec.description));
        for (name, schema) in spec.parameters["properties"].as_object().unwrap() {
            let required = spec.parameters["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
            let mark = if required { "" } else { "?" };
            out.push_str(&format!("  {name}{mark} {}: {}\n", schema["type"], schema["description"]));
        }
    }
    let chars: usize = specs.iter().map(|spec| spec.description.len() + spec.parameters.to_string().len()).sum();
    assert!(chars < 9_000, "{chars}");
    insta::assert_snapshot!(out);
    let without: Vec<String> = halo_repo::tools(harness().open()).specs().into_iter().map(|spec| spec.name).collect();
    assert_eq!(without, ["view_repo_tree", "glob_files", "grep_files", "read_file"]);
}
