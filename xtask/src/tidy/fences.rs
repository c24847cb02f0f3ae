//! Which crate may use which heavy dependency.

use super::{
    problem::Problem,
    project::{Dependency, Project, Purpose},
    rust::is_word,
};

/// A group of packages and who may use them.
#[derive(Debug)]
struct Fence {
    /// Names of packages; a star at the end stands for anything.
    packages: &'static [&'static str],
    /// Who stands on which side.
    side: Side,
    /// Members whose tests may use them, too.
    tests_of: &'static [&'static str],
    /// Said to who breaks it.
    reason: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Side {
    /// Only these members may.
    Only(&'static [&'static str]),
    /// All but these members may.
    AllBut(&'static [&'static str]),
}

const FENCES: &[Fence] = &[
    Fence {
        packages: &["datafusion*", "object_store*"],
        side: Side::Only(&["halo-query"]),
        tests_of: &[],
        reason: "the engine stands behind one door, so that nobody else waits for it to compile",
    },
    Fence {
        packages: &["arrow*"],
        side: Side::Only(&["halo-dataset", "halo-ingest", "halo-query"]),
        tests_of: &[],
        reason: "columns are built and read in the data crates alone",
    },
    Fence {
        packages: &["parquet*"],
        side: Side::Only(&["halo-dataset"]),
        tests_of: &[],
        reason: "halo-dataset alone knows what lies on disk",
    },
    Fence {
        packages: &["reqwest*"],
        // Spans go out over HTTP, and the model client, which knows nothing of runs, is no place for that.
        side: Side::Only(&["halo-llm", "halo-telemetry"]),
        tests_of: &[],
        reason: "halo-llm asks models and halo-telemetry sends spans; nobody else opens a connection",
    },
    Fence {
        packages: &["clap*", "indicatif*", "directories*", "terminal_size*", "rustyline*"],
        side: Side::Only(&["halo-cli"]),
        tests_of: &[],
        reason: "only the command line knows terminals and the user's folders",
    },
    Fence {
        packages: &["anyhow"],
        side: Side::Only(&["xtask", "halo-bench"]),
        tests_of: &[],
        reason: "a product crate has an error type of its own, which tells who is to blame",
    },
    Fence {
        packages: &["simd-json"],
        side: Side::Only(&["halo-ingest"]),
        tests_of: &[],
        reason: "reading trace files is the work of halo-ingest",
    },
    Fence {
        packages: &["flate2"],
        side: Side::Only(&["halo-ingest"]),
        tests_of: &["halo-cli"],
        reason: "unpacking trace files is the work of halo-ingest",
    },
    Fence {
        packages: &["zstd*"],
        side: Side::Only(&["halo-ingest", "xtask"]),
        tests_of: &["halo-cli"],
        reason: "unpacking trace files is the work of halo-ingest",
    },
    Fence {
        packages: &["minijinja*", "pulldown-cmark*"],
        side: Side::Only(&["halo-report"]),
        tests_of: &[],
        reason: "halo-report alone renders pages",
    },
    Fence {
        packages: &["tokio*", "async-std", "smol"],
        side: Side::AllBut(&["halo-protocol", "halo-dataset", "halo-ingest", "halo-report"]),
        tests_of: &[],
        reason: "this crate is synchronous and called from any runtime",
    },
];

/// The crate whose sources may name the engine.
const ENGINE_CRATE: &str = "crates/halo-query/";
const ENGINE: &str = "datafusion";

/// Holds every dependency against the fences, and the sources against the one around the engine.
pub(super) fn check(project: &Project) -> Vec<Problem> {
    let mut problems = check_manifests(project);
    problems.extend(check_sources(project));
    problems
}

fn check_manifests(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in &project.members {
        for dependency in &member.dependencies {
            for fence in FENCES.iter().filter(|fence| !fence.allows(&member.name, dependency)) {
                let text = format!("`{}` may not use `{}`: {}", member.name, dependency.package, fence.reason);
                problems.push(Problem::new(&member.manifest_path, dependency.line, text));
            }
        }
    }
    problems
}

fn check_sources(project: &Project) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in &project.rust_files {
        if file.path.starts_with(ENGINE_CRATE) {
            continue;
        }
        for (index, _) in file.code.lines().enumerate().filter(|(_, line)| names_the_engine(line)) {
            let text = "only halo-query may name DataFusion; ask it for a result instead";
            problems.push(Problem::new(&file.path, Some(index + 1), text));
        }
    }
    problems
}

