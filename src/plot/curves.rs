//! Curves with axes and a legend.

use std::path::Path;

use plotters::prelude::*;

use super::{
    Named,
    chart::{self, text},
};
use crate::{Error, Result, durable};

const SIZE: (u32, u32) = (820, 480);
/// The size of a panel among several.
const PANEL: (u32, u32) = (440, 360);
/// The height of a row of a legend above panels, and about how wide a letter of it is.
const ROW: i32 = 26;
const LETTER: i32 = 9;

/// The scale of the axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Linear.
    Linear,
    /// Logarithmic vertical axis; only positive values are drawn. Values within a factor of ten are drawn as on
    /// [`Scale::Linear`], where more of them can be read off.
    #[default]
    Log,
    /// Both axes logarithmic: powers are straight lines.
    LogLog,
}

/// Title and axis labels of [`curves`], and the scale of their axes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Axes<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// Under the horizontal axis.
    pub x: &'a str,
    /// Next to the vertical axis.
    pub y: &'a str,
    /// The scale of both.
    pub scale: Scale,
}

/// Draws named curves, such as losses over steps, to an SVG file.
///
/// Each curve joins its points `[x, y]` in their order, marked where they are few. Points that are not finite or beyond `±1e100`
/// (on a logarithmic axis: not positive or below `1e-100`) are left out. Long curves are drawn by means of neighbouring points,
/// over a pale band from their lowest to their highest.
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
/// [`Error::Invalid`] if no point can be drawn; [`Error::Io`] if the file cannot be written.
pub fn curves(path: impl AsRef<Path>, axes: &Axes, curves: &[Named]) -> Result<()> {
    chart::drawable(axes.scale, curves)?;
    draw(path.as_ref(), SIZE, |area| chart::draw(area, axes, curves, true))
}

/// Draws panels of [`curves`], `columns` in a row, to an SVG file: one legend above for all, with the names of the first panel.
/// Curves in the same place of their lists have the same colour.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("orders.svg");
/// use flowmap::plot::{Axes, Scale, curve_panels};
/// let error = |order: i32| [1.0_f64, 0.5, 0.25].map(|step| [1.0 / step, step.powi(order)]);
/// let axes = |title| Axes { title, x: "steps", y: "error", scale: Scale::LogLog };
/// let panels = [
///     (axes("smooth"), &[("Euler", &error(1)[..]), ("Heun", &error(2))]),
///     (axes("rough"), &[("Euler", &error(1)), ("Heun", &error(1))]),
/// ];
/// curve_panels(&path, &panels.each_ref().map(|(axes, curves)| (*axes, &curves[..])), 2)?;
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] if there are no panels or columns, or a panel has no point that can be drawn; [`Error::Io`] if the file
/// cannot be written.
pub fn curve_panels(path: impl AsRef<Path>, panels: &[(Axes, &[Named])], columns: usize) -> Result<()> {
    let columns = columns.min(panels.len());
    let Some((_, first)) = panels.first().filter(|_| columns > 0) else {
        return Err(Error::invalid("panels", "there is nothing to draw; give at least one panel and one column"));
    };
    for (axes, curves) in panels {
        chart::drawable(axes.scale, curves)?;
    }
    let rows = panels.len().div_ceil(columns);
    let width = columns as u32 * PANEL.0;
    let legend = legend(first, width as i32);
    let above = legend.last().map_or(0, |(_, _, (_, y))| (y + ROW + ROW / 2) as u32);
    draw(path.as_ref(), (width, rows as u32 * PANEL.1 + above), |area| {
        let (top, below) = area.split_vertically(above);
        for (name, colour, (x, y)) in &legend {
            let line = PathElement::new([(*x, y + 9), (x + 26, y + 9)], colour.stroke_width(3));
            top.draw(&line).map_err(|e| e.to_string())?;
            top.draw(&Circle::new((x + 13, y + 9), 4, colour.filled())).map_err(|e| e.to_string())?;
            top.draw(&Text::new(*name, (x + 34, *y), text(17))).map_err(|e| e.to_string())?;
        }
        let areas = below.split_evenly((rows, columns));
        areas.iter().zip(panels).try_for_each(|(area, (axes, curves))| chart::draw(area, axes, curves, false))
    })
}

