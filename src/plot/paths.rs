//! Paths in the plane.

use std::path::Path;

use super::{
    COLOURS, Named,
    canvas::{Canvas, Colour, LINE, text_width},
    frame::{Frame, GAP, Plane},
};
use crate::{Error, Result};

/// The longer side, in pixels.
const SIDE: f64 = 760.0;
/// The shorter side is not shorter than this.
const SHORTEST: f64 = 160.0;
/// Half the width of the lines, for long ones and for short ones.
const RADII: [f64; 2] = [0.5, 0.9];
/// The largest share of the picture that a line covers, unless it has the least width.
const COVERED: f64 = 0.15;
/// The radius of the dot at the start.
const DOT: f64 = 5.0;
/// Points beyond this count as infinite.
const LARGEST: f64 = 1e100;
const SWATCH: u32 = 34;

/// Draws named paths, each a line through its points `[x, y]` in their order, to a PNG file.
///
/// Units have the same length on both axes. A dot marks where a path starts. Points that are not finite, or beyond `±1e100`,
/// interrupt the line.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("orbits.png");
/// use flowmap::{FlowMap, exact::Affine, plot::{Plane, paths}};
/// let spiral = Affine::new([[-0.1, -1.0], [1.0, -0.1]], [0.0; 2])?;
/// let orbit = |start: [f64; 2]| -> Vec<[f64; 2]> { (0..500).map(|k| spiral.flow(&0.0, &(0.05 * f64::from(k)),
///     &start)).collect() };
/// let plane = Plane { title: "A stable focus", x: "x", y: "y" };
/// paths(&path, &plane, &[("from the right", &orbit([2.0, 0.0])), ("from the left", &orbit([-2.0, 0.0]))])?;
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] if no point can be drawn; [`Error::Io`] if the file cannot be written.
pub fn paths(path: impl AsRef<Path>, plane: &Plane, paths: &[Named]) -> Result<()> {
    let points = paths.iter().flat_map(|(_, points)| *points).copied().filter(drawable);
    let bounds = points.fold(None, |bounds: Option<[[f64; 2]; 2]>, [x, y]| {
        let [across, up] = bounds.unwrap_or([[x, x], [y, y]]);
        Some([[across[0].min(x), across[1].max(x)], [up[0].min(y), up[1].max(y)]])
    });
    let Some(bounds) = bounds else {
        return Err(Error::invalid("paths", "no point can be drawn; give at least one that is finite"));
    };
    let (sides, size) = layout(bounds);
    let legend = Legend::new(paths, size[0]);
    let (mut canvas, frame) = Frame::drawn(plane, sides, size, legend.height(), 0)?;
    for ((_, points), colour) in paths.iter().zip(COLOURS.into_iter().cycle()) {
        let pixels: Vec<_> = points.iter().map(|p| drawable(p).then(|| frame.pixel(*p))).collect();
        draw(&mut canvas, &frame, &pixels, colour);
    }
    legend.draw(&mut canvas, frame.corner());
    canvas.save(path.as_ref())
}

fn drawable(point: &[f64; 2]) -> bool {
    point.iter().all(|c| c.abs() < LARGEST)
}

/// The part of the plane that is drawn, and its size in pixels, with the same unit on both axes.
fn layout(bounds: [[f64; 2]; 2]) -> ([[f64; 2]; 2], [u32; 2]) {
    let size = bounds.as_flattened().iter().fold(0.0_f64, |size, c| size.max(c.abs()));
    let longest = bounds.iter().fold(0.0_f64, |longest, [low, high]| longest.max(high - low));
    // leave room around a single point
    let length = 1.06 * longest.max(if size > 0.0 { 1e-6 * size } else { 1.0 });
    let lengths = bounds.map(|[low, high]| (high - low + 0.06 * length).max(length * SHORTEST / SIDE));
    let sides = std::array::from_fn(|axis| {
        let middle = 0.5 * bounds[axis][0] + 0.5 * bounds[axis][1];
        [middle - 0.5 * lengths[axis], middle + 0.5 * lengths[axis]]
    });
    let longer = lengths[0].max(lengths[1]);
    (sides, lengths.map(|length| (length / longer * SIDE).round() as u32))
}

/// Draws one path: the coverage of each pixel, counted once where the path crosses itself, then its colour over the picture.
fn draw(canvas: &mut Canvas, frame: &Frame, pixels: &[Option<[f64; 2]>], colour: Colour) {
    let ([left, top], [width, height]) = (frame.corner(), frame.size());
    let mut cover = vec![0.0_f64; (width * height) as usize];
    let mut stroke = |a: [f64; 2], b: [f64; 2], radius: f64| {
        let reach = |axis: usize, start: u32, length: u32| {
            let (low, high) = (a[axis].min(b[axis]) - radius - 1.0, a[axis].max(b[axis]) + radius + 1.0);
            let inside = |c: f64| (c - f64::from(start)).clamp(0.0, f64::from(length)) as u32;
            inside(low.floor())..inside(high.ceil())
        };
        for j in reach(1, top, height) {
            for i in reach(0, left, width) {
                let centre = [f64::from(left + i) + 0.5, f64::from(top + j) + 0.5];
                let share = (radius + 0.5 - distance(centre, a, b)).clamp(0.0, 1.0);
                let pixel = &mut cover[(j * width + i) as usize];
                *pixel = pixel.max(share);
            }
        }
    };
    let segments = || pixels.windows(2).filter_map(|pair| Some((pair[0]?, pair[1]?)));
    let length: f64 = segments().map(|(a, b)| (b[0] - a[0]).hypot(b[1] - a[1])).sum();
    let radius = (0.5 * COVERED * f64::from(width) * f64::from(height) / length).clamp(RADII[0], RADII[1]);
    for (a, b) in segments() {
        stroke(a, b, radius);
    }
    if let Some(start) = pixels.iter().flatten().next() {
        stroke(*start, *start, DOT);
    }
    for (k, share) in (0..).zip(cover) {
        canvas.mix([left + k % width, top + k / width], colour, share);
    }
}

