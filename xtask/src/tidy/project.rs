//! The workspace as its manifests describe it: members, and what each depends on.

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::{rust::RustFile, tree::Tree};

/// The sections of a manifest that hold dependencies, with what they are for.
const SECTIONS: &[(&str, Purpose)] =
    &[("dependencies", Purpose::Normal), ("dev-dependencies", Purpose::Dev), ("build-dependencies", Purpose::Build)];

/// All that the checks look at.
#[derive(Debug)]
pub(crate) struct Project {
    /// Every file.
    pub(crate) tree: Tree,
    /// Every Rust file, scanned.
    pub(crate) rust_files: Vec<RustFile>,
    /// The root Cargo.toml.
    pub(crate) root: Table,
    /// The members of the workspace, in order of their folders.
    pub(crate) members: Vec<Member>,
}

/// A member of the workspace.
#[derive(Debug)]
pub(crate) struct Member {
    /// The name of the package.
    pub(crate) name: String,
    /// Its folder below the workspace.
    pub(crate) folder: String,
    /// Its Cargo.toml below the workspace.
    pub(crate) manifest_path: String,
    /// What is in that.
    pub(crate) manifest: Table,
    /// Everything it depends on.
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line under a `dependencies` section.
#[derive(Debug)]
pub(crate) struct Dependency {
    /// The name it has in the manifest.
    pub(crate) key: String,
    /// The name of the package, which differs when it is renamed.
    pub(crate) package: String,
    /// Which section it stands in.
    pub(crate) purpose: Purpose,
    /// The line in the manifest.
    pub(crate) line: Option<usize>,
    /// Whether it is only there with a feature of the member.
    pub(crate) optional: bool,
    /// Whether it is taken from `[workspace.dependencies]`.
    pub(crate) from_workspace: bool,
    /// Features that the member adds.
    pub(crate) features: Vec<String>,
}

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The product.
    Normal,
    /// Tests, examples and benches.
    Dev,
    /// The build script.
    Build,
}

impl Project {
    /// Reads the manifests and scans the sources of `tree`.
    pub(crate) fn new(tree: Tree) -> Result<Self> {
        let root_text = tree.text("Cargo.toml").context("the workspace has no Cargo.toml")?;
        let root = parse("Cargo.toml", root_text)?;
        let mut members = Vec::new();
        for folder in member_folders(&root, &tree) {
            let manifest_path = format!("{folder}/Cargo.toml");
            let text = tree.text(&manifest_path).with_context(|| format!("the member {folder} has no Cargo.toml"))?;
            members.push(Member::new(folder, &manifest_path, text, &root)?);
        }
        let rust_files = tree
            .files()
            .filter(|(path, _)| path.ends_with(".rs"))
            .filter_map(|(path, file)| Some(RustFile::new(path, file.text.as_deref()?)))
            .collect();
        Ok(Self { tree, rust_files, root, members })
    }

    /// `[workspace.dependencies]`.
    pub(crate) fn workspace_dependencies(&self) -> impl Iterator<Item = (&str, &Value)> {
        let table = table_at(&self.root, &["workspace", "dependencies"]);
        table.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    /// The line of the root manifest on which a workspace dependency stands.
    pub(crate) fn workspace_dependency_line(&self, key: &str) -> Option<usize> {
        line_of(self.tree.text("Cargo.toml")?, "workspace.dependencies", key)
    }

    /// The member of this name.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

impl Member {
    fn new(folder: String, manifest_path: &str, text: &str, root: &Table) -> Result<Self> {
        let manifest = parse(manifest_path, text)?;
        let name = string_at(&manifest, &["package", "name"])
            .with_context(|| format!("{manifest_path} names no package"))?
            .to_owned();
        let mut dependencies = Vec::new();
        for (prefix, table) in dependency_holders(&manifest) {
            for (section, purpose) in SECTIONS {
                let Some(Value::Table(entries)) = table.get(*section) else {
                    continue;
                };
                for (key, value) in entries {
                    let line = line_of(text, &format!("{prefix}{section}"), key);
                    dependencies.push(Dependency::new(key, value, *purpose, line, root));
                }
            }
        }
        Ok(Self { name, folder, manifest_path: manifest_path.to_owned(), manifest, dependencies })
    }
}

impl Dependency {
    fn new(key: &str, value: &Value, purpose: Purpose, line: Option<usize>, root: &Table) -> Self {
        let from_workspace = value.get("workspace").and_then(Value::as_bool) == Some(true);
        let declared = if from_workspace {
            table_at(root, &["workspace", "dependencies"]).and_then(|table| table.get(key))
        } else {
            Some(value)
        };
        let renamed = declared.and_then(|value| value.get("package")).and_then(Value::as_str);
        Self {
            key: key.to_owned(),
            package: renamed.unwrap_or(key).to_owned(),
            purpose,
            line,
            optional: value.get("optional").and_then(Value::as_bool) == Some(true),
            from_workspace,
            features: strings(value.get("features")),
        }
    }
}

/// The table at a path of keys.
pub(crate) fn table_at<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Table> {
    path.iter().try_fold(table, |table, key| table.get(*key)?.as_table())
}

/// The text at a path of keys.
pub(crate) fn string_at<'a>(table: &'a Table, path: &[&str]) -> Option<&'a str> {
    let (last, folders) = path.split_last()?;
    table_at(table, folders)?.get(*last)?.as_str()
}

