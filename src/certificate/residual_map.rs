//! Residuals over pairs of times.

use crate::{
    Error, FlowMap, Result, State, Value,
    analysis::{Grid, ScalarField},
    characterization::Characterization,
};

/// Maps the root mean square residual of an identity over pairs of times: it shows where a map differs from the field's flow
/// map.
///
/// The cell with centre `(s, t)` holds `RMS|R_{s,t}(x_s)|`, where the exact flow takes the starts, drawn at time `times[0]`, to
/// `x_s`. There are `cells` cells in each direction. Cells with `t < s` are NaN, because neural flow maps are seldom trained
/// there; so are those in which the map is not defined.
///
/// ```
/// # #[cfg(feature = "plot")] {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("residuals.png");
/// use flowmap::{FiniteDifferences, QuasiRandom, certificate::residual_map, characterization::Lagrangian, exact::Rotation};
/// use flowmap::flow_map;
/// use flowmap::plot::{ColourBar, Plane, heat_map};
/// let turn = Rotation::new(1.0)?;
/// let euler = FiniteDifferences::new(flow_map(|s: &f64, t: &f64, [x, y]: &[f64; 2]| [x - (t - s) * y, y + (t - s) * x]));
/// let starts: Vec<_> = QuasiRandom::new([0.0, 1.0], [[-1.0, 1.0]; 2])?.cases(50).map(|case| case.x).collect();
/// let residuals = residual_map(&Lagrangian, &euler, &turn, &turn, &starts, [0.0, 1.0], 20)?;
/// // an Euler step is wrong in proportion to its length
/// assert!(residuals.at(0, 19) > 10.0 * residuals.at(0, 1));
/// let plane = Plane { title: "Lagrangian residual of an Euler step", x: "s", y: "t" };
/// heat_map(&path, &plane, &ColourBar { name: "RMS residual", range: None }, &residuals)?;
/// # }
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] where there are no starts or no cells, or the times are not finite and ascending; the errors of the exact
/// flow.
pub fn residual_map<X, M, B, F, I>(
    identity: &I,
    map: &M,
    field: &B,
    exact: &F,
    starts: &[X],
    times: [f64; 2],
    cells: usize,
) -> Result<ScalarField>
where
    X: State,
    M: ?Sized,
    B: ?Sized,
    F: FlowMap<X> + ?Sized,
    I: Characterization<X, M, B> + ?Sized,
{
    let grid = Grid::new([times; 2], [cells; 2])?;
    // a point without coordinates has no norm from which to take the shape of a time
    let mut states: Vec<X> = starts.iter().filter(|x| !x.values().is_empty()).cloned().collect();
    if states.is_empty() {
        return Err(Error::invalid("starts", "there are none; give points, or batches of them"));
    }
    let mut values = vec![f64::NAN; cells * cells];
    let mut last = times[0];
    for i in 0..cells {
        let [s, _] = grid.centre(i, 0);
        for x in &mut states {
            *x = exact.try_carry([last, s], x)?;
        }
        last = s;
        for j in i..cells {
            let [_, t] = grid.centre(i, j);
            let squares = states.iter().flat_map(|x| {
                let residual = identity.residual(map, field, &x.time(s), &x.time(t), x);
                residual.dot(&residual).values()
            });
            let (sum, count) = squares.fold((0.0, 0.0), |(sum, count), square| (sum + square, count + 1.0));
            values[j * cells + i] = (sum / count).sqrt();
        }
    }
    ScalarField::new(grid, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        characterization::{Eulerian, Lagrangian, Semigroup},
        exact::Rotation,
    };

    #[test]
    fn exact_maps_have_none_and_backward_cells_are_empty() {
        let turn = Rotation::new(1.3).unwrap();
        let identities: [&dyn Characterization<[f64; 2], Rotation, Rotation>; 3] =
            [&Lagrangian, &Eulerian, &Semigroup::new(0.5).unwrap()];
        for identity in identities {
            let map = residual_map(identity, &turn, &turn, &turn, &[[1.0, 2.0], [0.3, -1.0]], [-1.0, 1.0], 6).unwrap();
            for (i, j) in (0..6).flat_map(|i| (0..6).map(move |j| (i, j))) {
                assert_eq!(map.at(i, j).is_nan(), j < i);
                assert!(j < i || map.at(i, j) < 1e-14);
            }
        }
    }

    #[test]
    fn bad_arguments() {
        let turn = Rotation::new(1.0).unwrap();
        let map = |starts: &[[f64; 2]], times, cells| residual_map(&Lagrangian, &turn, &turn, &turn, starts, times, cells);
        assert!(map(&[], [0.0, 1.0], 3).unwrap_err().to_string().contains("there are none"));
        for bad in [[1.0, 1.0], [1.0, 0.0], [0.0, f64::NAN]] {
            assert!(matches!(map(&[[1.0, 0.0]], bad, 3), Err(Error::Invalid { .. })));
        }
        assert!(matches!(map(&[[1.0, 0.0]], [0.0, 1.0], 0), Err(Error::Invalid { .. })));
    }
}
