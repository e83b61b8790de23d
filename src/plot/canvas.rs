//! An image buffer with text.

use std::{io::Cursor, path::Path};

use image::{ImageFormat, Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use crate::{Error, Result, durable};

pub(super) type Colour = [u8; 3];

pub(super) const PAPER: Colour = [255, 255, 255];
pub(super) const INK: Colour = [38, 45, 58];
pub(super) const FRAME: Colour = [200, 206, 214];

const WEIGHT: FontWeight = FontWeight::Regular;
const HEIGHT: RasterHeight = RasterHeight::Size24;

/// The height of a line of text, in pixels.
pub(super) const LINE: u32 = HEIGHT.val() as u32;

/// The width of a text, in pixels.
pub(super) fn text_width(text: &str) -> u32 {
    let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    characters.saturating_mul(get_raster_width(WEIGHT, HEIGHT) as u32)
}

/// `a` at 0, `b` at 1.
pub(super) fn blend(a: Colour, b: Colour, share: f64) -> Colour {
    std::array::from_fn(|i| (f64::from(a[i]) + share.clamp(0.0, 1.0) * (f64::from(b[i]) - f64::from(a[i]))).round() as u8)
}

pub(super) struct Canvas(RgbImage);

impl Canvas {
    /// A white canvas.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a side is longer than 20,000 pixels.
    pub fn new(width: u64, height: u64) -> Result<Self> {
        const LONGEST: u64 = 20_000;
        if width > LONGEST || height > LONGEST {
            let reason = format!("{width}x{height} pixels; draw fewer or smaller panels, at most {LONGEST} pixels a side");
            return Err(Error::invalid("size of the picture", reason));
        }
        Ok(Self(RgbImage::from_pixel(width as u32, height as u32, Rgb(PAPER))))
    }

    /// Canvases side by side, aligned at the top.
    ///
    /// # Errors
    /// As [`Canvas::new`].
    pub fn row(parts: &[Self]) -> Result<Self> {
        let widths = parts.iter().map(|part| u64::from(part.0.width()));
        let height = parts.iter().map(|part| part.0.height()).max().unwrap_or(0);
        let mut row = Self::new(widths.sum(), height.into())?;
        let mut left = 0;
        for part in parts {
            image::imageops::replace(&mut row.0, &part.0, left, 0);
            left += i64::from(part.0.width());
        }
        Ok(row)
    }

    /// Colours a pixel; pixels outside are ignored.
    pub fn set(&mut self, x: u32, y: u32, colour: Colour) {
        if let Some(pixel) = self.0.get_pixel_mut_checked(x, y) {
            *pixel = Rgb(colour);
        }
    }

    /// Colours a rectangle.
    pub fn fill(&mut self, [x, y]: [u32; 2], [width, height]: [u32; 2], colour: Colour) {
        for j in y..y.saturating_add(height) {
            for i in x..x.saturating_add(width) {
                self.set(i, j, colour);
            }
        }
    }

    /// Blends a colour into a pixel.
    pub fn mix(&mut self, [x, y]: [u32; 2], colour: Colour, share: f64) {
        if let Some(pixel) = self.0.get_pixel_mut_checked(x, y) {
            *pixel = Rgb(blend(pixel.0, colour, share));
        }
    }

    /// One line of text from its upper left corner on, a `?` for each character that is not ASCII.
    pub fn text(&mut self, text: &str, [x, y]: [u32; 2]) {
        self.glyphs(text, |along, down| [x + along, y + down]);
    }

    /// One line of text that runs upwards, from its lower left corner on.
    pub fn text_upwards(&mut self, text: &str, [x, y]: [u32; 2]) {
        self.glyphs(text, |along, down| [x + down, y.saturating_sub(along)]);
    }

    /// Draws text; `place` maps a position along the line and down from its upper edge to a pixel.
    fn glyphs(&mut self, text: &str, place: impl Fn(u32, u32) -> [u32; 2]) {
        let mut start = 0;
        for character in text.chars() {
            let Some(glyph) = get_raster(character, WEIGHT, HEIGHT).or_else(|| get_raster('?', WEIGHT, HEIGHT)) else { continue };
            for (j, row) in (0..).zip(glyph.rows()) {
                for (i, &darkness) in (0..).zip(row) {
                    if darkness > 0 {
                        let [x, y] = place(start + i, j);
                        self.set(x, y, blend(PAPER, INK, f64::from(darkness) / 255.0));
                    }
                }
            }
            start += get_raster_width(WEIGHT, HEIGHT) as u32;
        }
    }

    /// Writes a PNG file.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut bytes = Cursor::new(Vec::new());
        self.0
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(|e| Error::Io { path: path.to_owned(), source: std::io::Error::other(e) })?;
        durable::write_file(path, bytes.get_ref())
    }
}
