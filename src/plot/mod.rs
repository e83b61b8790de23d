//! Pictures of samples, losses and images.
//!
//! PNG for what has many points or pixels, SVG for curves; neither needs a font to be installed. A picture is written to a
//! scratch file and renamed, so that a full disk leaves an error and whatever stood at the path before.

mod canvas;
mod curves;
mod grid;
mod scatter;

pub use curves::{Axes, Scale, curves};
pub use grid::image_grid;
pub use scatter::scatter_panels;

/// Points with a name.
pub type Named<'a> = (&'a str, &'a [[f64; 2]]);

/// The lower and upper end of an interval that can be drawn.
fn check_range(what: &'static str, [low, high]: [f64; 2]) -> crate::Result<()> {
    if low < high && (high - low).is_finite() {
        return Ok(());
    }
    Err(crate::Error::invalid(what, format!("[{low}, {high}] is no interval; give two finite numbers, the lower first")))
}

#[cfg(test)]
mod tests {
    /// The pixels of a picture.
    pub fn decoded(path: &std::path::Path) -> image::RgbImage {
        image::open(path).unwrap().to_rgb8()
    }
}
