//! Which crate of the workspace may use which other one.

use std::collections::BTreeSet;

use super::{
    problem::Problem,
    project::{Dependency, Member, Project, Purpose},
};

/// Each member with the members that it may use. This table is the architecture: ARCHITECTURE.md explains it.
pub(super) const EDGES: &[(&str, &[&str])] = &[
    ("halo-protocol", &[]),
    ("halo-tool", &["halo-protocol"]),
    ("halo-dataset", &[]),
    ("halo-redact", &[]),
    ("halo-ingest", &["halo-dataset", "halo-redact"]),
    ("halo-query", &["halo-protocol", "halo-dataset", "halo-tool"]),
    ("halo-repo", &["halo-protocol", "halo-tool"]),
    ("halo-checks", &["halo-protocol", "halo-tool", "halo-query"]),
    ("halo-llm", &["halo-protocol"]),
    ("halo-agent", &["halo-protocol", "halo-tool", "halo-llm"]),
    ("halo-sandbox", &["halo-tool"]),
    ("halo-report", &["halo-protocol"]),
    ("halo-telemetry", &["halo-protocol"]),
    (
        "halo-cli",
        &[
            "halo-protocol",
            "halo-tool",
            "halo-dataset",
            "halo-ingest",
            "halo-query",
            "halo-checks",
            "halo-llm",
            "halo-agent",
            "halo-report",
            "halo-repo",
            "halo-sandbox",
            "halo-telemetry",
        ],
    ),
    ("halo-testkit", &["halo-dataset"]),
    ("halo-bench", &["halo-checks", "halo-dataset", "halo-ingest", "halo-protocol", "halo-query", "halo-tool"]),
    ("xtask", &[]),
];

/// Crates in the longest chain, the first and the last counted: what one must read to follow a call to its end.
const CHAIN_MAX: usize = 5;

const TESTKIT: &str = "halo-testkit";
/// The feature of the test kit that brings arrow and parquet.
const DATASET_FEATURE: &str = "dataset";
/// Whose tests may use the test kit, and whether with its datasets. The tests of halo-llm, halo-agent and
/// halo-telemetry must not wait for arrow and parquet to compile.
const TESTKIT_USERS: &[(&str, bool)] = &[
    ("halo-query", true),
    ("halo-checks", true),
    ("halo-llm", false),
    ("halo-agent", false),
    ("halo-telemetry", false),
    ("halo-cli", true),
    ("halo-bench", true),
];
/// Edges that must stay behind a feature.
const OPTIONAL_EDGES: &[(&str, &str)] = &[(TESTKIT, "halo-dataset")];