/// The texts of a list, nothing for anything else.
pub(crate) fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn parse(path: &str, text: &str) -> Result<Table> {
    text.parse::<Table>().with_context(|| format!("cannot parse {path}"))
}

/// Folders of `workspace.members`; of globs only `FOLDER/*` is known, which is all that the workspace needs.
fn member_folders(root: &Table, tree: &Tree) -> Vec<String> {
    let patterns = strings(table_at(root, &["workspace"]).and_then(|table| table.get("members")));
    let mut folders = Vec::new();
    for pattern in patterns {
        let Some(parent) = pattern.strip_suffix('*') else {
            folders.push(pattern);
            continue;
        };
        let manifests = tree.below(parent).filter_map(|(path, _)| {
            let folder = path.strip_suffix("/Cargo.toml")?;
            (!folder[parent.len()..].contains('/')).then(|| folder.to_owned())
        });
        folders.extend(manifests);
    }
    folders
}

/// The manifest itself and each `[target.X]` of it, with what stands before the section's name.
fn dependency_holders(manifest: &Table) -> Vec<(String, &Table)> {
    let mut holders = vec![(String::new(), manifest)];
    for (target, value) in table_at(manifest, &["target"]).into_iter().flatten() {
        if let Value::Table(table) = value {
            holders.push((format!("target.'{target}'."), table));
        }
    }
    holders
}

/// The line of `key` in `[section]`, or of `[section.key]`.
fn line_of(text: &str, section: &str, key: &str) -> Option<usize> {
    let (header, own_header) = (format!("[{section}]"), format!("[{section}.{key}]"));
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line == own_header {
            return Some(index + 1);
        }
        if line.starts_with('[') {
            inside = line == header;
        }
        let name = line.split(['.', '=']).next().unwrap_or("").trim();
        if inside && name == key {
            return Some(index + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_dependencies_are_read() {
        let project = Project::new(Tree::of(&[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"crates/*\", \"xtask\"]\n[workspace.dependencies]\nfast = { version = \"1\", package = \"really-fast\" }\n",
            ),
            (
                "crates/a/Cargo.toml",
                "[package]\nname = \"a\"\n[dependencies]\nfast.workspace = true\n[dev-dependencies]\nb = { version = \"1\", features = [\"c\"] }\n[target.'cfg(unix)'.dependencies]\nd = { version = \"1\", optional = true }\n",
            ),
            ("crates/a/fuzz/Cargo.toml", "[package]\nname = \"fuzz\"\n"),
            ("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n"),
        ]))
        .unwrap();
        let names: Vec<_> = project.members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["a", "xtask"]);

        let [fast, b, d] = project.members[0].dependencies.as_slice() else {
            panic!("{:?}", project.members[0].dependencies);
        };
        assert_eq!((fast.package.as_str(), fast.line), ("really-fast", Some(4)));
        assert!(fast.from_workspace && fast.purpose == Purpose::Normal);
        assert_eq!((b.line, b.purpose, b.features.as_slice()), (Some(6), Purpose::Dev, &["c".to_owned()][..]));
        assert!(!b.from_workspace && d.optional);
        assert_eq!((d.line, d.purpose), (Some(8), Purpose::Normal));
        assert_eq!(project.workspace_dependency_line("fast"), Some(4));
    }

    #[test]
    fn a_manifest_that_is_none_is_an_error() {
        let broken = Project::new(Tree::of(&[("Cargo.toml", "[workspace")]));
        assert_eq!(broken.unwrap_err().to_string(), "cannot parse Cargo.toml");
        let missing = Project::new(Tree::of(&[("Cargo.toml", "[workspace]\nmembers = [\"x\"]")]));
        assert_eq!(missing.unwrap_err().to_string(), "the member x has no Cargo.toml");
    }
}
