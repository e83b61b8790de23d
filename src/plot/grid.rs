//! Pictures of rows of images.

use std::path::Path;

use super::{
    canvas::{Canvas, Colour, INK, LINE, PAPER, blend, text_width},
    check_range,
};
use crate::{Error, Result};

const GAP: u32 = 8;
const MARGIN: u32 = 12;
/// The approximate side of enlarged images, in pixels.
const SIDE: u32 = 56;
const NOT_FINITE: Colour = [214, 39, 40];

/// Draws rows of images of `[height, width, channels]`, each row after its name, to a PNG file.
///
/// A row is its images one after another: shape `[n, height, width, channels]`. With one channel, the value `low` is drawn as
/// paper, `high` as ink; with three, `low` is no light of a colour, and `high` all of it; values between are interpolated
/// linearly, values beyond are clamped. Values that are not finite are drawn red. Small images are enlarged by repeating pixels.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("digits.png");
/// use flowmap::plot::image_grid;
/// let ramp: Vec<f64> = (0..3 * 64).map(|k| f64::from(k % 64) / 63.0).collect(); // three images of 8x8 pixels
/// image_grid(&path, &[("1 step", &ramp[..64]), ("data", &ramp)], [8, 8, 1], [0.0, 1.0])?;
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] if there is no image, there are other than 1 or 3 channels, `low` equals `high` or one is not finite, or
/// the picture is too large; [`Error::Shape`] if the numbers of a row do not fill its images; [`Error::Io`] if the file cannot be
/// written.
pub fn image_grid(
    path: impl AsRef<Path>,
    rows: &[(&str, &[f64])],
    [height, width, channels]: [usize; 3],
    [low, high]: [f64; 2],
) -> Result<()> {
    check_range("pixel values", [low.min(high), low.max(high)])?;
    if channels != 1 && channels != 3 {
        return Err(Error::invalid("images", format!("{channels} channels cannot be drawn; give 1, for grey, or 3, for colour")));
    }
    let nothing = || Error::invalid("images", "there is nothing to draw; give at least one row of one image of one pixel");
    let pixels = height.checked_mul(width).and_then(|n| n.checked_mul(channels)).filter(|n| *n > 0).ok_or_else(nothing)?;
    for (name, images) in rows {
        if !images.len().is_multiple_of(pixels) {
            let (expected, found) = (vec![images.len() / pixels, height, width, channels], vec![images.len()]);
            return Err(Error::Shape { what: format!("images of row '{name}'"), expected, found });
        }
    }
    let columns = rows.iter().map(|(_, images)| images.len() / pixels).max().filter(|n| *n > 0).ok_or_else(nothing)?;
    let zoom = (SIDE as usize).div_ceil(height.max(width));
    let pitch = |n: usize| (n as u64).saturating_mul(zoom as u64).saturating_add(GAP.into());
    let names = rows.iter().map(|(name, _)| text_width(name)).max().unwrap_or(0);
    let left = if names > 0 { names.saturating_add(2 * MARGIN) } else { MARGIN };
    let (across, down) = (pitch(width), pitch(height).max(u64::from(LINE)));
    let total =
        |start: u32, count: usize, pitch: u64| pitch.saturating_mul(count as u64).saturating_add(u64::from(start + MARGIN - GAP));
    let mut canvas = Canvas::new(total(left, columns, across), total(MARGIN, rows.len(), down))?;

    // these positions are on the canvas, so they are small
    let (across, down, zoom) = (across as u32, down as u32, zoom as u32);
    for (top, (name, images)) in (MARGIN..).step_by(down as usize).zip(rows) {
        canvas.text(name, [MARGIN, top + (down - GAP).saturating_sub(LINE) / 2]);
        for (corner, image) in (left..).step_by(across as usize).zip(images.chunks_exact(pixels)) {
            for (j, row) in (0..).zip(image.chunks_exact(width * channels)) {
                for (i, pixel) in (0..).zip(row.chunks_exact(channels)) {
                    let colour = colour(pixel, [low, high]);
                    canvas.fill([corner + i * zoom, top + j * zoom], [zoom, zoom], colour);
                }
            }
        }
    }
    canvas.save(path.as_ref())
}

fn colour(pixel: &[f64], [low, high]: [f64; 2]) -> Colour {
    let share = |value: f64| (value - low) / (high - low);
    match *pixel {
        _ if pixel.iter().any(|value| !value.is_finite()) => NOT_FINITE,
        [red, green, blue] => [red, green, blue].map(|value| (255.0 * share(value)).round() as u8),
        _ => blend(PAPER, INK, share(pixel[0])),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::decoded, *};

    #[test]
    fn pixels_are_enlarged_and_rows_may_be_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.png");
        image_grid(&path, &[("", &[0.0, 1.0, 2.0, f64::NAN]), ("", &[1.0, 0.0])], [1, 2, 1], [0.0, 1.0]).unwrap();
        let picture = decoded(&path);
        let at = |x: u32, y: u32| picture.get_pixel(MARGIN + x, MARGIN + y).0;
        assert_eq!([at(0, 0), at(27, 27), at(28, 0), at(55, 0)], [PAPER, PAPER, INK, INK]);
        assert_eq!([at(64, 0), at(92, 0)], [INK, NOT_FINITE]);
        assert_eq!([at(0, 36), at(28, 36), at(64, 36)], [INK, PAPER, PAPER]);
    }

    #[test]
    fn colours_are_light() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("colours.png");
        image_grid(&path, &[("", &[-1.0, 1.0, 9.0, 0.0, f64::NAN, 0.0])], [1, 2, 3], [-1.0, 1.0]).unwrap();
        let picture = decoded(&path);
        assert_eq!(picture.get_pixel(MARGIN, MARGIN).0, [0, 255, 255]);
        assert_eq!(picture.get_pixel(MARGIN + 28, MARGIN).0, NOT_FINITE);
        assert!(image_grid(&path, &[("", &[0.0; 2])], [1, 1, 2], [-1.0, 1.0]).unwrap_err().to_string().contains("2 channels"));
    }

    #[test]
    fn bad_arguments() {
        let path = std::env::temp_dir().join("never-grid.png");
        assert!(image_grid(&path, &[], [1, 1, 1], [0.0, 1.0]).is_err());
        assert!(image_grid(&path, &[("", &[])], [1, 1, 1], [0.0, 1.0]).is_err());
        assert!(image_grid(&path, &[("", &[1.0])], [0, 1, 1], [0.0, 1.0]).is_err());
        assert!(image_grid(&path, &[("", &[1.0])], [1, 1, 1], [1.0, 1.0]).is_err());
        let error = image_grid(&path, &[("odd", &[1.0; 5])], [2, 2, 1], [0.0, 1.0]).unwrap_err().to_string();
        assert!(error.contains("row 'odd'"), "{error}");
        assert!(image_grid(&path, &[("", &[1.0; 1000])], [1, 1, 1], [0.0, 1.0]).unwrap_err().to_string().contains("pixels"));
    }
}
