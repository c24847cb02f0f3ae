//! The tools for the model: each is a file with a `.md` beside it, the text that the model reads.
//!
//! Names and arguments are those of HALO where HALO has them, so that prompts written for it keep working; what is more is optional.

use halo_tool::ToolRegistry;

use crate::Repo;

pub(crate) mod files;
mod git_blame;
mod git_diff;
mod git_log;
mod git_read_file;
mod git_show;
mod glob_files;
mod grep_files;
mod patch;
mod read_file;
mod view_repo_tree;

/// The tools over a repository: those for files, and those for history when there is one.
#[must_use]
pub fn tools(repo: Repo) -> ToolRegistry {
    let mut registry = ToolRegistry::new();
    let has_git = repo.git_missing().is_none();
    registry.add(view_repo_tree::ViewRepoTree { repo: repo.clone() });
    registry.add(glob_files::GlobFiles { repo: repo.clone() });
    registry.add(grep_files::GrepFiles { repo: repo.clone() });
    registry.add(read_file::ReadFile { repo: repo.clone() });
    if has_git {
        registry.add(git_log::GitLog { repo: repo.clone() });
        registry.add(git_show::GitShow { repo: repo.clone() });
        registry.add(git_diff::GitDiff { repo: repo.clone() });
        registry.add(git_blame::GitBlame { repo: repo.clone() });
        registry.add(git_read_file::GitReadFile { repo });
    }
    registry
}
