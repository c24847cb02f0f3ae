//! Manifests and tables that break the rules of edges, each in one way.

use super::*;
use crate::tidy::{testing, tree::Tree};

const A_USES_B: &Edges = &[("a", &["b"]), ("b", &[])];

fn project(members: &[(&str, &str)]) -> Project {
    let mut tree = Tree::of(&[("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n")]);
    for (name, dependencies) in members {
        let manifest = format!("[package]\nname = \"{name}\"\n{dependencies}\n");
        tree.insert(&format!("crates/{name}/Cargo.toml"), manifest);
    }
    Project::new(tree).unwrap()
}

fn check(problems: &[Problem], expected: &[&str]) {
    testing::check(problems, expected);
}

#[test]
fn the_table_of_the_workspace_is_sound() {
    check(&check_table(EDGES), &[]);
    assert_eq!(longest_chain(EDGES, "halo-cli", &[]).unwrap().len(), CHAIN_MAX);
}

#[test]
fn a_circle_in_the_table_is_told() {
    let edges: &Edges = &[("x", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])];
    check(&check_table(edges), &["the table has a circle, a -> b -> c -> a"]);
}

#[test]
fn a_chain_of_six_is_told() {
    let edges: &Edges = &[("a", &["b", "f"]), ("b", &["c"]), ("c", &["d"]), ("d", &["e"]), ("e", &["f"]), ("f", &[])];
    check(&check_table(edges), &["the chain a -> b -> c -> d -> e -> f is 6 crates long"]);
    check(&check_table(&edges[1..]), &[]);
}

#[test]
fn an_edge_outside_of_the_table_is_told_with_its_line() {
    let good = project(&[("a", "[dependencies]\nb.workspace = true\nserde = \"1\""), ("b", "")]);
    check(&check_manifests(&good, A_USES_B), &[]);

    let bad = project(&[("a", "[dependencies]\nb.workspace = true"), ("b", "[dependencies]\na.workspace = true")]);
    check(&check_manifests(&bad, A_USES_B), &["crates/b/Cargo.toml:4: `b` may not use `a`"]);
    let bad =
        project(&[("a", "[dependencies]\nb = \"1\""), ("b", "[target.'cfg(unix)'.build-dependencies]\na = \"1\"")]);
    check(&check_manifests(&bad, A_USES_B), &["crates/b/Cargo.toml:4: `b` may not use `a`"]);
}

#[test]
fn a_renamed_dependency_is_seen_through() {
    let bad = project(&[("a", "[dependencies]\nb = \"1\""), ("b", "[dependencies]\nharmless = { package = \"a\" }")]);
    check(&check_manifests(&bad, A_USES_B), &["`b` may not use `a`"]);
}

#[test]
fn an_edge_that_nobody_uses_is_told() {
    let bad = project(&[("a", "[dev-dependencies]\nb.workspace = true"), ("b", "")]);
    check(&check_manifests(&bad, A_USES_B), &["nobody uses the edge `a` -> `b`; remove it from the table"]);
}

#[test]
fn members_and_table_name_the_same_crates() {
    let bad = project(&[("a", "[dependencies]\nb.workspace = true"), ("b", ""), ("c", "")]);
    check(&check_manifests(&bad, A_USES_B), &["crates/c/Cargo.toml: `c` is not in the table"]);
    let bad = project(&[("b", "")]);
    check(&check_manifests(&bad, A_USES_B), &["the table names `a`, which is no member"]);
}

#[test]
fn the_datasets_of_the_test_kit_stay_optional() {
    let edges: &Edges = &[("halo-testkit", &["halo-dataset"]), ("halo-dataset", &[])];
    let kit = |dependency: &str| project(&[("halo-testkit", dependency), ("halo-dataset", "")]);
    let bad = kit("[dependencies]\nhalo-dataset.workspace = true");
    check(&check_manifests(&bad, edges), &["crates/halo-testkit/Cargo.toml:4: `halo-dataset` must be optional"]);
    let good = kit("[dependencies]\nhalo-dataset = { workspace = true, optional = true }");
    check(&check_manifests(&good, edges), &[]);
}

#[test]
fn tests_may_use_the_test_kit_and_what_the_crate_uses() {
    let with_kit = "[dev-dependencies]\nhalo-testkit.workspace = true";
    let check_dev = |members: &[(&str, &str)], expected: &[&str]| {
        check(&check_test_dependencies(&project(members), EDGES), expected);
    };
    check_dev(&[("halo-agent", with_kit), ("halo-testkit", "")], &[]);
    let used_anyway = "[dev-dependencies]\nhalo-tool = { workspace = true, features = [\"x\"] }";
    check_dev(&[("halo-agent", used_anyway), ("halo-tool", "")], &[]);

    check_dev(
        &[("halo-report", with_kit), ("halo-testkit", "")],
        &["crates/halo-report/Cargo.toml:4: tests of `halo-report` may not use `halo-testkit`"],
    );
    check_dev(
        &[("halo-agent", "[dev-dependencies]\nhalo-query.workspace = true"), ("halo-query", "")],
        &["tests of `halo-agent` may not use `halo-query`"],
    );
}

#[test]
fn tests_of_the_agent_do_not_wait_for_arrow() {
    let with_datasets = "[dev-dependencies]\nhalo-testkit = { workspace = true, features = [\"dataset\"] }";
    let bad = project(&[("halo-agent", with_datasets), ("halo-testkit", "")]);
    check(&check_test_dependencies(&bad, EDGES), &["tests of `halo-agent` may not use the datasets of `halo-testkit`"]);
    let good = project(&[("halo-query", with_datasets), ("halo-testkit", "")]);
    check(&check_test_dependencies(&good, EDGES), &[]);
}

#[test]
fn a_circle_through_the_tests_is_told() {
    let bad = project(&[
        ("halo-query", "[dev-dependencies]\nhalo-testkit.workspace = true"),
        ("halo-testkit", "[dependencies]\nhalo-dataset.workspace = true"),
        ("halo-dataset", "[dependencies]\nhalo-query.workspace = true"),
    ]);
    check(
        &check_test_dependencies(&bad, EDGES),
        &["`halo-testkit` uses `halo-query`, so tests of `halo-query` with it close a circle"],
    );
}
