//! An empty crate in the place of `libffi`.
//!
//! rustpython-vm names libffi for Python's `ctypes`, which is not part of this build (its feature `host_env` is off). The real crate links
//! the system's library all the same, so that building halo would need its development files. Should `ctypes` ever be
//! compiled in, it fails here, as it should.
