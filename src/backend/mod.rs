//! Libraries whose arrays flowmap runs on.
