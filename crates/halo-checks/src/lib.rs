//! Deterministic detectors of harness faults, and the gate every finding passes.
