//! Integrals over time, with an error estimate from the difference of two rules.

/// Nodes per panel.
pub(crate) const NODES: usize = 15;

/// The positive nodes of Kronrod's rule of 15 points on `[-1, 1]`, from the ends inwards, and the middle.
const KRONROD: [f64; 8] = [
    0.991_455_371_120_812_6,
    0.949_107_912_342_758_5,
    0.864_864_423_359_769_1,
    0.741_531_185_599_394_4,
    0.586_087_235_467_691_1,
    0.405_845_151_377_397_2,
    0.207_784_955_007_898_47,
    0.0,
];
const KRONROD_WEIGHTS: [f64; 8] = [
    0.022_935_322_010_529_224,
    0.063_092_092_629_978_56,
    0.104_790_010_322_250_18,
    0.140_653_259_715_525_92,
    0.169_004_726_639_267_9,
    0.190_350_578_064_785_4,
    0.204_432_940_075_298_9,
    0.209_482_141_084_727_82,
];
/// The weights of Gauss's rule of 7 points, whose nodes are every second one of these.
const GAUSS_WEIGHTS: [f64; 4] =
    [0.129_484_966_168_869_7, 0.279_705_391_489_276_64, 0.381_830_050_505_118_9, 0.417_959_183_673_469_37];

/// Kronrod's rule of 15 points with Gauss's rule of 7 inside, on equal panels from `s` to `t`: exact for polynomials up to
/// degree 22 and 13.
///
/// Source: R. Piessens, E. de Doncker-Kapenga, C. W. Überhuber, D. K. Kahaner, QUADPACK, 1983.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// The times, in order from `s` to `t`.
    pub nodes: Vec<f64>,
    /// Positive in either direction of time: `∫ f |dr| = Σ weights f`.
    pub weights: Vec<f64>,
    /// The weights of Gauss's rule, 0 at the nodes that it does not use.
    coarse: Vec<f64>,
    /// `rests[k][j]`: the integral of the `j`-th Lagrange polynomial from node `k` to the end of its panel.
    rests: [[f64; NODES]; NODES],
}

impl Rule {
    /// The rule from `s` to `t` on `panels` panels.
    pub fn new([s, t]: [f64; 2], panels: usize) -> Self {
        let (unit, weights, coarse) = unit();
        let (step, length) = ((t - s) / panels as f64, (t - s).abs() / panels as f64);
        let each = |values: [f64; NODES]| (0..panels).flat_map(|_| values.map(|w| w * length)).collect();
        let nodes = (0..panels).flat_map(|p| unit.map(|c| s + step * (p as f64 + c))).collect();
        let rests = rests(&unit, &weights).map(|row| row.map(|rest| rest * length));
        Self { nodes, weights: each(weights), coarse: each(coarse), rests }
    }

    /// `∫_s^t f |dr|` from the values at the nodes.
    pub fn integral(&self, values: &[f64]) -> f64 {
        self.weights.iter().zip(values).map(|(w, f)| w * f).sum()
    }

    /// The difference of the two rules, panel by panel: an error estimate.
    pub fn difference(&self, values: &[f64]) -> f64 {
        let pairs = self.weights.iter().zip(&self.coarse).zip(values);
        let gaps: Vec<f64> = pairs.map(|((fine, coarse), f)| (fine - coarse) * f).collect();
        gaps.chunks(NODES).map(|panel| panel.iter().sum::<f64>().abs()).sum()
    }

    /// `∫_r^t f |dr|` for every node `r`.
    pub fn to_end(&self, values: &[f64]) -> Vec<f64> {
        let mut ahead = self.integral(values);
        let mut integrals = Vec::with_capacity(values.len());
        for (panel, weights) in values.chunks(NODES).zip(self.weights.chunks(NODES)) {
            ahead -= panel.iter().zip(weights).map(|(f, w)| f * w).sum::<f64>();
            let rest = |weights: &[f64; NODES]| weights.iter().zip(panel).map(|(w, f)| w * f).sum::<f64>();
            integrals.extend(self.rests.iter().map(|weights| ahead + rest(weights)));
        }
        integrals
    }
}

/// The nodes and both sets of weights on `[0, 1]`.
fn unit() -> ([f64; NODES], [f64; NODES], [f64; NODES]) {
    let mirrored = |k: usize| if k < 8 { (k, -1.0) } else { (NODES - 1 - k, 1.0) };
    let nodes = std::array::from_fn(|k| 0.5 + 0.5 * mirrored(k).1 * KRONROD[mirrored(k).0]);
    let weights = std::array::from_fn(|k| 0.5 * KRONROD_WEIGHTS[mirrored(k).0]);
    let coarse = std::array::from_fn(|k| if k % 2 == 1 { 0.5 * GAUSS_WEIGHTS[mirrored(k).0 / 2] } else { 0.0 });
    (nodes, weights, coarse)
}

fn rests(nodes: &[f64; NODES], weights: &[f64; NODES]) -> [[f64; NODES]; NODES] {
    let lagrange =
        |j: usize, x: f64| -> f64 { (0..NODES).filter(|&m| m != j).map(|m| (x - nodes[m]) / (nodes[j] - nodes[m])).product() };
    std::array::from_fn(|k| {
        let left = 1.0 - nodes[k];
        std::array::from_fn(|j| {
            let at = |c: f64| lagrange(j, nodes[k] + left * c);
            left * nodes.iter().zip(weights).map(|(&c, w)| w * at(c)).sum::<f64>()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(rule: &Rule, f: impl Fn(f64) -> f64) -> Vec<f64> {
        rule.nodes.iter().map(|&r| f(r)).collect()
    }

    #[test]
    fn polynomials_are_integrated_exactly() {
        let rule = Rule::new([0.0, 1.0], 1);
        for degree in 0..=22 {
            let powers = values(&rule, |r| r.powi(degree));
            assert!((rule.integral(&powers) - 1.0 / f64::from(degree + 1)).abs() < 1e-15, "degree {degree}");
            assert_eq!(rule.difference(&powers) < 1e-15, degree <= 13, "degree {degree}");
        }
    }

    #[test]
    fn both_directions_and_any_number_of_panels() {
        for (times, panels) in [([0.3, 2.0], 1), ([2.0, 0.3], 1), ([0.3, 2.0], 4), ([2.0, 0.3], 5)] {
            let rule = Rule::new(times, panels);
            let waves = values(&rule, |r| (3.0 * r).cos());
            let primitive = |r: f64| (3.0 * r).sin() / 3.0;
            assert!((rule.integral(&waves) - (primitive(2.0) - primitive(0.3))).abs() < 1e-14);
            let sign = (times[1] - times[0]).signum();
            // on a single panel, polynomials of degree 14 only approximate the wave
            let close = if panels == 1 { 1e-9 } else { 1e-13 };
            for (rest, r) in rule.to_end(&waves).into_iter().zip(&rule.nodes) {
                assert!((rest - sign * (primitive(times[1]) - primitive(*r))).abs() < close, "from {r}");
            }
        }
    }

    #[test]
    fn a_kink_is_seen_in_the_difference() {
        let error = |panels| {
            let rule = Rule::new([0.0, 1.0], panels);
            let kink = values(&rule, |r| (r - 0.4).abs());
            let exact = 0.5 * (0.16 + 0.36);
            assert!((rule.integral(&kink) - exact).abs() < rule.difference(&kink) + 1e-15);
            rule.difference(&kink)
        };
        assert!(error(1) > 1e-4 && error(16) < 1e-4);
    }
}
