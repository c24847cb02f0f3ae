//! Large files, which everybody who clones the repository carries for ever.

use super::{problem::Problem, project::Project};

const BYTES_MAX: u64 = 256 << 10;

/// Files that may be larger, with why.
const LARGER: &[(&str, &str)] = &[("Cargo.lock", "cargo writes it, and it grows with the engine's dependencies")];

/// Tells every file that is too large.
pub(super) fn check(project: &Project) -> Vec<Problem> {
    let large = project
        .tree
        .files()
        .filter(|(path, file)| file.bytes > BYTES_MAX && !LARGER.iter().any(|(larger, _)| larger == path));
    large
        .map(|(path, file)| {
            let text = format!(
                "{} KiB, at most {} KiB may be; generate it, compress it, or name it with a reason in xtask/src/tidy/sizes.rs",
                file.bytes.div_ceil(1 << 10),
                BYTES_MAX >> 10
            );
            Problem::of_file(path, text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{testing, tree::Tree};

    #[test]
    fn a_large_file_is_told_unless_it_is_named() {
        let sized = |path: &str, bytes: usize| {
            let tree = Tree::of(&[("Cargo.toml", "[workspace]\n"), (path, &"x".repeat(bytes))]);
            check(&Project::new(tree).unwrap())
        };
        testing::check(&sized("a.bin", 256 << 10), &[]);
        testing::check(&sized("a.bin", (256 << 10) + 1), &["a.bin: 257 KiB, at most 256 KiB"]);
        testing::check(&sized("Cargo.lock", 1 << 20), &[]);
        testing::check(&sized("fixtures/Cargo.lock", 1 << 20), &["fixtures/Cargo.lock: 1024 KiB"]);
    }
}
