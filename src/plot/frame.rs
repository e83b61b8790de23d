//! Axes around a part of the plane.

use super::{
    canvas::{Canvas, INK, LINE, PAPER, blend, text_width},
    ticks::{Tick, ticks},
};
use crate::Result;

/// The gap between elements, in pixels.
pub(super) const GAP: u32 = 12;
pub(super) const TICK: u32 = 7;
const MARGIN: u32 = 16;

/// Title and axis labels of a picture of the plane, such as [`paths`](super::paths) and [`heat_map`](super::heat_map).
#[derive(Clone, Copy, Debug, Default)]
pub struct Plane<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// Under the horizontal axis.
    pub x: &'a str,
    /// Next to the vertical axis.
    pub y: &'a str,
}

/// Where on the canvas a rectangle of the plane is drawn.
pub(super) struct Frame {
    sides: [[f64; 2]; 2],
    corner: [u32; 2],
    size: [u32; 2],
    ticks: [Vec<Tick>; 2],
}

/// The height of a text with a gap, 0 if it is empty.
pub(super) fn room(text: &str) -> u32 {
    if text.is_empty() { 0 } else { LINE + GAP }
}

/// The width of the widest label.
pub(super) fn widest(ticks: &[Tick]) -> u32 {
    ticks.iter().map(|(_, label)| text_width(label)).max().unwrap_or(0)
}

/// Ticks of a vertical axis of this length.
pub(super) fn upward_ticks(range: [f64; 2], length: u32) -> Vec<Tick> {
    ticks(range, (length / (3 * LINE)).clamp(2, 8) as usize)
}

/// As many ticks as have room for their labels side by side.
fn sideward_ticks(range: [f64; 2], length: u32) -> Vec<Tick> {
    let fits = |ticks: &Vec<Tick>| (widest(ticks) + 2 * GAP) as usize * ticks.len() <= length as usize;
    (2..=8).rev().map(|most| ticks(range, most)).find(fits).unwrap_or_else(|| ticks(range, 1))
}

impl Frame {
    /// A canvas with the frame of a picture of this `size` in pixels, its labels and numbers, and extra room `above` and `beside`
    /// it.
    pub fn drawn(plane: &Plane, sides: [[f64; 2]; 2], size: [u32; 2], above: u32, beside: u32) -> Result<(Canvas, Self)> {
        let ticks = [sideward_ticks(sides[0], size[0]), upward_ticks(sides[1], size[1])];
        let left = MARGIN + room(plane.y) + widest(&ticks[1]) + GAP;
        let top = MARGIN + room(plane.title) + above;
        // half of a label may extend beyond the frame
        let right = beside.max(widest(&ticks[0]) / 2) + MARGIN;
        let bottom = GAP + LINE + room(plane.x) + MARGIN;
        let [width, height] = [left + size[0] + right, top + size[1] + bottom];
        let mut canvas = Canvas::new(width.into(), height.into())?;
        let frame = Self { sides, corner: [left, top], size, ticks };
        let middle = [left + size[0] / 2, top + size[1] / 2];
        canvas.text(plane.title, [middle[0].saturating_sub(text_width(plane.title) / 2), MARGIN]);
        canvas.text(plane.x, [middle[0].saturating_sub(text_width(plane.x) / 2), height - MARGIN - LINE]);
        canvas.text_upwards(plane.y, [MARGIN, middle[1] + text_width(plane.y) / 2]);
        frame.draw_axes(&mut canvas);
        Ok((canvas, frame))
    }

    fn draw_axes(&self, canvas: &mut Canvas) {
        let ([left, top], [width, height]) = (self.corner, self.size);
        border(canvas, self.corner, self.size);
        let bottom = top + height;
        for (x, label) in &self.ticks[0] {
            let at = self.pixel([*x, self.sides[1][0]])[0] as u32;
            canvas.fill([at.min(left + width), bottom + 1], [1, TICK], axis_ink());
            canvas.text(label, [at.saturating_sub(text_width(label) / 2), bottom + GAP]);
        }
        for (y, label) in &self.ticks[1] {
            let at = self.pixel([self.sides[0][0], *y])[1] as u32;
            canvas.fill([left - 1 - TICK, at.min(bottom)], [TICK, 1], axis_ink());
            canvas.text(label, [left - GAP - text_width(label), at.saturating_sub(LINE / 2)]);
        }
    }

    /// The upper left pixel.
    pub fn corner(&self) -> [u32; 2] {
        self.corner
    }

    /// The width and the height, in pixels.
    pub fn size(&self) -> [u32; 2] {
        self.size
    }

    /// Where a point of the plane is on the canvas, in pixels and their fractions.
    pub fn pixel(&self, point: [f64; 2]) -> [f64; 2] {
        let share = |axis: usize| {
            let [low, high] = self.sides[axis];
            (point[axis] - low) / (high - low)
        };
        let [left, top] = self.corner.map(f64::from);
        let [width, height] = self.size.map(f64::from);
        [left + share(0) * width, top + (1.0 - share(1)) * height]
    }
}

pub(super) fn axis_ink() -> super::canvas::Colour {
    blend(PAPER, INK, 0.55)
}

/// A line of one pixel around a rectangle.
pub(super) fn border(canvas: &mut Canvas, [left, top]: [u32; 2], [width, height]: [u32; 2]) {
    for y in [top - 1, top + height] {
        canvas.fill([left - 1, y], [width + 2, 1], axis_ink());
    }
    for x in [left - 1, left + width] {
        canvas.fill([x, top - 1], [1, height + 2], axis_ink());
    }
}
