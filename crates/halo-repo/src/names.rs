//! Names that are never shown: git's own folder, and files that hold secrets.

use std::ffi::OsStr;

/// Folders that hold what others made: not walked unless they are asked for by path.
const MADE_FOLDERS: &[&str] = &[
    "node_modules",
    "__pycache__",
    ".venv",
    ".tox",
    ".eggs",
    ".cache",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".hg",
    ".svn",
];

/// Patterns of names of files that hold secrets, in lower case; a star stands for anything.
const SECRETS: &[&str] = &[
    ".env*",
    "*.env",
    "*.pem",
    "*.p12",
    "*.pfx",
    "*.key",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.ppk",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc*",
    "_netrc",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".htpasswd",
    ".dockercfg",
    ".git-credentials*",
    "credentials",
    ".credentials*",
    "credentials.json",
    "credentials.toml",
    "credentials.yml",
    "credentials.yaml",
    "credentials.ini",
    "credentials.csv",
    "credentials.xml",
    "credentials.db",
    "application_default_credentials.json",
    "client_secret*.json",
    "service-account*.json",
    "service_account*.json",
    "secrets.json",
    "secrets.toml",
    "secrets.yml",
    "secrets.yaml",
];

/// Whether a name is that of git's own folder on some file system: letter case, dots and blanks at the end, short names of Windows, and
/// characters that macOS ignores.
pub(crate) fn is_git_folder(name: &OsStr) -> bool {
    let name: String = name.to_string_lossy().chars().filter(|c| !is_ignorable(*c)).collect();
    let name = name.split(':').next().unwrap_or("").trim_end_matches(['.', ' ']);
    name.eq_ignore_ascii_case(".git") || name.eq_ignore_ascii_case("git~1")
}

fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Whether a folder holds what others made.
pub(crate) fn is_made(name: &OsStr) -> bool {
    MADE_FOLDERS.iter().any(|made| name == *made)
}

/// Whether a file holds secrets, by its name.
pub(crate) fn is_secret(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    SECRETS.iter().any(|pattern| match pattern.split_once('*') {
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
        None => name == *pattern,
    })
}

/// The same patterns as git leaves them out of a diff.
pub(crate) fn secret_pathspecs() -> impl Iterator<Item = String> {
    SECRETS.iter().map(|pattern| format!(":(top,exclude,icase,glob)**/{pattern}"))
}

/// Why a file that holds secrets is not shown.
pub(crate) fn secret_refusal(path: &str) -> String {
    format!("`{path}` is not shown: files of this name hold secrets; look for the code that reads it instead")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_name() {
        for name in [
            ".env",
            ".ENV.local",
            ".envrc",
            "prod.env",
            "a.pem",
            "id_rsa",
            "id_rsa.pub",
            ".netrc",
            "credentials",
            "Credentials.JSON",
        ] {
            assert!(is_secret(OsStr::new(name)), "{name}");
        }
        for name in
            ["env", "environment.py", "pem", "credentials.py", "my_id_rsa.md", "netrc.rs", "tokens.py", "key.py"]
        {
            assert!(!is_secret(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn gits_folder_is_known_however_it_is_spelled() {
        for name in
            [".git", ".GIT", ".git ", ".git.", ".git::$INDEX_ALLOCATION", "GIT~1", ".g\u{200c}it", "\u{feff}.git"]
        {
            assert!(is_git_folder(OsStr::new(name)), "{name}");
        }
        for name in [".gitignore", ".github", "git", "x.git", ".gitmodules"] {
            assert!(!is_git_folder(OsStr::new(name)), "{name}");
        }
    }
}
