//! Heat maps of scalar fields.

use std::path::Path;

use super::{
    canvas::{Canvas, Colour, LINE, text_width},
    check_range,
    colour_map::colour,
    frame::{Frame, GAP, Plane, TICK, axis_ink, border, room, upward_ticks, widest},
};
use crate::{Error, Result, analysis::ScalarField};

/// The longer side in pixels, or a little more, so that cells have the same size.
const SIDE: usize = 720;
const LONGEST: usize = 2880;
/// The shorter side is at least this share of the longer one.
const SLIMMEST: f64 = 0.25;
const BAR: u32 = 26;
const NOT_FINITE: Colour = [182, 186, 192];

/// The colour bar of a [`heat_map`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ColourBar<'a> {
    /// Next to the bar.
    pub name: &'a str,
    /// The values of the first and the last colour; values beyond are clamped. If not given, the smallest and the largest of the
    /// field.
    pub range: Option<[f64; 2]>,
}

/// Draws a scalar field in perceptually uniform colours, with axes and a colour bar, to a PNG file.
///
/// Each cell is a rectangle of one colour, grey where its value is not finite. Units have the same length on both axes, unless
/// one side would be more than four times as long as the other. With more than 2880 cells in a row, some are not shown.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("pendulum.png");
/// use flowmap::{analysis::{Grid, ScalarField}, plot::{ColourBar, Plane, heat_map}};
/// let grid = Grid::new([[-4.0, 4.0], [-3.0, 3.0]], [80, 60])?;
/// let energy = ScalarField::sample(grid, |[angle, speed]| 0.5 * speed * speed - angle.cos());
/// let plane = Plane { title: "Pendulum", x: "angle", y: "speed" };
/// heat_map(&path, &plane, &ColourBar { name: "energy", range: None }, &energy)?;
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] if no value is finite or the range does not increase; [`Error::Io`] if the file cannot be written.
pub fn heat_map(path: impl AsRef<Path>, plane: &Plane, bar: &ColourBar, field: &ScalarField) -> Result<()> {
    heat_map_panels(path, &[(*plane, field)], bar)
}

/// Draws [heat maps](heat_map) side by side, with one colour bar for all, to a PNG file: equal values have equal colours.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("pendulums.png");
/// use flowmap::{analysis::{Grid, ScalarField}, plot::{ColourBar, Plane, heat_map_panels}};
/// let grid = Grid::new([[-4.0, 4.0], [-3.0, 3.0]], [80, 60])?;
/// let energy = ScalarField::sample(grid, |[angle, speed]| 0.5 * speed * speed - angle.cos());
/// let small = ScalarField::sample(grid, |[angle, speed]| 0.5 * (speed * speed + angle * angle) - 1.0);
/// let plane = |title| Plane { title, x: "angle", y: "speed" };
/// let panels = [(plane("Pendulum"), &energy), (plane("for small angles"), &small)];
/// heat_map_panels(&path, &panels, &ColourBar { name: "energy", range: None })?;
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// As [`heat_map`]; and [`Error::Invalid`] if there are no panels, or the picture is too large.
pub fn heat_map_panels(path: impl AsRef<Path>, panels: &[(Plane, &ScalarField)], bar: &ColourBar) -> Result<()> {
    if let Some(range) = bar.range {
        check_range("range of the colours", range)?;
    }
    let found = panels.iter().filter_map(|(_, field)| field.range()).reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])]);
    let Some(found) = found else {
        return Err(Error::invalid("scalar field", "no value of it is finite, so there is nothing to draw"));
    };
    let range = widened(bar.range.unwrap_or(found));
    let draw = |(k, (plane, field)): (usize, &(Plane, &ScalarField))| {
        panel(plane, field, range, (k + 1 == panels.len()).then_some(bar.name))
    };
    let drawn: Vec<Canvas> = panels.iter().enumerate().map(draw).collect::<Result<_>>()?;
    Canvas::row(&drawn)?.save(path.as_ref())
}

/// A heat map, with a bar of this name if that is given.
fn panel(plane: &Plane, field: &ScalarField, range: [f64; 2], bar: Option<&str>) -> Result<Canvas> {
    let size = size_of(field);
    let ticks = upward_ticks(range, size[1]);
    let beside = bar.map_or(0, |name| 2 * GAP + BAR + GAP + widest(&ticks) + room(name));
    let (mut canvas, frame) = Frame::drawn(plane, field.grid().sides(), size, 0, beside)?;
    let shade = |value: f64| {
        let [low, high] = range;
        if value.is_finite() { colour(value / (high - low) - low / (high - low)) } else { NOT_FINITE }
    };
    draw_cells(&mut canvas, &frame, field, shade);
    let Some(name) = bar else { return Ok(canvas) };

    let corner = [frame.corner()[0] + size[0] + 2 * GAP, frame.corner()[1]];
    let height = f64::from(size[1]);
    for y in 0..size[1] {
        canvas.fill([corner[0], corner[1] + y], [BAR, 1], colour(1.0 - (f64::from(y) + 0.5) / height));
    }
    border(&mut canvas, corner, [BAR, size[1]]);
    let right = corner[0] + BAR;
    for (value, label) in &ticks {
        let share = (value - range[0]) / (range[1] - range[0]);
        let at = corner[1] + ((1.0 - share) * height) as u32;
        canvas.fill([right + 1, at], [TICK, 1], axis_ink());
        canvas.text(label, [right + GAP, at.saturating_sub(LINE / 2)]);
    }
    let middle = corner[1] + size[1] / 2 + text_width(name) / 2;
    canvas.text_upwards(name, [right + GAP + widest(&ticks) + GAP, middle]);
    Ok(canvas)
}

