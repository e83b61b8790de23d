//! An orbit about the Earth, forward and back in time, in two systems of units and far from time 0.

use crate::runs::{MANY, METHODS, path, solved, solved_in_single, within};
use flowmap::{Num, Number, Ode, solver::Save};

/// Motion about a point of this gravity.
#[derive(Clone, Copy)]
struct Gravity(f64);

impl Ode<6> for Gravity {
    #[inline(always)]
    fn rhs<N: Number>(&self, _t: &Num<N>, [x, y, z, u, v, w]: &[Num<N>; 6]) -> [Num<N>; 6] {
        let square = x * x + y * y + z * z;
        let pull = -self.0 / (square.sqrt() * &square);
        [u.clone(), v.clone(), w.clone(), &pull * x, &pull * y, pull * z]
    }
}

const EARTH: f64 = 398_600.441_8;
const START: [f64; 6] = [-6_858.927_546_16, 22_880.340_517_24, -12_385.723_556_68, -1.963_422_22, -1.991_456_06, -2.607_889_09];
/// Minutes, kilometres, and kilometres a second.
const ORBIT: [(f64, [f64; 6]); 4] = [
    (
        -300.0,
        [
            12_508.100_248_335_605,
            -12_504.264_800_049_766,
            19_379.109_195_700_287,
            1.254_078_578_136_508_9,
            3.429_912_642_748_165_8,
            1.428_821_549_686_754_3,
        ],
    ),
    (
        -100.0,
        [
            5_902.208_526_379_164,
            25_455.125_110_961_583,
            5_702.314_799_891_751,
            -2.023_985_678_725_081,
            1.196_537_379_747_172_2,
            -3.045_044_229_709_788,
        ],
    ),
    (
        100.0,
        [
            -14_866.604_475_247_813,
            4_420.515_014_520_685,
            -21_886.955_701_723_887,
            -0.537_209_421_708_345_76,
            -3.780_841_790_645_399_8,
            -0.358_306_182_095_334_93,
        ],
    ),
    (
        300.0,
        [
            -1_138.053_124_092_444_5,
            -26_236.039_159_362_909,
            1_241.800_164_064_277_3,
            2.236_703_371_385_158,
            0.087_179_972_378_350_74,
            3.210_345_663_429_518,
        ],
    ),
];

/// Positions and speeds are off by at most a share of the radius and of the speed.
fn near(what: &str, found: &[f64; 6], expected: &[f64; 6], error: f64, unit: f64) {
    crate::runs::close(
        what,
        &found[..3],
        &expected[..3].iter().map(|x| unit * x).collect::<Vec<_>>(),
        [0.0, unit * error * 26_562.0],
    );
    crate::runs::close(
        what,
        &found[3..],
        &expected[3..].iter().map(|x| unit * x).collect::<Vec<_>>(),
        [0.0, unit * error * 3.87],
    );
}

/// Forward and backward from one start, in km and in m; poliastro/poliastro#1630, #328, #1289.
#[test]
fn an_orbit_is_right_both_ways_in_kilometres_and_in_metres() {
    for (unit, gravity) in [(1.0, EARTH), (1e3, EARTH * 1e9)] {
        for (relative, absolute) in [(1e-6, 1e-9), (1e-10, 1e-10)] {
            for (minutes, end) in ORBIT {
                let span = [0.0, 60.0 * minutes];
                for found in solved(within(relative, absolute), Gravity(gravity), span, START.map(|x| unit * x)) {
                    assert_eq!(found.time, span[1], "{found:?}");
                    near(&found.by, &found.state, &end, MANY * relative, unit);
                }
            }
        }
    }
    for (minutes, end) in ORBIT {
        for found in solved_in_single(within(1e-5, 1e-6), Gravity(EARTH), [0.0, 60.0 * minutes], START) {
            near(&found.by, &found.state, &end, MANY * 1e-5, 1.0);
        }
    }
}

/// Nineteen times from -300 to 300 minutes, of which the one in the middle is the start; poliastro/poliastro#328.
#[test]
fn no_time_is_no_way_and_saved_states_lie_on_the_orbit() {
    for method in METHODS {
        let solver = within(1e-10, 1e-10)(method);
        assert_eq!(path(&solver, Gravity(EARTH), [0.0; 2], START, &Save::End).end(), &START);
        for sign in [-1.0, 1.0] {
            let times: Vec<f64> = (0..10).map(|k| sign * 2000.0 * f64::from(k)).collect();
            let saved = path(&solver, Gravity(EARTH), [0.0, sign * 18_000.0], START, &Save::At(times));
            assert_eq!((saved.states().len(), &saved.states()[0]), (10, &START));
            for (minutes, end) in ORBIT {
                if let Some(at) = saved.times().iter().position(|time| *time == 60.0 * minutes) {
                    near(method.name, &saved.states()[at], &end, MANY * 1e-10, 1.0);
                }
            }
        }
    }
}

/// The clock begins at 1e9 s and at 7.2e8 s; poliastro/poliastro#1289.
#[test]
fn an_epoch_changes_nothing() {
    for epoch in [1e9, 7.2e8] {
        for (minutes, end) in ORBIT {
            for found in solved(within(1e-10, 1e-10), Gravity(EARTH), [epoch, epoch + 60.0 * minutes], START) {
                near(&found.by, &found.state, &end, MANY * 1e-10, 1.0);
            }
        }
    }
}
