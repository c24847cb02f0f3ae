//! An open folder whose members are opened without following links.
//!
//! On Unix a folder is a descriptor and its members are opened relative to it, so that nobody can swap a part of the path for a link between
//! the check and the read. Elsewhere members are opened by path.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

/// What a member of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, socket or device: never opened.
    Other,
}

/// A member of a folder.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: OsString,
    pub(crate) kind: Kind,
    /// Size of a file in bytes.
    pub(crate) bytes: u64,
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder {
    #[cfg(unix)]
    handle: rustix::fd::OwnedFd,
    #[cfg(not(unix))]
    path: PathBuf,
}

#[cfg(unix)]
impl Folder {
    /// Opens a folder by its path. The path may lead through links: whoever opens the first folder means it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { handle: rustix::fs::open(path, flags, Mode::empty())? })
    }

    /// Opens a folder in this one.
    pub(crate) fn folder(&self, name: &OsStr) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self { handle: rustix::fs::openat(&self.handle, name, flags, Mode::empty())? })
    }

    /// Opens a regular file in this folder.
    pub(crate) fn file(&self, name: &OsStr) -> io::Result<File> {
        // Not blocking: a pipe that nobody writes to would be waited for in open.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        regular(File::from(rustix::fs::openat(&self.handle, name, flags, Mode::empty())?))
    }

    /// Another handle of the same folder.
    pub(crate) fn again(&self) -> io::Result<Self> {
        Ok(Self { handle: self.handle.try_clone()? })
    }

    /// What stands under a name.
    pub(crate) fn member(&self, name: &OsStr) -> io::Result<Member> {
        let stat = rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            _ => Kind::Other,
        };
        Ok(Member { name: name.to_owned(), kind, bytes: u64::try_from(stat.st_size).unwrap_or(0) })
    }

    /// Where a link points.
    pub(crate) fn link_target(&self, name: &OsStr) -> io::Result<PathBuf> {
        use std::os::unix::ffi::OsStringExt;
        let target = rustix::fs::readlinkat(&self.handle, name, Vec::new())?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// Names in this folder, at most so many, in no order.
    fn names(&self, max: usize) -> io::Result<Vec<OsString>> {
        use std::os::unix::ffi::OsStrExt;
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            if names.len() >= max {
                break;
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }
}

#[cfg(not(unix))]
impl Folder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.canonicalize()? })
    }

    pub(crate) fn folder(&self, name: &OsStr) -> io::Result<Self> {
        match self.member(name)?.kind {
            Kind::Folder => Ok(Self { path: self.path.join(name) }),
            _ => Err(io::Error::from(io::ErrorKind::NotADirectory)),
        }
    }

    pub(crate) fn file(&self, name: &OsStr) -> io::Result<File> {
        let path = self.path.join(name);
        if self.member(name)?.kind != Kind::File {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let file = regular(File::open(&path)?)?;
        // What was opened must still stand there without a link on the way.
        if path.canonicalize()? != path {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        Ok(file)
    }

    pub(crate) fn again(&self) -> io::Result<Self> {
        Ok(Self { path: self.path.clone() })
    }

    pub(crate) fn member(&self, name: &OsStr) -> io::Result<Member> {
        let found = std::fs::symlink_metadata(self.path.join(name))?;
        let kind = match found.file_type() {
            kind if kind.is_symlink() => Kind::Link,
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_file() => Kind::File,
            _ => Kind::Other,
        };
        Ok(Member { name: name.to_owned(), kind, bytes: found.len() })
    }

    pub(crate) fn link_target(&self, name: &OsStr) -> io::Result<PathBuf> {
        std::fs::read_link(self.path.join(name))
    }

    fn names(&self, max: usize) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(&self.path)?.take(max).map(|entry| Ok(entry?.file_name())).collect()
    }
}

impl Folder {
    /// Members in the order of their names, at most so many of them. One that is gone again is left out.
    pub(crate) fn members(&self, max: usize) -> io::Result<Vec<Member>> {
        let mut names = self.names(max)?;
        names.sort_unstable();
        Ok(names.iter().filter_map(|name| self.member(name).ok()).collect())
    }

    /// The beginning of a small file, at most so many bytes.
    pub(crate) fn read(&self, name: &OsStr, bytes_max: u64) -> io::Result<Vec<u8>> {
        use io::Read;
        let mut content = Vec::new();
        self.file(name)?.take(bytes_max).read_to_end(&mut content)?;
        Ok(content)
    }
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::from(io::ErrorKind::InvalidInput)) }
}
