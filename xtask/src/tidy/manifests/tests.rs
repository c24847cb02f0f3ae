//! Manifests that break the rules, each in one way.

use super::*;
use crate::tidy::{testing, tree::Tree};

const GOOD: &str = "[package]
name = \"a\"
description = \"an a\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true

[lints]
workspace = true
";

fn project(root: &str, manifest: &str, source: &str) -> Project {
    let root = format!("[workspace]\nmembers = [\"crates/*\"]\n[workspace.dependencies]\n{root}\n");
    let files = [("Cargo.toml", root.as_str()), ("crates/a/Cargo.toml", manifest), ("crates/a/src/lib.rs", source)];
    Project::new(Tree::of(&files)).unwrap()
}

fn check_member(manifest: &str, expected: &[&str]) {
    testing::check(&check_package(&project("", manifest, "").members[0]), expected);
}

#[test]
fn a_member_takes_its_fields_from_the_workspace() {
    check_member(GOOD, &[]);
    check_member(&GOOD.replace("[lints]\nworkspace = true", ""), &["[lints] workspace = true"]);
    check_member(
        &GOOD.replace("version.workspace = true\nedition", "version = \"1.0.0\"\nedition"),
        &["`version.workspace"],
    );
    check_member(&GOOD.replace("edition.workspace = true", "edition = \"2021\""), &["`edition.workspace"]);
    check_member(&GOOD.replace("rust-version.workspace = true\n", ""), &["`rust-version.workspace"]);
    check_member(&GOOD.replace("license.workspace = true", "license.workspace = false"), &["`license.workspace"]);
    check_member(&GOOD.replace("an a", " "), &["say in `description`"]);
    check_member(&GOOD.replace("description = \"an a\"\n", ""), &["say in `description`"]);
}

#[test]
fn versions_stand_in_the_workspace() {
    let exceptions = [OwnVersion { member: "a", package: "strsim", reason: "suggestions" }];
    let versions = |dependencies: &str| {
        let project = project("", &format!("{GOOD}{dependencies}"), "");
        let mut problems = check_versions(&project.members[0], &exceptions);
        problems.extend(check_exceptions(&project, &exceptions));
        problems
    };
    testing::check(&versions("[dependencies]\nstrsim = \"0.11\"\nserde.workspace = true"), &[]);
    testing::check(
        &versions("[dev-dependencies]\nserde = { version = \"1\" }\nstrsim = \"0.11\""),
        &["crates/a/Cargo.toml:12: `serde` has a version of its own"],
    );
    testing::check(
        &versions("[dependencies]\nstrsim.workspace = true"),
        &["`a` has no `strsim` of its own version any more (suggestions); remove the exception"],
    );
}

#[test]
fn a_dependency_that_no_source_names_is_told() {
    let named = |dependencies: &str, source: &str| {
        let project = project("", &format!("{GOOD}{dependencies}"), source);
        check_sources_name_dependencies(&project, &project.members[0])
    };
    let normal = "[dependencies]\nserde-json.workspace = true";
    let told = ["crates/a/Cargo.toml:12: `serde-json`: no product source of the crate names it"];
    testing::check(&named(normal, "use serde_json::x;"), &[]);
    testing::check(&named(normal, "// serde_json\nlet x = \"serde_json\";"), &told);
    testing::check(&named(normal, "use serde_json_canonical::x;"), &told);
    testing::check(&named(normal, "#[cfg(test)]\nmod tests {\n    use serde_json::x;\n}"), &told);

    let dev = normal.replace("dependencies", "dev-dependencies");
    testing::check(&named(&dev, "#[cfg(test)]\nmod tests {\n    use serde_json::x;\n}"), &[]);
    testing::check(&named(&dev, ""), &["`serde-json`: no source of the crate names it; remove it"]);
}

#[test]
fn features_that_cost_a_rebuild_stay_off() {
    let features =
        |root: &str, dependencies: &str| check_features(&project(root, &format!("{GOOD}{dependencies}"), ""));
    testing::check(&features("insta = { version = \"1\", features = [\"json\"] }", ""), &[]);
    testing::check(
        &features("insta = { version = \"1\", features = [\"json\", \"redactions\"] }", ""),
        &["Cargo.toml:4: take `insta` without the feature `redactions`"],
    );
    testing::check(
        &features("", "[dev-dependencies]\ninsta = { workspace = true, features = [\"redactions\"] }"),
        &["crates/a/Cargo.toml:12: take `insta` without the feature `redactions`"],
    );
    testing::check(&features("datafusion = { version = \"1\", default-features = false }", ""), &[]);
    let told = ["Cargo.toml:4: take `datafusion` with `default-features = false`"];
    testing::check(&features("datafusion = \"1\"", ""), &told);
    testing::check(&features("datafusion = { version = \"1\", default-features = true }", ""), &told);
}

#[test]
fn a_workspace_dependency_that_nobody_uses_is_told() {
    let unused = |dependencies: &str| {
        let root = "serde = \"1\"\n";
        check_workspace_dependencies_are_used(&project(root, &format!("{GOOD}{dependencies}"), ""))
    };
    testing::check(&unused("[dependencies]\nserde.workspace = true"), &[]);
    testing::check(&unused("[dependencies]\nserde = \"1\""), &["Cargo.toml:4: no member uses `serde`; remove it"]);
}
