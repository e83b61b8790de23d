//! Ticks of an axis, and their labels.

/// A number on an axis.
pub(super) type Tick = (f64, String);

/// Multiples of 1, 2 or 5 times a power of ten between `low` and `high`: as many as allowed up to `most`, each with a label.
pub(super) fn ticks([low, high]: [f64; 2], most: usize) -> Vec<Tick> {
    let coarse = (high - low) / most.max(1) as f64;
    let decade = 10.0_f64.powf(coarse.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|step| *step >= coarse * (1.0 - 1e-9));
    let Some(step) = step.filter(|step| *step > 0.0 && step.is_finite()) else { return Vec::new() };
    // keep the ends despite rounding errors
    let [first, last] = [(low / step - 1e-9).ceil(), (high / step + 1e-9).floor()];
    let count = (last - first + 1.0).clamp(0.0, most as f64 + 1.0) as usize;
    (0..count).map(|k| (first + k as f64) * step).map(|x| (x, label(x, step))).collect()
}

/// `x` with enough digits to distinguish it from its neighbours.
fn label(x: f64, step: f64) -> String {
    let magnitude = |x: f64| (x.abs().log10() + 1e-9).floor();
    if x.abs() < 0.5 * step {
        "0".into()
    } else if x.abs() < 1e6 && step > 1e-5 {
        let decimals = (-magnitude(step)).max(0.0) as usize;
        format!("{x:.decimals$}")
    } else {
        let digits = (magnitude(x) - magnitude(step)).clamp(0.0, 16.0) as usize;
        format!("{x:.digits$e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(range: [f64; 2], most: usize) -> Vec<String> {
        ticks(range, most).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn round_numbers_ends_included() {
        assert_eq!(labels([0.0, 1.0], 5), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels([-1.0, 1.0], 4), ["-1.0", "-0.5", "0", "0.5", "1.0"]);
        assert_eq!(labels([3.0, 47.0], 5), ["10", "20", "30", "40"]);
        assert_eq!(labels([0.0, 0.3], 3), ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels([0.0, 3e-7], 3), ["0", "1e-7", "2e-7", "3e-7"]);
        assert_eq!(labels([1e9, 1.0003e9], 3), ["1.0000e9", "1.0001e9", "1.0002e9", "1.0003e9"]);
    }

    #[test]
    fn labels_differ_and_ticks_are_inside_whatever_the_range() {
        for low in [0.0, 1.0, -1e-3, 12_345.678, 1e15, -1e100, 3e-300] {
            for width in [1e-12, 1e-3, 0.7, 3.0, 1e8, 1e120] {
                let [low, high] = [low, low + width * f64::abs(low).max(1e-200)];
                for most in 1..9 {
                    let ticks = ticks([low, high], most);
                    assert!(ticks.len() <= most + 1, "{low} {high}: {ticks:?}");
                    let margin = 1e-6 * (high - low);
                    for pair in ticks.windows(2) {
                        assert!(pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1, "{low} {high}: {pair:?}");
                    }
                    assert!(ticks.iter().all(|(x, _)| (low - margin..=high + margin).contains(x)), "{low} {high}: {ticks:?}");
                }
            }
        }
    }
}
