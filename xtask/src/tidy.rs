//! Holds the workspace to its rules: who may use whom, how sources look, which files belong together.
//!
//! `cargo xtask tidy` prints all problems at once; a test does the same, so that `cargo test` holds the architecture.

mod documents;
mod edges;
mod fences;
mod manifests;
mod pairs;
mod problem;
mod project;
mod rust;
mod sizes;
mod sources;
#[cfg(test)]
mod testing;
mod tree;

use std::path::Path;

use anyhow::{Result, bail};

use self::{problem::Problem, project::Project, tree::Tree};

type Check = fn(&Project) -> Vec<Problem>;

const CHECKS: &[Check] =
    &[edges::check, fences::check, manifests::check, sources::check, sizes::check, documents::check, pairs::check];

/// Runs all checks over `workspace`. An error names every problem; notes alone are no error.
pub(crate) fn run(workspace: &Path) -> Result<String> {
    let project = Project::new(Tree::read(workspace)?)?;
    let mut problems: Vec<Problem> = CHECKS.iter().flat_map(|check| check(&project)).collect();
    problems.sort();
    problems.dedup();
    let notes: String = lines("note: ", &sources::notes(&project));
    if !problems.is_empty() {
        bail!("problems found: {}\n{}{notes}", problems.len(), lines("", &problems));
    }
    let (files, members) = (project.tree.files().count(), project.members.len());
    Ok(format!("{notes}{files} files of {members} crates are tidy"))
}

fn lines(prefix: &str, problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{prefix}{problem}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        if let Err(error) = run(workspace) {
            panic!("{error}");
        }
    }
    #[test]
    fn the_scanner_keeps_its_footing_in_every_source() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let project = Project::new(Tree::read(workspace).unwrap()).unwrap();
        for file in &project.rust_files {
            let count = |brace: char| file.code.matches(brace).count();
            assert_eq!(count('{'), count('}'), "braces of {}", file.path);
            assert_eq!(file.code.lines().count(), file.text.lines().count(), "lines of {}", file.path);
        }
    }
}