/// Whether a line of code has a path into the engine or one of its companions, such as `datafusion_functions_json`.
fn names_the_engine(line: &str) -> bool {
    line.match_indices(ENGINE).any(|(at, _)| {
        let (before, from) = line.split_at(at);
        let after = from.trim_start_matches(is_word);
        let is_used = before.trim_end().ends_with("use") || before.trim_end().ends_with("crate");
        !before.ends_with(is_word) && (after.starts_with("::") || is_used)
    })
}

impl Fence {
    fn allows(&self, member: &str, dependency: &Dependency) -> bool {
        if !self.covers(&dependency.package) {
            return true;
        }
        let may_in_tests = dependency.purpose == Purpose::Dev && self.tests_of.contains(&member);
        match self.side {
            Side::Only(members) => members.contains(&member) || may_in_tests,
            Side::AllBut(members) => !members.contains(&member) || may_in_tests,
        }
    }

    fn covers(&self, package: &str) -> bool {
        self.packages.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => package.starts_with(start),
            None => package == *pattern,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{testing, tree::Tree};

    fn project(name: &str, dependencies: &str) -> Project {
        let mut tree = Tree::of(&[("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n")]);
        let manifest = format!("[package]\nname = \"{name}\"\n{dependencies}\n");
        tree.insert("crates/x/Cargo.toml", manifest);
        Project::new(tree).unwrap()
    }

    fn check(name: &str, dependencies: &str, expected: &[&str]) {
        testing::check(&check_manifests(&project(name, dependencies)), expected);
    }

    #[test]
    fn every_fence_stops_somebody() {
        for fence in FENCES {
            let stranger = match fence.side {
                Side::Only(_) => "halo-nobody",
                Side::AllBut(members) => members[0],
            };
            for pattern in fence.packages {
                let package = pattern.trim_end_matches('*');
                let dependencies = format!("[dependencies]\n{package}.workspace = true");
                check(stranger, &dependencies, &[fence.reason]);
            }
        }
    }

    #[test]
    fn the_line_is_told_and_renames_are_seen_through() {
        check(
            "halo-agent",
            "[dependencies]\nserde = \"1\"\nreqwest = \"0.12\"",
            &["crates/x/Cargo.toml:5: `halo-agent` may not use `reqwest`: halo-llm asks models"],
        );
        check("halo-agent", "[dependencies]\nweb = { version = \"1\", package = \"reqwest\" }", &["`reqwest`"]);
        check("halo-llm", "[dependencies]\nreqwest = \"0.12\"", &[]);
        check("halo-telemetry", "[dependencies]\nreqwest = \"0.12\"", &[]);
    }

    #[test]
    fn companions_are_behind_the_same_fence() {
        check("halo-cli", "[dependencies]\ndatafusion-functions-json = \"1\"", &["behind one door"]);
        check("halo-query", "[dependencies]\ndatafusion-functions-json = \"1\"", &[]);
        check("halo-query", "[dev-dependencies]\nparquet = \"1\"", &["what lies on disk"]);
        check("halo-ingest", "[dev-dependencies]\ntokio-util = \"1\"", &["synchronous"]);
    }

    #[test]
    fn some_may_in_tests_alone() {
        check("halo-cli", "[dev-dependencies]\nflate2 = \"1\"\nzstd = \"1\"", &[]);
        check("halo-cli", "[dependencies]\nzstd = \"1\"", &["unpacking"]);
    }

    #[test]
    fn only_one_crate_names_the_engine() {
        let sources = |path: &str, text: &str| {
            let tree = Tree::of(&[("Cargo.toml", "[workspace]\n"), (path, text)]);
            check_sources(&Project::new(tree).unwrap())
        };
        let told = ["only halo-query may name DataFusion"];
        testing::check(&sources("crates/halo-cli/src/a.rs", "use datafusion;"), &told);
        testing::check(&sources("crates/halo-cli/tests/it/a.rs", "x(datafusion::y)"), &told);
        testing::check(&sources("benches/src/a.rs", "\nuse datafusion_functions_json::z;"), &["a.rs:2"]);
        for harmless in ["// datafusion::x", "\"datafusion::x\"", "fn my_datafusion() {}", "let datafusion = 1;"] {
            testing::check(&sources("crates/halo-cli/src/a.rs", harmless), &[]);
        }
        testing::check(&sources("crates/halo-query/src/a.rs", "use datafusion::x;"), &[]);
    }
}
