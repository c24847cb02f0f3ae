//! The documents that a reader starts with: that they are there, and that their links lead somewhere.

use super::{edges::EDGES, problem::Problem, project::Project, rust::is_word, tree::Tree};

const MUST_BE_THERE: &[&str] = &["README.md", ARCHITECTURE, CHANGELOG, "LICENSE-MIT", "LICENSE-APACHE", ".ci/run"];
const ARCHITECTURE: &str = "ARCHITECTURE.md";
const CHANGELOG: &str = "CHANGELOG.md";
const UNRELEASED: &str = "## Unreleased";
const WITH_LINKS: &[&str] = &["README.md", ARCHITECTURE];
/// Folders at the root that ARCHITECTURE.md sends its reader to, besides the crates.
const PLACES: &[&str] = &["benches", "crates", "docs", "fixtures", "xtask"];

/// Checks all documents.
pub(super) fn check(project: &Project) -> Vec<Problem> {
    let tree = &project.tree;
    let mut problems = check_presence(tree);
    problems.extend(check_changelog(tree));
    problems.extend(check_architecture(tree));
    problems.extend(check_places(tree));
    for path in WITH_LINKS {
        problems.extend(check_links(tree, path));
    }
    problems
}

fn check_presence(tree: &Tree) -> Vec<Problem> {
    let missing = MUST_BE_THERE.iter().filter(|path| !tree.has_file(path));
    missing.map(|path| Problem::of_file(*path, "the file is missing; write it")).collect()
}

fn check_changelog(tree: &Tree) -> Option<Problem> {
    let text = tree.text(CHANGELOG)?;
    let has_section = text.lines().any(|line| line.trim_end() == UNRELEASED);
    let what = "there is no place for the next change; add a section";
    (!has_section).then(|| Problem::of_file(CHANGELOG, format!("{what} `{UNRELEASED}`")))
}

fn check_architecture(tree: &Tree) -> Vec<Problem> {
    let Some(text) = tree.text(ARCHITECTURE) else {
        return Vec::new();
    };
    let unnamed = EDGES.iter().filter(|(name, _)| !names(text, name));
    unnamed
        .map(|(name, _)| Problem::of_file(ARCHITECTURE, format!("say what `{name}` is for; it is not named")))
        .collect()
}

/// Whether a crate is named, as itself and not as a part of another name.
fn names(text: &str, name: &str) -> bool {
    let is_part = |character: char| is_word(character) || character == '-';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part))
}

/// A reader is sent to files by their paths in code spans, `halo-x/src/a.rs` standing for one below `crates/`; a star or
/// `NAME` stands for anything.
fn check_places(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let lines = tree.text(ARCHITECTURE).unwrap_or("").lines().enumerate();
    for (index, line) in lines.filter(|(_, line)| !line.trim_start().starts_with("```")) {
        for place in line.split('`').skip(1).step_by(2) {
            let path = match place.split_once('/') {
                Some((first, _)) if first.starts_with("halo-") => format!("crates/{place}"),
                Some((first, _)) if PLACES.contains(&first) => place.to_owned(),
                _ => continue,
            };
            let start = path.split('*').next().unwrap_or("");
            let start = start.split("NAME").next().unwrap_or("");
            let exists = if start.len() < path.len() {
                tree.below(start).next().is_some()
            } else {
                tree.has_file(&path) || tree.has_folder(path.trim_end_matches('/'))
            };
            if !exists {
                let text = format!("there is no `{place}` any more; name the place where it is now");
                problems.push(Problem::new(ARCHITECTURE, Some(index + 1), text));
            }
        }
    }
    problems
}

fn check_links(tree: &Tree, document: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (line, target) in links(tree.text(document).unwrap_or("")) {
        let path = target.split(['#', '?']).next().unwrap_or("");
        let is_elsewhere = path.contains("://") || path.starts_with("mailto:") || path.is_empty();
        if is_elsewhere {
            continue;
        }
        // Both documents lie at the root, so a link is a path below it.
        let path = path.trim_start_matches("./").trim_end_matches('/');
        if !tree.has_file(path) && !tree.has_folder(path) {
            let text = format!("the link to `{target}` leads nowhere; mend or remove it");
            problems.push(Problem::new(document, Some(line), text));
        }
    }
    problems
}