/// The names with their colours and places above panels of this width, in as many rows as they need.
fn legend<'a>(curves: &[Named<'a>], width: i32) -> Vec<(&'a str, RGBColor, (i32, i32))> {
    const LEFT: i32 = 40;
    let (mut x, mut y) = (LEFT, ROW / 2);
    let named = curves.iter().zip(chart::colours()).filter(|((name, _), _)| !name.is_empty());
    let place = |((name, _), colour): (&Named<'a>, _)| {
        let length = 34 + LETTER * name.chars().count().min(1000) as i32 + LEFT / 2;
        if x > LEFT && x + length > width {
            (x, y) = (LEFT, y + ROW);
        }
        x += length;
        (*name, colour, (x - length, y))
    };
    named.map(place).collect()
}

/// Draws on a white background, and writes the file.
fn draw(path: &Path, size: (u32, u32), draw: impl FnOnce(&chart::Area) -> Result<(), String>) -> Result<()> {
    let mut svg = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let filled = area.fill(&WHITE).map_err(|e| e.to_string());
        filled.and_then(|()| draw(&area)).and_then(|()| area.present().map_err(|e| e.to_string()))
    };
    drawn.map_err(|reason| Error::Io { path: path.to_owned(), source: std::io::Error::other(reason) })?;
    durable::write_file(path, svg.as_bytes())
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
        for scale in [Scale::Log, Scale::Linear, Scale::LogLog] {
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
                let _ = drawn(Scale::LogLog, &[("", &two)]);
            }
        }
        assert!(drawn(Scale::Log, &[("", &[[5.0, 1e-300]])]).is_err());
        assert!(drawn(Scale::Linear, &[("", &[[5.0, f64::MAX]])]).is_err());
    }
    #[test]
    fn powers_are_straight_lines() {
        let cubes: Vec<[f64; 2]> = (0..9).map(|k| f64::from(1 << k)).map(|x| [x, x.powi(-3)]).collect();
        let svg = drawn(Scale::LogLog, &[("", &cubes), ("", &[[0.0, 1.0], [-1.0, 1.0]])]).unwrap();
        let numbers =
            |circle: &str| ["cx=\"", "cy=\""].map(|name| circle.split(name).nth(1)?.split('"').next()?.parse::<f64>().ok());
        let marks: Vec<[f64; 2]> = svg.split("<circle").skip(1).map(|circle| numbers(circle).map(Option::unwrap)).collect();
        assert_eq!(marks.len(), 9, "what is not positive is left out");
        let slope = |a: [f64; 2], b: [f64; 2]| (b[1] - a[1]) / (b[0] - a[0]);
        let whole = slope(marks[0], marks[8]);
        assert!(marks.windows(2).all(|pair| (slope(pair[0], pair[1]) / whole - 1.0).abs() < 0.05), "{marks:?}");
    }

    #[test]
    fn panels_share_a_legend() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("panels.svg");
        let line = [[1.0, 1.0], [2.0, 3.0]];
        let axes = |title| Axes { title, x: "x", y: "y", scale: Scale::Linear };
        let named: [&[Named]; 3] = [&[("first", &line), ("", &line)], &[("first", &line)], &[("first", &line)]];
        let panels = |n: usize| -> Vec<_> {
            ["smooth", "rough", "steep"].into_iter().zip(named).take(n).map(|(t, c)| (axes(t), c)).collect()
        };
        curve_panels(&path, &panels(3), 2).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert!(["smooth", "rough", "steep"].iter().all(|title| svg.matches(title).count() == 1));
        assert_eq!(svg.matches("first").count(), 1);
        for (count, columns) in [(0, 1), (1, 0)] {
            assert!(curve_panels(&path, &panels(count), columns).unwrap_err().to_string().contains("nothing to draw"));
        }
        assert!(curve_panels(&path, &[(axes("empty"), &[])], 1).is_err());
        assert!(legend(&[("a rather long name", &line[..]); 9], 880).last().unwrap().2.1 > ROW, "in rows");
    }
}
