//! Reports as their readers see them: whole, hostile, empty, cut short.

mod hostile;
mod order;
mod poison;
mod sample;
mod shown;
