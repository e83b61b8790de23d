//! A small picture of every flow for the documentation: solutions over time in one dimension, else paths in the plane of the
//! first two coordinates.

use crate::suite::Tested;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use std::{fmt::Write, fs, path::PathBuf, rc::Rc};

const SIZE: [f64; 2] = [120.0, 72.0];
const PATHS: usize = 7;
const POINTS: usize = 48;

/// Paths of one of these flows through random states, from the first of its typical times to the last.
pub fn draw<const D: usize>(flows: BoxedStrategy<Rc<dyn Tested<D>>>) -> String {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let flow = flows.new_tree(&mut runner).unwrap().current();
    let starts: Vec<_> = (0..PATHS).map(|_| flow.cases().new_tree(&mut runner).unwrap().current()).collect();
    let [first, last] = flow.times();
    let paths = starts.iter().map(|case| {
        let times = (0..POINTS).map(|k| first + (last - first) * k as f64 / (POINTS - 1) as f64);
        let point = |t: f64| {
            let x: [f64; D] = flow.map(&case.s, &t, &case.x);
            if D == 1 { [t, x[0]] } else { [x[0], x[1]] }
        };
        times.filter(|t| flow.is_alive(case.s, *t, &case.x)).map(point).collect()
    });
    let sides = flow.sides();
    let wide = |[low, high]: [f64; 2]| [low - 0.2 * (high - low), high + 0.2 * (high - low)];
    let frame = if D == 1 { [[first, last], wide(sides[0])] } else { [wide(sides[0]), wide(sides[1])] };
    svg(&paths.collect::<Vec<_>>(), frame)
}

/// On one line, so that it fits into a cell of a table. Paths are cut at the frame.
fn svg(paths: &[Vec<[f64; 2]>], frame: [[f64; 2]; 2]) -> String {
    let [width, height] = SIZE;
    let mut d = String::new();
    for path in paths {
        let mut pen = 'M';
        for point in path {
            let [x, y] = [0, 1].map(|i| (point[i] - frame[i][0]) / (frame[i][1] - frame[i][0]));
            if (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y) {
                write!(d, "{pen}{:.1} {:.1}", x * width, (1.0 - y) * height).unwrap();
                pen = 'L';
            } else {
                pen = 'M';
            }
        }
    }
    let view = format!(r#"width="{width}" height="{height}" viewBox="0 0 {width} {height}""#);
    format!(r##"<svg xmlns="http://www.w3.org/2000/svg" {view} fill="none" stroke="#5b8fd0"><path d="{d}"/></svg>"##)
}

const TABLE: &str = include_str!("../../src/exact/mod.rs");

/// The pictures that the documentation shows.
pub fn names() -> impl Iterator<Item = String> {
    let names = TABLE.split("pictures/").skip(1).map(|rest| rest.split_once(".svg").expect("a picture is an SVG").0.to_owned());
    assert!(names.clone().count() >= 40, "the table of flows has a picture for each");
    names
}

/// The picture in the documentation, if the flow has one, is this one, to a pixel. If the variable `FLOWMAP_WRITE_PICTURES` is
/// set, the picture is written instead.
pub fn check(name: &str, picture: impl FnOnce() -> String) {
    if !names().any(|shown| shown == name) {
        return;
    }
    let picture = &picture();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/exact/pictures").join(name).with_extension("svg");
    if std::env::var_os("FLOWMAP_WRITE_PICTURES").is_some() {
        fs::write(&path, picture).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let numbers = |svg: &str| -> Vec<f64> {
        svg.split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|number| number.parse().ok()).collect()
    };
    let (old, new) = (numbers(&there), numbers(picture));
    let same = old.len() == new.len() && old.iter().zip(&new).all(|(a, b)| (a - b).abs() <= 1.0);
    assert!(same, "the picture of {name} is not that of the flow; FLOWMAP_WRITE_PICTURES=1 cargo test writes it anew");
    assert!(new.len() > 60, "{name}: an empty picture");
}
