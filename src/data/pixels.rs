//! Conversion between pixels as bytes and as floats.

use crate::{Error, Result};

/// Half of the largest byte: `b / HALF - 1` takes 0..=255 to [-1, 1], both ends exactly.
const HALF: f64 = 127.5;

/// Converts bytes of pixels to numbers from -1 to 1: `x = b / 127.5 - 1`.
///
/// ```
/// use flowmap::data::{bytes_of, floats_of};
/// assert_eq!(floats_of(&[0, 51, 255]), [-1.0, -0.6, 1.0]);
/// let every: Vec<u8> = (0..=255).collect();
/// assert_eq!(bytes_of(&floats_of(&every))?, every);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[must_use]
pub fn floats_of(bytes: &[u8]) -> Vec<f64> {
    bytes.iter().map(|&b| float(b)).collect()
}

/// Converts numbers to bytes of pixels: `b = 127.5 (x + 1)`, rounded to the nearest whole number, halves away from 0, and clamped
/// to 0..=255.
///
/// The inverse of [`floats_of`]. Samples of a model may leave [-1, 1] a little, hence the clamping, also of infinities.
///
/// ```
/// assert_eq!(flowmap::data::bytes_of(&[-1.2, 0.001, 7.0])?, [0, 128, 255]);
/// assert!(flowmap::data::bytes_of(&[0.0, f64::NAN]).is_err());
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] if a number is NaN.
pub fn bytes_of(x: &[f64]) -> Result<Vec<u8>> {
    if let Some(at) = x.iter().position(|x| x.is_nan()) {
        return Err(Error::invalid("pixels", format!("number {at} is NaN; check the model")));
    }
    Ok(x.iter().map(|x| (HALF * (x + 1.0)).round().clamp(0.0, 255.0) as u8).collect())
}

/// Writes an image of shape `[height, width, channels]` as floats to `x`, of the same length; `mirrored` swaps left and right.
pub(super) fn write_floats(image: &[u8], [_, width, channels]: [usize; 3], mirrored: bool, x: &mut [f64]) {
    if mirrored {
        let row = width * channels;
        for (from, to) in image.chunks_exact(row).zip(x.chunks_exact_mut(row)) {
            for (from, to) in from.chunks_exact(channels).rev().zip(to.chunks_exact_mut(channels)) {
                to.iter_mut().zip(from).for_each(|(x, &b)| *x = float(b));
            }
        }
    } else {
        x.iter_mut().zip(image).for_each(|(x, &b)| *x = float(b));
    }
}

fn float(b: u8) -> f64 {
    f64::from(b) / HALF - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_pixels_and_not_their_channels() {
        let (image, shape) = ([0, 51, 102, 153, 204, 255, 255, 204, 153, 102, 51, 0], [2, 3, 2]);
        let mut x = [0.0; 12];
        write_floats(&image, shape, true, &mut x);
        assert_eq!(bytes_of(&x).unwrap(), [204, 255, 102, 153, 0, 51, 51, 0, 153, 102, 255, 204]);
        write_floats(&image, shape, false, &mut x);
        assert_eq!(bytes_of(&x).unwrap(), image);
    }

    #[test]
    fn outside_and_without_a_number() {
        assert_eq!(bytes_of(&[f64::NEG_INFINITY, -1.004, 1.004, f64::INFINITY]).unwrap(), [0, 0, 255, 255]);
        assert!(bytes_of(&[0.0, f64::NAN]).unwrap_err().to_string().contains("number 1 is NaN"));
    }
}
