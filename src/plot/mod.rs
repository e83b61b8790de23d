//! Pictures of samples, losses, images, scalar fields and paths.
//!
//! PNG for many points or pixels, SVG for curves; no font needs to be installed. A picture is written to a scratch file and
//! renamed, so that a full disk gives an error and keeps the previous file.

mod canvas;
mod chart;
mod colour_map;
mod curves;
mod frame;
mod grid;
mod heat_map;
mod paths;
mod scatter;
mod ticks;

pub use curves::{Axes, Scale, curve_panels, curves};
pub use frame::Plane;
pub use grid::image_grid;
pub use heat_map::{ColourBar, heat_map, heat_map_panels};
pub use paths::paths;
pub use scatter::scatter_panels;

/// Line colours that colour-blind readers can distinguish (Okabe and Ito, and two dark ones), by falling contrast.
const COLOURS: [canvas::Colour; 8] =
    [[0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233], [230, 159, 0], [90, 98, 110], [110, 20, 70]];

/// Points with a name.
pub type Named<'a> = (&'a str, &'a [[f64; 2]]);

/// The lower and upper end of an interval that can be drawn.
fn check_range(what: &'static str, [low, high]: [f64; 2]) -> crate::Result<()> {
    if low < high && (high - low).is_finite() {
        return Ok(());
    }
    Err(crate::Error::invalid(what, format!("[{low}, {high}] is not an interval; give two finite numbers, the lower first")))
}

#[cfg(test)]
mod tests {
    /// The pixels of a picture.
    pub fn decoded(path: &std::path::Path) -> image::RgbImage {
        image::open(path).unwrap().to_rgb8()
    }
}
