//! How thorough the tests are.

/// As many random cases where the variable `CI` is set; a `share`-th of them otherwise, which finds most faults and takes
/// seconds.
pub fn cases(thorough: u32, share: u32) -> u32 {
    if std::env::var_os("CI").is_some() { thorough } else { thorough.div_ceil(share) }
}
