//! What to do instead, for exceptions that come from what this Python does not have.

use crate::host::HostFunction;

/// Packages that models reach for, with the words that stand for them in code.
const PACKAGES: [&str; 14] = [
    "pandas",
    "pd",
    "numpy",
    "np",
    "polars",
    "pl",
    "scipy",
    "sklearn",
    "matplotlib",
    "plt",
    "seaborn",
    "duckdb",
    "pyarrow",
    "tabulate",
];

/// Modules, and native parts of modules, that reach out of a process.
const OUTSIDE: [&str; 22] = [
    "_socket",
    "_ssl",
    "_ctypes",
    "_posixsubprocess",
    "_signal",
    "_multiprocessing",
    "_sqlite3",
    "_winapi",
    "_tkinter",
    "posix",
    "nt",
    "pwd",
    "grp",
    "fcntl",
    "mmap",
    "resource",
    "select",
    "termios",
    "readline",
    "requests",
    "httpx",
    "openai",
];

/// Modules of the library that code often uses without importing them.
const LIBRARY: [&str; 12] = [
    "json",
    "re",
    "math",
    "statistics",
    "datetime",
    "collections",
    "itertools",
    "random",
    "time",
    "csv",
    "Counter",
    "defaultdict",
];

/// A hint for an exception, by its class and text.
pub(crate) fn hint(class: &str, message: &str, functions: &[HostFunction], variables_lost: bool) -> Option<String> {
    let name = quoted(message);
    match (class, name) {
        ("ModuleNotFoundError" | "ImportError", Some(module)) => Some(module_hint(module, functions)),
        ("NameError", Some(name)) if PACKAGES.contains(&name) => Some(package_hint(name)),
        ("NameError", Some(name)) if LIBRARY.contains(&name) => Some(format!("{name} must be imported first")),
        ("NameError", Some(_)) if variables_lost => {
            Some("variables, functions and imports of earlier calls are gone; define them again".to_owned())
        }
        ("NameError", Some(_)) => Some(format!("the host functions here are {}", names(functions))),
        ("RecursionError", _) => Some("use a loop with a list as a stack instead of recursion".to_owned()),
        ("SyntaxError", _) if message.contains("never closed") => {
            Some("the code may be cut off; send it whole".to_owned())
        }
        _ => None,
    }
}

fn module_hint(module: &str, functions: &[HostFunction]) -> String {
    let top = module.split('.').next().unwrap_or(module);
    if PACKAGES.contains(&top) {
        return package_hint(top);
    }
    if OUTSIDE.contains(&top) {
        return format!(
            "there are no files, no network and no processes here; what there is to read comes from {}",
            names(functions)
        );
    }
    "only Python's standard library is here, without what needs files, network or processes".to_owned()
}

fn package_hint(name: &str) -> String {
    format!(
        "{name} is not available; sql() filters and aggregates, and statistics, collections.Counter and itertools work on its rows"
    )
}

fn names(functions: &[HostFunction]) -> String {
    let names: Vec<String> = functions.iter().map(|function| format!("{}()", function.name)).collect();
    names.join(", ")
}

/// The first name in single quotes.
fn quoted(message: &str) -> Option<&str> {
    message.split('\'').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace_functions;

    #[test]
    fn hints_say_what_to_do_instead() {
        let hint = |class, message, lost| hint(class, message, &trace_functions(), lost);
        let all = [
            hint("ModuleNotFoundError", "No module named 'pandas'", false),
            hint("ModuleNotFoundError", "No module named '_socket'", false),
            hint("ModuleNotFoundError", "No module named 'yaml'", false),
            hint("NameError", "name 'np' is not defined", false),
            hint("NameError", "name 'json' is not defined", true),
            hint("NameError", "name 'rows' is not defined", false),
            hint("NameError", "name 'rows' is not defined", true),
            hint("RecursionError", "maximum recursion depth exceeded", false),
            hint("KeyError", "'trace_id'", false),
        ];
        let all: Vec<String> = all.into_iter().map(|hint| hint.unwrap_or_else(|| "-".to_owned())).collect();
        insta::assert_snapshot!(all.join("\n"));
    }
}
