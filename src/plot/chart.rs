//! One chart: axes, lines, marks and a legend.

use plotters::{
    coord::{
        Shift,
        ranged1d::{AsRangedCoord, ValueFormatter},
    },
    prelude::*,
    style::TextStyle,
};

use super::{Axes, COLOURS, Named, Scale};
use crate::{Error, Result};
use std::ops::Range;

/// Values beyond this count as infinite, on a log scale below its inverse as zero: axes cannot be divided there.
const LARGEST: f64 = 1e100;
/// The number of points above which a curve is drawn by means, and up to which each is marked.
const LONG: usize = 400;
const FEW: usize = 20;
/// About the width of the widest chart in pixels.
const WIDTH: usize = 820;
const TEXT: RGBColor = RGBColor(38, 45, 58);
const GRID: RGBColor = RGBColor(226, 230, 236);

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Line<'a> = (&'a str, Vec<(f64, f64)>);

pub(super) fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&TEXT)
}

/// The colours of lines, one after the other.
pub(super) fn colours() -> impl Iterator<Item = RGBColor> {
    COLOURS.into_iter().cycle().map(|[red, green, blue]| RGBColor(red, green, blue))
}

/// The curves without the points that cannot be drawn.
///
/// # Errors
/// [`Error::Invalid`] if none is left.
pub(super) fn drawable<'a>(scale: Scale, curves: &[Named<'a>]) -> Result<Vec<Line<'a>>> {
    let ratios = [scale == Scale::LogLog, scale != Scale::Linear];
    let fits = |p: &&[f64; 2]| p.iter().zip(ratios).all(|(c, ratio)| c.abs() < LARGEST && (!ratio || *c > 1.0 / LARGEST));
    let lines: Vec<Line> =
        curves.iter().map(|(name, points)| (*name, points.iter().filter(fits).map(|p| (p[0], p[1])).collect())).collect();
    if lines.iter().all(|(_, points)| points.is_empty()) {
        return Err(Error::invalid("curves", "no point can be drawn; give finite values, and positive ones for a log scale"));
    }
    Ok(lines)
}

/// Draws curves with their axes, and a legend if wanted.
pub(super) fn draw(area: &Area, axes: &Axes, curves: &[Named], legend: bool) -> Result<(), String> {
    let lines = drawable(axes.scale, curves).map_err(|e| e.to_string())?;
    let all = || lines.iter().flat_map(|(_, points)| points);
    let [x, y] = [bounds(all().map(|p| p.0)), bounds(all().map(|p| p.1))];
    let chart = Chart { area, axes, lines: &lines, legend };
    let across = if x[0] < x[1] { widened(x, 0.0) } else { widened(x, 0.5) };
    let up = widened(y, if y[0] < y[1] { 0.05 * (y[1] - y[0]) } else { 0.5 });
    let ratios = |[low, high]: [f64; 2]| (high / low >= 10.0).then(|| (low / 1.2..high * 1.2).log_scale());
    let (log_x, log_y) = (ratios(x).filter(|_| axes.scale == Scale::LogLog), ratios(y).filter(|_| axes.scale != Scale::Linear));
    match (log_x, log_y) {
        (Some(x), Some(y)) => chart.draw(x, y),
        (Some(x), None) => chart.draw(x, up),
        (None, Some(y)) => chart.draw(across, y),
        (None, None) => chart.draw(across, up),
    }
}

struct Chart<'a, 'b> {
    area: &'a Area<'b>,
    axes: &'a Axes<'a>,
    lines: &'a [Line<'a>],
    legend: bool,
}

impl Chart<'_, '_> {
    fn draw<X, Y>(&self, x: X, y: Y) -> Result<(), String>
    where
        X: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let Self { area, axes, lines, legend } = *self;
        let failed = |e: DrawingAreaErrorKind<_>| e.to_string();
        let mut builder = ChartBuilder::on(area);
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
        for ((name, points), colour) in lines.iter().zip(colours()) {
            let style = colour.stroke_width(2);
            let mut line = points.as_slice();
            let (band, means);
            if line.len() > LONG {
                (band, means) = (extremes(line, WIDTH), means_of(line, LONG / 2));
                chart.draw_series(LineSeries::new(band, colour.mix(0.3))).map_err(failed)?;
                line = &means;
            } else if line.len() <= FEW {
                chart.draw_series(line.iter().map(|p| Circle::new(*p, 4, colour.filled()))).map_err(failed)?;
            }
            let series = chart.draw_series(LineSeries::new(line.iter().copied(), style)).map_err(failed)?;
            series.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style.stroke_width(3)));
        }
        if legend && lines.iter().any(|(name, _)| !name.is_empty()) {
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
        Ok(())
    }
}

/// Where on the right the legend covers the fewest points: above, in the middle or below.
fn emptiest(places: impl Iterator<Item = (i32, i32)>, (x, y): (Range<i32>, Range<i32>)) -> SeriesLabelPosition {
    let mut counts = [0_usize; 3];
    for (_, down) in places.filter(|(across, _)| 2 * across > x.start + x.end) {
        counts[(3 * (down - y.start) / (y.end - y.start).max(1)).clamp(0, 2) as usize] += 1;
    }
    let positions = [SeriesLabelPosition::UpperRight, SeriesLabelPosition::MiddleRight, SeriesLabelPosition::LowerRight];
    let (_, position) = counts.into_iter().zip(positions).min_by_key(|(count, _)| *count).expect("there are three");
    position
}

/// Formats a number for an axis.
fn short(x: f64) -> String {
    // six digits hide the rounding errors of tick positions
    let rounded: f64 = format!("{x:.5e}").parse().unwrap_or(x);
    if rounded == 0.0 || (1e-3..1e7).contains(&rounded.abs()) { format!("{rounded}") } else { format!("{rounded:e}") }
}

/// The interval with a margin on both sides, never narrower than the axis can divide.
fn widened([low, high]: [f64; 2], margin: f64) -> Range<f64> {
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
