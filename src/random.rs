//! Reproducible random numbers: each draw is a pure function of a seed and a stream number.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Returns generator number `stream` for `seed`: a pure function of the two, the same on every machine.
///
/// ChaCha with 8 rounds; its streams do not overlap (2^64 streams of 2^68 bytes each).
///
/// ```
/// use flowmap::random::stream;
/// use rand::Rng;
/// assert_eq!(stream(1, 5).next_u64(), stream(1, 5).next_u64());
/// assert_ne!(stream(1, 5).next_u64(), stream(1, 6).next_u64());
/// ```
#[must_use]
pub fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// Checksum of numbers, for fingerprints.
pub(crate) fn checksum(numbers: &[f64]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    numbers.iter().for_each(|x| hasher.update(&x.to_le_bytes()));
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn the_stream_of_a_step_does_not_change() {
        assert_eq!(stream(42, 0).next_u64(), 12_578_764_544_318_200_737);
        assert_eq!(stream(42, 1_000_000).next_u64(), 13_111_687_739_651_236_752);
    }
}
