//! Learning: training and what is done with what it made. One program, because each is long to compile.

#[path = "../common/mod.rs"]
mod common;

mod certificates;
mod from_field;
#[cfg(feature = "transport")]
mod fuzz_constructors;
mod guidance;
mod learning;
mod likelihood;
mod methods;
mod observers;
mod own;
mod parts;
mod resume;
mod sampling;
mod settings;
mod trainer;
mod transformer;
#[cfg(feature = "transport")]
mod transport;