/// A range that colours can be divided over, even if all values are equal.
fn widened([low, high]: [f64; 2]) -> [f64; 2] {
    let least = 1e-12 * low.abs().max(high.abs());
    if high - low > least {
        return [low, high];
    }
    let margin = if low == 0.0 { 1.0 } else { 0.1 * low.abs() };
    [low - margin, high + margin]
}

/// The width and the height of the picture.
fn size_of(field: &ScalarField) -> [u32; 2] {
    let [width, height] = field.grid().sides().map(|[low, high]| high - low);
    let (across, up) = (field.grid().cells()[0], field.grid().cells()[1]);
    let cells = if width >= height { across } else { up };
    let long = (SIDE.div_ceil(cells) * cells).min(LONGEST);
    let short = (long as f64 * (width.min(height) / width.max(height)).max(SLIMMEST)).round();
    if width >= height { [long as u32, short as u32] } else { [short as u32, long as u32] }
}

fn draw_cells(canvas: &mut Canvas, frame: &Frame, field: &ScalarField, shade: impl Fn(f64) -> Colour) {
    let ([left, top], [width, height]) = (frame.corner(), frame.size());
    let [across, up] = field.grid().cells();
    let cell = |pixel: u32, size: u32, cells: usize| pixel as usize * cells / size as usize;
    for y in 0..height {
        let j = cell(height - 1 - y, height, up);
        for x in 0..width {
            canvas.set(left + x, top + y, shade(field.at(cell(x, width, across), j)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::decoded, *};
    use crate::analysis::Grid;

    fn drawn(grid: Grid, range: Option<[f64; 2]>, f: impl Fn([f64; 2]) -> f64 + Sync) -> Result<image::RgbImage> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.png");
        heat_map(&path, &Plane::default(), &ColourBar { name: "", range }, &ScalarField::sample(grid, f))?;
        Ok(decoded(&path))
    }

    fn grid() -> Grid {
        Grid::new([[0.0, 4.0], [0.0, 2.0]], [4, 2]).unwrap()
    }

    /// Where a cell's centre of the grid above is drawn.
    fn centre(i: u32, j: u32) -> [u32; 2] {
        let ticks = upward_ticks([0.0, 2.0], 360);
        [16 + widest(&ticks) + GAP + 180 * i + 90, 16 + 360 - 180 * j - 90]
    }

    #[test]
    fn cells_have_the_colours_of_their_values() {
        let value = |[x, y]: [f64; 2]| if x < 1.0 && y < 1.0 { f64::NAN } else { x.floor() + 4.0 * y.floor() };
        let picture = drawn(grid(), None, value).unwrap();
        let at = |i, j| picture.get_pixel(centre(i, j)[0], centre(i, j)[1]).0;
        assert_eq!(at(0, 0), NOT_FINITE);
        assert_eq!((at(1, 0), at(3, 1)), (colour(0.0), colour(1.0)));
        assert_eq!((at(3, 0), at(0, 1)), (colour(2.0 / 6.0), colour(3.0 / 6.0)));
        let picture = drawn(grid(), Some([5.0, 6.0]), value).unwrap();
        let at = |i, j| picture.get_pixel(centre(i, j)[0], centre(i, j)[1]).0;
        assert_eq!([at(3, 0), at(1, 1), at(2, 1), at(3, 1)], [0.0, 0.0, 1.0, 1.0].map(colour));
    }

    #[test]
    fn whatever_is_finite_can_be_drawn() {
        for value in [0.0, 1.0, -1e-300, 1e300, f64::MAX, f64::MIN_POSITIVE] {
            drawn(grid(), None, |_| value).unwrap();
            drawn(grid(), None, |[x, _]| if x < 2.0 { value } else { -value }).unwrap();
        }
        for side in [[0.0, 1e-300], [-1e300, 1e300], [1e9, 1e9 + 1e-3]] {
            drawn(Grid::new([side, [0.0, 1.0]], [3, 1]).unwrap(), None, |[x, _]| x).unwrap();
            drawn(Grid::new([[0.0, 1.0], side], [1, 3000]).unwrap(), None, |[_, y]| y).unwrap();
        }
    }

    #[test]
    fn panels_share_their_colours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps.png");
        let [low, high] = [0.0, 10.0].map(|base| ScalarField::sample(grid(), move |[x, _]| base + x.floor()));
        let bar = ColourBar::default();
        heat_map_panels(&path, &[(Plane::default(), &low), (Plane::default(), &high)], &bar).unwrap();
        let picture = decoded(&path);
        let [left, up] = centre(0, 0);
        let at = |x: u32| picture.get_pixel(x, up).0;
        assert_eq!([at(left), at(left + 3 * 180)], [0.0, 3.0 / 13.0].map(colour));
        let second = (left + 720..picture.width()).find(|x| at(*x) == colour(10.0 / 13.0)).unwrap();
        assert_eq!([at(second + 179), at(second + 3 * 180)], [10.0 / 13.0, 1.0].map(colour));
        assert!(heat_map_panels(&path, &[], &bar).is_err());
    }

    #[test]
    fn bad_arguments() {
        assert!(drawn(grid(), None, |_| f64::NAN).unwrap_err().to_string().contains("finite"));
        for bad in [[1.0, 1.0], [1.0, 0.0], [f64::NAN, 1.0]] {
            assert!(drawn(grid(), Some(bad), |[x, _]| x).is_err());
        }
    }
}