type Edges = [(&'static str, &'static [&'static str])];

/// Compares the table with the manifests.
pub(super) fn check(project: &Project) -> Vec<Problem> {
    let mut problems = check_table(EDGES);
    problems.extend(check_manifests(project, EDGES));
    problems.extend(check_test_dependencies(project, EDGES));
    problems
}

/// The table must have no circle and no long chain.
fn check_table(edges: &Edges) -> Vec<Problem> {
    let here = "xtask/src/tidy/edges.rs";
    let mut longest: Vec<&str> = Vec::new();
    for (name, _) in edges {
        match longest_chain(edges, name, &[]) {
            Ok(chain) if chain.len() > longest.len() => longest = chain,
            Ok(_) => {}
            Err(circle) => {
                let text = format!("the table has a circle, {}; take one of its edges out", circle.join(" -> "));
                return vec![Problem::of_file(here, text)];
            }
        }
    }
    if longest.len() <= CHAIN_MAX {
        return Vec::new();
    }
    let text = format!(
        "the chain {} is {} crates long, at most {CHAIN_MAX} may be; let one crate know less",
        longest.join(" -> "),
        longest.len()
    );
    vec![Problem::of_file(here, text)]
}

/// The longest chain that starts at `name`; the circle, when there is one.
fn longest_chain<'a>(edges: &Edges, name: &'a str, above: &[&'a str]) -> Result<Vec<&'a str>, Vec<&'a str>> {
    let mut path = above.to_vec();
    path.push(name);
    if let Some(start) = above.iter().position(|crate_above| *crate_above == name) {
        return Err(path.split_off(start));
    }
    let mut longest = Vec::new();
    for below in allowed(edges, name).unwrap_or(&[]) {
        let chain = longest_chain(edges, below, &path)?;
        if chain.len() > longest.len() {
            longest = chain;
        }
    }
    longest.insert(0, name);
    Ok(longest)
}

/// Every edge of a manifest must be in the table, and every edge of the table in a manifest.
fn check_manifests(project: &Project, edges: &Edges) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in &project.members {
        let Some(allowed) = allowed(edges, &member.name) else {
            let text = format!(
                "`{}` is not in the table of xtask/src/tidy/edges.rs; add it with what it may use",
                member.name
            );
            problems.push(Problem::of_file(&member.manifest_path, text));
            continue;
        };
        for dependency in internal_dependencies(project, member) {
            if dependency.purpose == Purpose::Dev {
                continue;
            }
            let edge = (member.name.as_str(), dependency.package.as_str());
            let text = if !allowed.contains(&edge.1) {
                format!("`{}` may not use `{}`; see xtask/src/tidy/edges.rs", edge.0, edge.1)
            } else if OPTIONAL_EDGES.contains(&edge) && !dependency.optional {
                format!("`{}` must be optional here, so that only who asks for it waits for it", edge.1)
            } else {
                continue;
            };
            problems.push(Problem::new(&member.manifest_path, dependency.line, text));
        }
    }
    for (name, allowed) in edges {
        let Some(member) = project.member(name) else {
            let text = format!("the table names `{name}`, which is no member; remove it from the table");
            problems.push(Problem::of_file("xtask/src/tidy/edges.rs", text));
            continue;
        };
        for below in *allowed {
            let is_used = member
                .dependencies
                .iter()
                .any(|dependency| dependency.package == *below && dependency.purpose != Purpose::Dev);
            if !is_used {
                let text = format!("nobody uses the edge `{name}` -> `{below}`; remove it from the table");
                problems.push(Problem::of_file("xtask/src/tidy/edges.rs", text));
            }
        }
    }
    problems
}

/// Tests may use the test kit on top, and nothing that uses the crate under test.
fn check_test_dependencies(project: &Project, edges: &Edges) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in &project.members {
        let allowed = allowed(edges, &member.name).unwrap_or(&[]);
        for dependency in internal_dependencies(project, member) {
            let package = dependency.package.as_str();
            if dependency.purpose != Purpose::Dev || allowed.contains(&package) {
                continue;
            }
            if let Some(text) = fault_of_test_dependency(project, member, dependency) {
                problems.push(Problem::new(&member.manifest_path, dependency.line, text));
            }
        }
    }
    problems
}

fn fault_of_test_dependency(project: &Project, member: &Member, dependency: &Dependency) -> Option<String> {
    let (name, package) = (&member.name, dependency.package.as_str());
    // Whose tests build datasets with the kit may also write one span by span.
    if package == "halo-dataset" && TESTKIT_USERS.contains(&(name.as_str(), true)) {
        return None;
    }
    if package != TESTKIT {
        return Some(format!(
            "tests of `{name}` may not use `{package}`; only `{TESTKIT}` may come on top of the table"
        ));
    }
    if reaches(project, package, name) {
        return Some(format!(
            "`{package}` uses `{name}`, so tests of `{name}` with it close a circle; use plain values"
        ));
    }
    let has_datasets = dependency.features.iter().any(|feature| feature == DATASET_FEATURE);
    match TESTKIT_USERS.iter().find(|(user, _)| user == name) {
        None => {
            Some(format!("tests of `{name}` may not use `{TESTKIT}`; see TESTKIT_USERS in xtask/src/tidy/edges.rs"))
        }
        Some((_, false)) if has_datasets => Some(format!(
            "tests of `{name}` may not use the datasets of `{TESTKIT}`: they would wait for arrow and parquet"
        )),
        Some(_) => None,
    }
}

fn allowed(edges: &Edges, name: &str) -> Option<&'static [&'static str]> {
    let row = edges.iter().find(|(row, _)| *row == name)?;
    Some(row.1)
}

fn internal_dependencies<'a>(project: &'a Project, member: &'a Member) -> impl Iterator<Item = &'a Dependency> {
    member.dependencies.iter().filter(|dependency| project.member(&dependency.package).is_some())
}

/// Whether `from` uses `to`, however far down, by what the manifests say.
fn reaches(project: &Project, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        if name == to {
            return true;
        }
        let Some(member) = project.member(name).filter(|_| seen.insert(name)) else {
            continue;
        };
        let below = internal_dependencies(project, member);
        open.extend(
            below.filter(|dependency| dependency.purpose != Purpose::Dev).map(|dependency| dependency.package.as_str()),
        );
    }
    false
}

#[cfg(test)]
mod tests;