/// The distance of a point from the segment between `a` and `b`.
fn distance(point: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let (along, to) = ([b[0] - a[0], b[1] - a[1]], [point[0] - a[0], point[1] - a[1]]);
    let square = along[0] * along[0] + along[1] * along[1];
    let share = if square > 0.0 { ((along[0] * to[0] + along[1] * to[1]) / square).clamp(0.0, 1.0) } else { 0.0 };
    (to[0] - share * along[0]).hypot(to[1] - share * along[1])
}

/// The names of the paths next to lines of their colours, in rows above the picture.
struct Legend<'a> {
    /// Name, colour and place in the legend.
    entries: Vec<(&'a str, Colour, [u32; 2])>,
}

impl<'a> Legend<'a> {
    fn new(paths: &[Named<'a>], width: u32) -> Self {
        let mut next = [0, 0];
        let named = paths.iter().zip(COLOURS.into_iter().cycle()).filter(|((name, _), _)| !name.is_empty());
        let entries = named.map(|((name, _), colour)| {
            let length = SWATCH + GAP + text_width(name);
            if next[0] > 0 && next[0] + length > width {
                next = [0, next[1] + LINE + GAP / 2];
            }
            let place = next;
            next[0] += length + 3 * GAP;
            (*name, colour, place)
        });
        Self { entries: entries.collect() }
    }

    fn height(&self) -> u32 {
        self.entries.last().map_or(0, |(_, _, [_, y])| y + LINE + GAP)
    }

    fn draw(&self, canvas: &mut Canvas, [left, top]: [u32; 2]) {
        for (name, colour, [x, y]) in &self.entries {
            let (x, y) = (left + x, top - self.height() + y);
            canvas.fill([x, y + LINE / 2 - 1], [SWATCH, 3], *colour);
            canvas.text(name, [x + SWATCH + GAP, y]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::canvas::PAPER, super::tests::decoded, *};

    fn drawn(named: &[Named]) -> Result<image::RgbImage> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("paths.png");
        paths(&path, &Plane { title: "paths", x: "x", y: "y" }, named)?;
        Ok(decoded(&path))
    }

    /// The number of pixels of exactly this colour.
    fn count(picture: &image::RgbImage, colour: Colour) -> usize {
        picture.pixels().filter(|pixel| pixel.0 == colour).count()
    }

    #[test]
    fn lines_are_as_long_as_their_paths_and_units_equal() {
        let square = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]];
        let picture = drawn(&[("", &square)]).unwrap();
        let coloured: Vec<_> = picture.enumerate_pixels().filter(|(_, _, p)| p.0 == COLOURS[0]).map(|(x, y, _)| [x, y]).collect();
        let extent = |axis: usize| {
            let values = coloured.iter().map(|p| p[axis]);
            values.clone().max().unwrap() - values.min().unwrap()
        };
        assert!(extent(0).abs_diff(extent(1)) <= 1, "{} by {}", extent(0), extent(1));
        assert!((650..760).contains(&extent(0)));
        // the inside is empty
        assert!(coloured.len() < 4 * 3 * 760);
    }

    #[test]
    fn what_is_not_finite_interrupts_the_line() {
        let whole = [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]];
        let broken = [[0.0, 0.0], [f64::NAN, 0.0], [1.0, 0.0]];
        let [whole, broken] = [whole, broken].map(|points| count(&drawn(&[("", &points)]).unwrap(), COLOURS[0]));
        assert!(whole > broken + 500 && broken > 50, "{whole} and {broken}: the dot stays");
    }

    #[test]
    fn every_path_has_its_colour_and_its_name() {
        let (a, b) = ([[0.0, 0.0], [1.0, 0.3]], [[0.0, 0.3], [1.0, 0.0]]);
        let [with, without] = [["first", "second"], ["", ""]].map(|[m, n]| drawn(&[(m, &a), (n, &b)]).unwrap());
        assert!(COLOURS[..2].iter().all(|colour| count(&with, *colour) > 500));
        assert_eq!(with.height(), without.height() + LINE + GAP);
        let many: Vec<Named> = (0..20).map(|_| ("a long name of a path", &a[..])).collect();
        assert!(drawn(&many).unwrap().height() > with.height() + 5 * LINE, "names in rows");
    }

    #[test]
    fn extremes() {
        for size in [0.0, 1e-300, 1e-9, 1.0, 1e99] {
            for points in [vec![[size, size]], vec![[0.0, size], [size, 0.0]], vec![[1.0, 0.0], [1.0 + size, 0.0]]] {
                assert!(count(&drawn(&[("", &points)]).unwrap(), PAPER) > 1000);
            }
        }
        for nothing in [&[][..], &[[f64::NAN, 0.0]], &[[1e101, 0.0]]] {
            assert!(drawn(&[("", nothing)]).is_err());
        }
    }
}
