//! The tools over small repositories on disk, some of them hostile.

mod bounds;
mod checkout;
mod cite;
mod confinement;
mod files;
mod history;
mod hostile_git;
mod refusals;
