//! Panels of samples.

use std::path::Path;

use super::{
    Named,
    canvas::{Canvas, Colour, FRAME, LINE, PAPER, blend, text_width},
    check_range,
};
use crate::{Error, Result};

/// The side of a panel, in pixels.
const SIDE: u32 = 280;
const GAP: u32 = 20;
/// The colours of few and of many samples, on paper.
const SHADES: [Colour; 2] = [[88, 152, 212], [18, 44, 92]];

/// Draws square panels of points, each under its name, `columns` in a row, to a PNG file.
///
/// Every panel shows the square `range x range`, its second coordinate upwards; points outside, or not finite, are not drawn.
/// Many points are shaded by density, few are dots.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("samples.png");
/// use flowmap::plot::scatter_panels;
/// let ring: Vec<[f64; 2]> = (0..500).map(|k| f64::from(k)).map(|a| [a.cos(), a.sin()]).collect();
/// scatter_panels(&path, &[("1 step", &ring[..100]), ("target", &ring)], 2, [-1.2, 1.2])?;
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] if there are no panels or columns, the range does not increase, or the picture is too large; [`Error::Io`]
/// if the file cannot be written.
pub fn scatter_panels(path: impl AsRef<Path>, panels: &[Named], columns: usize, range: [f64; 2]) -> Result<()> {
    check_range("range of the panels", range)?;
    if panels.is_empty() || columns == 0 {
        return Err(Error::invalid("panels", "there is nothing to draw; give at least one panel and one column"));
    }
    let columns = columns.min(panels.len());
    let (across, down) = (SIDE + GAP, SIDE + LINE + GAP + GAP / 4);
    let rows = panels.len().div_ceil(columns);
    let side = |count: usize, pitch: u32| (count as u64).saturating_mul(pitch.into()).saturating_add(GAP.into());
    let mut canvas = Canvas::new(side(columns, across), side(rows, down))?;
    for (k, (title, points)) in panels.iter().enumerate() {
        // these positions are on the canvas, so they are small
        let corner = [GAP + (k % columns) as u32 * across, GAP / 2 + (k / columns) as u32 * down];
        canvas.text(title, [corner[0] + SIDE.saturating_sub(text_width(title)) / 2, corner[1]]);
        panel(&mut canvas, [corner[0], corner[1] + LINE + GAP / 4], points, range);
    }
    canvas.save(path.as_ref())
}

fn panel(canvas: &mut Canvas, [left, top]: [u32; 2], points: &[[f64; 2]], range: [f64; 2]) {
    canvas.fill([left - 1, top - 1], [SIDE + 2, SIDE + 2], FRAME);
    let side = f64::from(SIDE);
    // dots that together cover a third of half the panel, within sizes that are visible and look like points
    let half = side * side / 2.0;
    let count = points.len().max(1) as f64;
    let radius = (half / 3.0 / count / std::f64::consts::PI).sqrt().clamp(0.6, 2.5);
    let cover = cover(points, range, radius);
    // dark enough that half a panel evenly covered keeps its grain
    let depth = 1.6 / (count * std::f64::consts::PI * radius * radius / half).max(1.0);
    for (at, cover) in (0..).zip(cover) {
        let shade = 1.0 - (-depth * cover).exp();
        let [light, dark] = SHADES;
        let colour = if shade < 0.5 { blend(PAPER, light, 2.0 * shade) } else { blend(light, dark, 2.0 * shade - 1.0) };
        canvas.set(left + at % SIDE, top + at / SIDE, colour);
    }
}

/// The number of dots that cover each pixel, row by row.
fn cover(points: &[[f64; 2]], [low, high]: [f64; 2], radius: f64) -> Vec<f64> {
    let side = f64::from(SIDE);
    let mut cover = vec![0.0; (SIDE * SIDE) as usize];
    for point in points {
        let [u, v] = point.map(|x| (x - low) / (high - low));
        if !((0.0..=1.0).contains(&u) && (0.0..=1.0).contains(&v)) {
            continue;
        }
        let (x, y) = (u * side, (1.0 - v) * side);
        let reach = |c: f64| ((c - radius - 0.5).floor().max(0.0) as u32)..=((c + radius + 0.5).min(side - 1.0) as u32);
        for j in reach(y) {
            for i in reach(x) {
                let distance = (f64::from(i) + 0.5 - x).hypot(f64::from(j) + 0.5 - y);
                cover[(j * SIDE + i) as usize] += (radius + 0.5 - distance).clamp(0.0, 1.0);
            }
        }
    }
    cover
}

#[cfg(test)]
mod tests {
    use super::{super::tests::decoded, *};

    #[test]
    fn points_are_drawn_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("panels.png");
        let points = [[0.5, 0.5], [9.0, 0.0], [f64::NAN, 0.0], [1.0, 1.0], [-1.0, -1.0]];
        scatter_panels(&path, &[("one", &points), ("none", &[]), ("é", &[])], 2, [-1.0, 1.0]).unwrap();
        let picture = decoded(&path);
        let (left, top) = (GAP, GAP / 2 + LINE + GAP / 4);
        let at = |u: f64, v: f64| picture.get_pixel(left + (u * 280.0) as u32, top + ((1.0 - v) * 280.0) as u32).0;
        assert!(at(0.75, 0.75)[0] < 100, "{:?}", at(0.75, 0.75));
        assert_eq!(at(0.25, 0.75), PAPER);
        assert_eq!(picture.dimensions().0, 2 * (SIDE + GAP) + GAP);
    }

    #[test]
    fn bad_arguments() {
        let path = std::env::temp_dir().join("never.png");
        assert!(scatter_panels(&path, &[], 1, [0.0, 1.0]).is_err());
        assert!(scatter_panels(&path, &[("", &[])], 0, [0.0, 1.0]).is_err());
        assert!(scatter_panels(&path, &[("", &[])], 1, [1.0, 1.0]).is_err());
        assert!(scatter_panels(&path, &[("", &[])], 1, [f64::NAN, 1.0]).is_err());
        assert!(scatter_panels(&path, &[("", &[] as &[_]); 100], 100, [0.0, 1.0]).unwrap_err().to_string().contains("pixels"));
        assert!(!path.exists());
    }
}
