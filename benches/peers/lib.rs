//! Benchmarks against other libraries: `cargo bench -p flowmap-peers`.
