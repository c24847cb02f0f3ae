//! Test support: a scripted model server, span builders and small datasets.
