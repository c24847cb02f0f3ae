//! What every member's manifest must say, and the features that the root manifest must keep off.

use toml::Value;

use super::{
    problem::Problem,
    project::{Member, Project, Purpose, string_at, strings, table_at},
};

/// Fields that every member takes from `[workspace.package]`.
const FROM_WORKSPACE: &[&str] = &["version", "edition", "rust-version", "license"];

/// Dependencies that a member may declare with a version of its own.
const OWN_VERSIONS: &[OwnVersion] = &[];

/// An exception, with what it is for.
#[derive(Debug)]
struct OwnVersion {
    member: &'static str,
    package: &'static str,
    reason: &'static str,
}

/// Features that must stay off, with what they would cost.
const BANNED_FEATURES: &[(&str, &str, &str)] =
    &[("insta", "redactions", "it changes memchr's features, and with them rebuilds all of DataFusion")];

/// Dependencies that must be taken without their default features.
const WITHOUT_DEFAULTS: &[(&str, &str)] = &[(
    "datafusion",
    "the defaults bring compression, crypto and functions that halo never calls, and minutes of compiling",
)];

/// Checks all manifests.
pub(super) fn check(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in &project.members {
        problems.extend(check_package(member));
        problems.extend(check_versions(member, OWN_VERSIONS));
        problems.extend(check_sources_name_dependencies(project, member));
    }
    problems.extend(check_exceptions(project, OWN_VERSIONS));
    problems.extend(check_features(project));
    problems.extend(check_workspace_dependencies_are_used(project));
    problems
}

fn check_package(member: &Member) -> Vec<Problem> {
    let mut texts = Vec::new();
    if !is_from_workspace(member, &["lints"]) {
        texts.push("add `[lints] workspace = true`".to_owned());
    }
    for field in FROM_WORKSPACE {
        if !is_from_workspace(member, &["package", field]) {
            texts.push(format!("take it from the workspace: `{field}.workspace = true`"));
        }
    }
    if string_at(&member.manifest, &["package", "description"]).is_none_or(|text| text.trim().is_empty()) {
        texts.push("say in `description` what the crate is for".to_owned());
    }
    let problems = texts.into_iter();
    problems.map(|text| Problem::of_file(&member.manifest_path, text)).collect()
}

fn is_from_workspace(member: &Member, path: &[&str]) -> bool {
    let value = table_at(&member.manifest, path).and_then(|table| table.get("workspace"));
    value.and_then(Value::as_bool) == Some(true)
}

fn check_versions(member: &Member, exceptions: &[OwnVersion]) -> Vec<Problem> {
    let own = member.dependencies.iter().filter(|dependency| {
        let is_exception =
            |exception: &OwnVersion| exception.member == member.name && exception.package == dependency.package;
        !dependency.from_workspace && !exceptions.iter().any(is_exception)
    });
    own.map(|dependency| {
        let text = format!(
            "`{}` has a version of its own; put it under [workspace.dependencies] and write `{}.workspace = true`",
            dependency.package, dependency.key
        );
        Problem::new(&member.manifest_path, dependency.line, text)
    })
    .collect()
}

fn check_exceptions(project: &Project, exceptions: &[OwnVersion]) -> Vec<Problem> {
    let stale = exceptions.iter().filter(|exception| {
        let dependencies = project.member(exception.member).map(|member| &member.dependencies);
        !dependencies
            .into_iter()
            .flatten()
            .any(|dependency| dependency.package == exception.package && !dependency.from_workspace)
    });
    stale
        .map(|exception| {
            let text = format!(
                "`{}` has no `{}` of its own version any more ({}); remove the exception",
                exception.member, exception.package, exception.reason
            );
            Problem::of_file("xtask/src/tidy/manifests.rs", text)
        })
        .collect()
}

/// A dependency that no source names costs everybody its compilation.
fn check_sources_name_dependencies(project: &Project, member: &Member) -> Vec<Problem> {
    let folder = format!("{}/", member.folder);
    let mut problems = Vec::new();
    for dependency in &member.dependencies {
        let name = dependency.key.replace('-', "_");
        let mut files = project.rust_files.iter().filter(|file| {
            // What only tests use belongs to dev-dependencies.
            file.path.starts_with(&folder)
                && match dependency.purpose {
                    Purpose::Normal => has_word(&file.product_code, &name),
                    Purpose::Dev | Purpose::Build => has_word(&file.code, &name),
                }
        });
        if files.next().is_none() {
            let what = match dependency.purpose {
                Purpose::Normal => "no product source of the crate names it; remove it, or make it a dev-dependency",
                Purpose::Dev | Purpose::Build => "no source of the crate names it; remove it",
            };
            let text = format!("`{}`: {what}", dependency.key);
            problems.push(Problem::new(&member.manifest_path, dependency.line, text));
        }
    }
    problems
}

fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let after = &code[at + word.len()..];
        !code[..at].ends_with(super::rust::is_word) && !after.starts_with(super::rust::is_word)
    })
}

fn check_features(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, value) in project.workspace_dependencies() {
        let line = project.workspace_dependency_line(key);
        for (package, feature, cost) in BANNED_FEATURES {
            if key == *package && strings(value.get("features")).iter().any(|found| found == feature) {
                let text = format!("take `{key}` without the feature `{feature}`: {cost}");
                problems.push(Problem::new("Cargo.toml", line, text));
            }
        }
        for (package, cost) in WITHOUT_DEFAULTS {
            let is_off = value.get("default-features").and_then(Value::as_bool) == Some(false);
            if key == *package && !is_off {
                let text = format!("take `{key}` with `default-features = false`: {cost}");
                problems.push(Problem::new("Cargo.toml", line, text));
            }
        }
    }
    for member in &project.members {
        for dependency in &member.dependencies {
            for (package, feature, cost) in BANNED_FEATURES {
                if dependency.package == *package && dependency.features.iter().any(|found| found == feature) {
                    let text = format!("take `{package}` without the feature `{feature}`: {cost}");
                    problems.push(Problem::new(&member.manifest_path, dependency.line, text));
                }
            }
        }
    }
    problems
}

fn check_workspace_dependencies_are_used(project: &Project) -> Vec<Problem> {
    let all = || project.members.iter().flat_map(|member| &member.dependencies);
    let unused = project
        .workspace_dependencies()
        .filter(|(key, _)| !all().any(|dependency| dependency.from_workspace && dependency.key == *key));
    unused
        .map(|(key, _)| {
            let line = project.workspace_dependency_line(key);
            Problem::new("Cargo.toml", line, format!("no member uses `{key}`; remove it"))
        })
        .collect()
}

#[cfg(test)]
mod tests;
