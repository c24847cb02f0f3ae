//! Files that belong together: a tool and its text, a check and its text, a fixture and its entry in the list.

use super::{problem::Problem, project::Project, rust::RustFile, tree::Tree};

/// In which a check's SQL lies beside its text; folders below it hold parts that checks share.
const CHECK_FOLDER: &str = "crates/halo-checks/checks/";
const FIXTURE_FOLDER: &str = "fixtures/";
const FIXTURE_LIST: &str = "fixtures/README.md";

/// Checks all three kinds.
pub(super) fn check(project: &Project) -> Vec<Problem> {
    let mut problems = check_tools(project);
    problems.extend(check_checks(&project.tree));
    problems.extend(check_fixtures(&project.tree));
    problems
}

/// A tool's code and the text that the model reads have one name, in whatever crate they lie.
fn check_tools(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in project.rust_files.iter().filter(|file| is_tool(file)) {
        let text_path = file.path.replace(".rs", ".md");
        if project.tree.text(&text_path).is_none_or(|text| text.trim().is_empty()) {
            let text = format!("the tool has no text for the model; write it in {text_path}");
            problems.push(Problem::of_file(&file.path, text));
        }
    }
    let texts = project.tree.below("crates/").filter(|(path, _)| path.contains("/src/") && path.ends_with(".md"));
    for (path, _) in texts {
        let code_path = path.replace(".md", ".rs");
        let has_tool = project.rust_files.iter().any(|file| file.path == code_path && is_tool(file));
        if !has_tool {
            problems.push(Problem::of_file(path, format!("{code_path} holds no tool; remove the text")));
        }
    }
    problems
}

fn is_tool(file: &RustFile) -> bool {
    file.path.starts_with("crates/") && implements_tool(&file.product_code)
}

fn implements_tool(code: &str) -> bool {
    code.lines().any(|line| line.trim_start().starts_with("impl") && line.contains(" Tool for "))
}

fn check_checks(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let files = tree.below(CHECK_FOLDER).filter(|(path, _)| !path[CHECK_FOLDER.len()..].contains('/'));
    // A folder that was moved must not leave this check with nothing to do.
    if !tree.has_folder(CHECK_FOLDER.trim_end_matches('/')) {
        let text = "the checks are not here any more; name their folder in xtask/src/tidy/pairs.rs";
        problems.push(Problem::of_file(CHECK_FOLDER, text));
    }
    for (path, _) in files {
        let (other, what) = if let Some(stem) = path.strip_suffix(".sql") {
            (format!("{stem}.md"), "title, cause and fix")
        } else if let Some(stem) = path.strip_suffix(".md") {
            (format!("{stem}.sql"), "query")
        } else {
            continue;
        };
        if !tree.has_file(&other) {
            problems.push(Problem::of_file(path, format!("the check has no {what}; write {other}")));
        }
    }
    problems
}

fn check_fixtures(tree: &Tree) -> Vec<Problem> {
    let list = tree.text(FIXTURE_LIST).unwrap_or("");
    let is_named = |name: &str| list.contains(&format!("`{name}`"));
    let unnamed = tree.below(FIXTURE_FOLDER).filter(|(path, _)| {
        let below = &path[FIXTURE_FOLDER.len()..];
        let file_name = below.rsplit('/').next().unwrap_or(below);
        *path != FIXTURE_LIST && !is_named(below) && !is_named(file_name)
    });
    unnamed
        .map(|(path, _)| {
            let text = format!("the fixture is not named in {FIXTURE_LIST}; say there what it is for");
            Problem::of_file(path, text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing;

    const TOOL: &str = "//! A.\nimpl Tool for Sql {\n}\n";

    #[test]
    fn a_tool_has_its_text() {
        let tools = |files: &[(&str, &str)]| {
            let mut tree = Tree::of(files);
            tree.insert("Cargo.toml", "[workspace]\n".to_owned());
            check_tools(&Project::new(tree).unwrap())
        };
        let (code, text) = ("crates/halo-query/src/tools/sql.rs", "crates/halo-query/src/tools/sql.md");
        testing::check(&tools(&[(code, TOOL), (text, "Runs it.\n")]), &[]);
        testing::check(&tools(&[(code, "//! Helps the tools; a Tool for all.\n")]), &[]);

        testing::check(&tools(&[(code, TOOL)]), &["sql.rs: the tool has no text for the model"]);
        testing::check(&tools(&[(code, TOOL), (text, " \n")]), &["sql.rs: the tool has no text"]);
        testing::check(&tools(&[(text, "Runs it.\n")]), &["sql.md: crates/halo-query/src/tools/sql.rs holds no tool"]);
        testing::check(&tools(&[("crates/halo-agent/src/tools/a.rs", TOOL)]), &["a.rs: the tool has no text"]);
    }

    #[test]
    fn a_check_has_its_text_and_the_other_way_round() {
        let checks = |names: &[&str]| {
            let mut tree = Tree::default();
            for name in names {
                tree.insert(&format!("{CHECK_FOLDER}{name}"), "x".to_owned());
            }
            check_checks(&tree)
        };
        testing::check(&checks(&["a.sql", "a.md", "shared/b.sql"]), &[]);
        testing::check(&checks(&["a.sql"]), &["a.sql: the check has no title, cause and fix"]);
        testing::check(&checks(&["a.sql", "a.md", "b.md"]), &["b.md: the check has no query"]);
    }

    #[test]
    fn a_fixture_is_named_in_the_list() {
        let fixtures = |list: &str| {
            let files = [(FIXTURE_LIST, list), ("fixtures/a.jsonl", ""), ("fixtures/broken/b.jsonl", "")];
            check_fixtures(&Tree::of(&files))
        };
        testing::check(&fixtures("| `a.jsonl` |\n| `b.jsonl` |"), &[]);
        testing::check(&fixtures("| `a.jsonl` |\n| `broken/b.jsonl` |"), &[]);
        testing::check(&fixtures("`a.jsonl`"), &["fixtures/broken/b.jsonl: the fixture is not named"]);
        testing::check(&fixtures("`aa.jsonl` and `b.jsonl`"), &["fixtures/a.jsonl: the fixture is not named"]);
    }
}
