//! Training: what it learns, what it refuses, and how it is stopped and resumed. One program, because each is long to compile.

#[path = "../common/mod.rs"]
mod common;
mod from_field;
mod guidance;
mod learning;
mod methods;
mod resume;
mod settings;
mod trainer;
