//! Per-stage and whole-path benchmarks.
