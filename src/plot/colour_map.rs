//! Colours for numbers.

use super::canvas::Colour;

/// From dark violet (0) over blue and green to pale yellow (1): equal steps of the number are equal steps for the eye.
///
/// In the colour space Oklab, lightness and hue grow evenly at constant chroma, so the map is perceptually uniform by
/// construction; lightness alone gives the order, so it can be read without seeing colours, or in grey.
///
/// Reference: B. Ottosson, A perceptual color space for image processing, 2020, <https://bottosson.github.io/posts/oklab/>.
pub(super) fn colour(share: f64) -> Colour {
    srgb(oklab(share.clamp(0.0, 1.0))).map(|c| (255.0 * c).round() as u8)
}

/// Lightness, and the two coordinates of hue and chroma.
fn oklab(share: f64) -> [f64; 3] {
    // a little less than the sRGB gamut allows along the whole map
    const CHROMA: f64 = 0.092;
    let between = |from: f64, to: f64| from + share * (to - from);
    let (sin, cos) = between(300.0, 105.0).to_radians().sin_cos();
    [between(0.28, 0.92), CHROMA * cos, CHROMA * sin]
}

/// A colour of Oklab in sRGB, each part in `[0, 1]` if it can be shown.
fn srgb([lightness, a, b]: [f64; 3]) -> [f64; 3] {
    let cones = [
        lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b,
        lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b,
        lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b,
    ];
    let [l, m, s] = cones.map(|c| c.powi(3));
    let linear = [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ];
    linear.map(|c| if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours() {
        let close = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(close(srgb([1.0, 0.0, 0.0]), [1.0, 1.0, 1.0]));
        assert!(close(srgb([0.0, 0.0, 0.0]), [0.0, 0.0, 0.0]));
        assert!(close(srgb([0.627_955, 0.224_863, 0.125_846]), [1.0, 0.0, 0.0]), "red");
    }

    #[test]
    fn every_colour_can_be_shown_and_they_grow_lighter() {
        // the relative luminance of what is really drawn, after rounding
        let luminance = |colour: Colour| {
            let [r, g, b] = colour.map(|c| f64::from(c) / 255.0).map(|c| ((c + 0.055) / 1.055).powf(2.4));
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let colours: Vec<Colour> = (0..=64).map(|k| colour(f64::from(k) / 64.0)).collect();
        assert!(colours.is_sorted_by(|a, b| luminance(*a) < luminance(*b)));
        assert_eq!((colour(-1.0), colour(2.0)), (colours[0], colours[64]));
        for k in 0..=1000 {
            let parts = srgb(oklab(f64::from(k) / 1000.0));
            assert!(parts.iter().all(|c| (0.0..=1.0).contains(c)), "{k}: {parts:?}");
        }
    }

    #[test]
    fn steps_are_equal() {
        let distance = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        let step = |k: u8| distance(oklab(f64::from(k) / 64.0), oklab(f64::from(k + 1) / 64.0));
        assert!((0..64).all(|k| (step(k) / step(0) - 1.0).abs() < 1e-12));
    }
}