/// Targets of Markdown and HTML links with their lines. Code is passed over.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if in_code {
            continue;
        }
        let line = without_inline_code(line);
        // An opening, and what ends the target behind it.
        let marks: [(&str, &[char]); 3] = [("](", &[')', ' ']), ("src=\"", &['"']), ("href=\"", &['"'])];
        for (opening, ends) in marks {
            let targets = line.split(opening).skip(1).filter_map(|after| after.split(ends).next());
            links.extend(targets.map(|target| (index + 1, target.trim_matches(['<', '>']).to_owned())));
        }
        // A definition: `[name]: target`.
        if let Some((_, target)) = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            let target = target.split_whitespace().next().unwrap_or("");
            links.push((index + 1, target.trim_matches(['<', '>']).to_owned()));
        }
    }
    links
}

fn without_inline_code(line: &str) -> String {
    let parts = line.split('`').enumerate();
    parts.filter(|(index, _)| index % 2 == 0).map(|(_, part)| part).collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing;

    #[test]
    fn a_missing_document_is_told() {
        let mut tree = Tree::default();
        for path in MUST_BE_THERE {
            tree.insert(path, String::new());
        }
        testing::check(&check_presence(&tree), &[]);
        for path in MUST_BE_THERE {
            let others: Vec<_> = MUST_BE_THERE.iter().filter(|other| *other != path).collect();
            let files: Vec<_> = others.iter().map(|other| (**other, "")).collect();
            testing::check(&check_presence(&Tree::of(&files)), &[&format!("{path}: the file is missing")]);
        }
    }

    #[test]
    fn the_changelog_has_room_for_the_next_change() {
        let changelog = |text: &str| {
            let problem = check_changelog(&Tree::of(&[(CHANGELOG, text)]));
            problem.into_iter().collect::<Vec<_>>()
        };
        testing::check(&changelog("# Changes\n\n## Unreleased\n\n- more\n"), &[]);
        testing::check(&changelog("# Changes\n\n## 0.1.0\n"), &["add a section `## Unreleased`"]);
        testing::check(&changelog("See ## Unreleased\n"), &["add a section"]);
    }

    #[test]
    fn the_architecture_names_every_crate() {
        let all: Vec<&str> = EDGES.iter().map(|(name, _)| *name).collect();
        let architecture = |text: &str| check_architecture(&Tree::of(&[(ARCHITECTURE, text)]));
        testing::check(&architecture(&all.join("`, `")), &[]);
        let without = all.join(", ").replace("halo-tool,", "halo-tools, my-halo-tool,");
        testing::check(&architecture(&without), &["ARCHITECTURE.md: say what `halo-tool` is for"]);
    }

    #[test]
    fn the_architecture_sends_to_places_that_are_there() {
        let places = |text: &str| {
            let files = [("crates/halo-x/src/a.rs", ""), ("xtask/src/tidy/b.rs", ""), (ARCHITECTURE, text)];
            check_places(&Tree::of(&files))
        };
        let good = "`halo-x/src/a.rs`, `halo-x/src/`, `halo-x/src/*.rs`, `xtask/src/tidy*` and `halo-x/src/NAME.rs`;
`SELECT a/b`, `other/c.rs` and halo-x/d.rs are none\n";
        testing::check(&places(good), &[]);
        for bad in ["halo-x/src/b.rs", "halo-x/tools/*.rs", "xtask/src/a", "fixtures/NAME.jsonl"] {
            let told = format!("ARCHITECTURE.md:2: there is no `{bad}` any more");
            testing::check(&places(&format!("`a`\nsee `{bad}`.\n")), &[&told]);
        }
    }

    #[test]
    fn links_lead_to_files_and_folders() {
        let linked = |text: &str| {
            let tree = Tree::of(&[("README.md", text), ("docs/a.md", ""), ("LICENSE-MIT", "")]);
            check_links(&tree, "README.md")
        };
        let good = "[a](docs/a.md#part) [b](./docs/) ![c](LICENSE-MIT \"title\") [d](#here)\n<img src=\"docs/a.md\">
[e](https://example.com/x) [f](mailto:a@example.com) `[g](nowhere)`\n```\n[h](nowhere)\n```\n[i]: docs/a.md\n";
        testing::check(&linked(good), &[]);
        for bad in ["[a](docs/b.md)", "![a](doc)", "[a]: docs/b.md", "<img src=\"b.png\">", "[a](../x)"] {
            testing::check(&linked(&format!("text\n{bad}\n")), &["README.md:2: the link to `"]);
        }
        let both = linked("[a](docs/a.md) [b](b.md) and [c](c.md)");
        testing::check(&both, &["`b.md` leads nowhere", "`c.md` leads nowhere"]);
    }
}
