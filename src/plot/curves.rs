//! Curves with axes and a legend.

use std::path::Path;

use plotters::{
    coord::ranged1d::{AsRangedCoord, ValueFormatter},
    prelude::*,
};

use super::{COLOURS, Named};
use crate::{Error, Result, durable};

const SIZE: (u32, u32) = (820, 480);
/// What is beyond it, or on a log scale below its inverse, is as good as infinite, or zero: axes cannot be divided there.
const LARGEST: f64 = 1e100;
/// Points of a curve beyond which means are drawn, and up to which each is marked.
const LONG: usize = 400;
const FEW: usize = 20;
const TEXT: RGBColor = RGBColor(38, 45, 58);
const GRID: RGBColor = RGBColor(226, 230, 236);

/// How the vertical axis is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps for equal differences.
    Linear,
    /// Equal steps for equal ratios; only positive values are drawn. Values within a factor of ten are drawn as on
    /// [`Scale::Linear`], where more of them can be read off.
    #[default]
    Log,
}

/// The words around [`curves`], and the scale of the vertical axis.
#[derive(Clone, Copy, Debug, Default)]
pub struct Axes<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// Under the horizontal axis.
    pub x: &'a str,
    /// Beside the vertical axis.
    pub y: &'a str,
    /// Of the vertical axis.
    pub scale: Scale,
}

/// Draws named curves, such as losses over steps, to an SVG file.
///
/// Each curve joins its points `[x, y]` in their order, marked where they are few. Points that are not finite or beyond `±1e100` (on
/// [`Scale::Log`]: not positive or below `1e-100`) are left out. Of long curves the mean of neighbouring points is drawn, over a pale band from their lowest to
/// their highest.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("loss.svg");
/// use flowmap::plot::{Axes, Scale, curves};
/// let loss: Vec<[f64; 2]> = (0..100).map(|k| [f64::from(k), (-0.05 * f64::from(k)).exp()]).collect();
/// curves(&path, &Axes { title: "Training", x: "step", y: "loss", scale: Scale::Log }, &[("Lagrangian", &loss)])?;
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] where no point can be drawn; [`Error::Io`] where the file cannot be written.
pub fn curves(path: impl AsRef<Path>, axes: &Axes, curves: &[Named]) -> Result<()> {
    let drawable = |p: &&[f64; 2]| p.iter().all(|c| c.abs() < LARGEST) && (axes.scale == Scale::Linear || p[1] > 1.0 / LARGEST);
    let lines: Vec<Line> =
        curves.iter().map(|(name, points)| (*name, points.iter().filter(drawable).map(|p| (p[0], p[1])).collect())).collect();
    let all = || lines.iter().flat_map(|(_, points)| points);
    if all().next().is_none() {
        return Err(Error::invalid("curves", "no point can be drawn; give finite values, and positive ones for a log scale"));
    }
    let x = bounds(all().map(|p| p.0));
    let y = bounds(all().map(|p| p.1));
    let x = if x[0] < x[1] { widened(x, 0.0) } else { widened(x, 0.5) };
    let mut svg = String::new();
    let drawn = match axes.scale {
        Scale::Log if y[1] / y[0] >= 10.0 => draw(&mut svg, axes, &lines, x, (y[0] / 1.2..y[1] * 1.2).log_scale()),
        _ => draw(&mut svg, axes, &lines, x, widened(y, if y[0] < y[1] { 0.05 * (y[1] - y[0]) } else { 0.5 })),
    };
    let path = path.as_ref();
    drawn.map_err(|reason| Error::Io { path: path.to_owned(), source: std::io::Error::other(reason) })?;
    durable::write_file(path, svg.as_bytes())
}

type Line<'a> = (&'a str, Vec<(f64, f64)>);

fn draw<Y>(svg: &mut String, axes: &Axes, lines: &[Line], x: std::ops::Range<f64>, y: Y) -> Result<(), String>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let text = |size: u32| ("sans-serif", size).into_font().color(&TEXT);
    let failed = |e: DrawingAreaErrorKind<_>| e.to_string();
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    let mut builder = ChartBuilder::on(&area);
    builder.margin(16).margin_right(28).x_label_area_size(46).y_label_area_size(76);
    if !axes.title.is_empty() {
        builder.caption(axes.title, text(22));
    }
    let mut chart = builder.build_cartesian_2d(x, y).map_err(failed)?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(TEXT.mix(0.5))
        .label_style(text(15))
        .axis_desc_style(text(17))
        .x_desc(axes.x)
        .y_desc(axes.y)
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&|y| short(*y))
        .draw()
        .map_err(failed)?;
    for ((name, points), [red, green, blue]) in lines.iter().zip(COLOURS.into_iter().cycle()) {
        let colour = RGBColor(red, green, blue);
        let style = colour.stroke_width(2);
        let mut line = points.as_slice();
        let (band, means);
        if line.len() > LONG {
            (band, means) = (extremes(line, SIZE.0 as usize), means_of(line, LONG / 2));
            chart.draw_series(LineSeries::new(band, colour.mix(0.3))).map_err(failed)?;
            line = &means;
        } else if line.len() <= FEW {
            chart.draw_series(line.iter().map(|p| Circle::new(*p, 4, colour.filled()))).map_err(failed)?;
        }
        let series = chart.draw_series(LineSeries::new(line.iter().copied(), style)).map_err(failed)?;
        series.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style.stroke_width(3)));
    }
    if lines.iter().any(|(name, _)| !name.is_empty()) {
        let places = lines.iter().flat_map(|(_, points)| points).map(|p| chart.backend_coord(p));
        let position = emptiest(places, chart.plotting_area().get_pixel_range());
        chart
            .configure_series_labels()
            .position(position)
            .background_style(WHITE.mix(0.85))
            .border_style(GRID)
            .legend_area_size(30)
            .margin(8)
            .label_font(text(16))
            .draw()
            .map_err(failed)?;
    }
    area.present().map_err(failed)
}

/// Where on the right the legend covers the fewest points: above, in the middle or below.
fn emptiest(
    places: impl Iterator<Item = (i32, i32)>,
    (x, y): (std::ops::Range<i32>, std::ops::Range<i32>),
) -> SeriesLabelPosition {
    let mut counts = [0_usize; 3];
    for (_, down) in places.filter(|(across, _)| 2 * across > x.start + x.end) {
        counts[(3 * (down - y.start) / (y.end - y.start).max(1)).clamp(0, 2) as usize] += 1;
    }
    let positions = [SeriesLabelPosition::UpperRight, SeriesLabelPosition::MiddleRight, SeriesLabelPosition::LowerRight];
    let (_, position) = counts.into_iter().zip(positions).min_by_key(|(count, _)| *count).expect("there are three");
    position
}

/// A number as an axis shows it.
fn short(x: f64) -> String {
    // six digits hide the rounding errors of tick positions
    let rounded: f64 = format!("{x:.5e}").parse().unwrap_or(x);
    if rounded == 0.0 || (1e-3..1e7).contains(&rounded.abs()) { format!("{rounded}") } else { format!("{rounded:e}") }
}

/// The interval with a margin on both sides, never narrower than the axis can divide.
fn widened([low, high]: [f64; 2], margin: f64) -> std::ops::Range<f64> {
    let margin =
        if high - low > 1e-6 * low.abs().max(high.abs()) { margin } else { margin.max(1e-3 * low.abs().max(high.abs())) };
    low - margin..high + margin
}

fn bounds(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
}

/// The lowest and the highest of each of `count` groups of neighbours, in their order.
fn extremes(points: &[(f64, f64)], count: usize) -> Vec<(f64, f64)> {
    let ends = |group: &[(f64, f64)]| {
        let index = |(i, _): (usize, &(f64, f64))| i;
        let low = group.iter().enumerate().min_by(|a, b| a.1.1.total_cmp(&b.1.1)).map_or(0, index);
        let high = group.iter().enumerate().max_by(|a, b| a.1.1.total_cmp(&b.1.1)).map_or(0, index);
        [group[low.min(high)], group[low.max(high)]]
    };
    points.chunks(points.len().div_ceil(count)).flat_map(ends).collect()
}

/// The mean of each of `count` groups of neighbours.
fn means_of(points: &[(f64, f64)], count: usize) -> Vec<(f64, f64)> {
    let mean = |group: &[(f64, f64)]| {
        let n = group.len() as f64;
        group.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n))
    };
    points.chunks(points.len().div_ceil(count)).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(scale: Scale, lines: &[Named]) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.svg");
        curves(&path, &Axes { title: "a < b", x: "step", y: "loss", scale }, lines)?;
        Ok(std::fs::read_to_string(path).unwrap())
    }

    #[test]
    fn words_and_lines_are_there() {
        let loss: Vec<[f64; 2]> = (0..50).map(|k| [f64::from(k), 1.0 / f64::from(k + 1)]).collect();
        for scale in [Scale::Log, Scale::Linear] {
            let svg = drawn(scale, &[("first", &loss), ("second", &loss[..10])]).unwrap();
            for word in ["a &lt; b", "step", "loss", "first", "second"] {
                assert!(svg.contains(word), "{word}");
            }
            assert!(svg.matches("<polyline").count() >= 4);
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_left_out() {
        let odd = [[0.0, 1.0], [1.0, f64::NAN], [2.0, -1.0], [f64::INFINITY, 1.0], [3.0, 2.0]];
        assert!(!drawn(Scale::Log, &[("odd", &odd)]).unwrap().contains("NaN"));
        assert!(drawn(Scale::Log, &[("none", &odd[1..3])]).is_err());
        assert!(drawn(Scale::Linear, &[]).is_err());
    }

    #[test]
    fn single_points_and_extremes() {
        let values = [0.0, 1e-99, 1e-12, 1.0, 1.0 + f64::EPSILON, 1e15, 1e15 + 0.125, 9e99];
        for y in values {
            for x in values {
                let one = [[x, y]];
                drawn(Scale::Linear, &[("", &one)]).unwrap();
                let two = [[x, y], [y, x], [y, -x]];
                drawn(Scale::Linear, &[("", &two)]).unwrap();
                let _ = drawn(Scale::Log, &[("", &two)]);
            }
        }
        assert!(drawn(Scale::Log, &[("", &[[5.0, 1e-300]])]).is_err());
        assert!(drawn(Scale::Linear, &[("", &[[5.0, f64::MAX]])]).is_err());
    }

    #[test]
    fn thinning_keeps_the_peaks() {
        let mut points: Vec<_> = (0..100_000).map(|k| (f64::from(k), 1.0)).collect();
        points[77_777].1 = 9.0;
        points[33_333].1 = -9.0;
        let few = extremes(&points, 800);
        assert!(few.len() <= 1600 && few.contains(&(77_777.0, 9.0)) && few.contains(&(33_333.0, -9.0)));
        assert!(few.is_sorted_by(|a, b| a.0 <= b.0));
        let mean = means_of(&points, 4)[0];
        assert!((mean.0 - 12_499.5).abs() < 1e-6 && (mean.1 - 1.0).abs() < 1e-9, "{mean:?}");
    }

    #[test]
    fn numbers_on_axes() {
        assert_eq!([0.0, 0.1 + 0.2, 20000.0, 1e7, 1e-4].map(short), ["0", "0.3", "20000", "1e7", "1e-4"]);
    }
}
