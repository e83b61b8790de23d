//! Tensors of dfdx: the same solves as points.

use crate::fields::{ADAPTIVE, DRIVEN, DrivenField, adaptive};
use flowmap::{
    State, Tensor,
    backend::dfdx::DfdxTensor,
    dfdx::tensor::Cpu,
    solver::{FixedSteps, METHODS, Save, Solver},
};

const START: [[f64; 2]; 3] = [[1.0, 0.5], [-0.3, 2.0], [0.0, 0.1]];
const ENDS: [f64; 3] = [5.0, -3.0, 0.0];

type Batch = DfdxTensor<f64, Cpu>;

fn agrees<S>(solver: &S, tolerance: f64)
where
    S: Solver<Batch, DrivenField> + Solver<[f64; 2], DrivenField>,
{
    let device = Cpu::default();
    let tensor = |values: &[f64], shape: &[usize]| Batch::from_slice_on(&device, values, shape);
    let (zero, ends) = (tensor(&[0.0; 3], &[3]), tensor(&ENDS, &[3]));
    let batch = solver.solve(&DRIVEN, &zero, &ends, &tensor(START.as_flattened(), &[3, 2]), &Save::Dense).unwrap();
    for (i, (x, t)) in START.iter().zip(ENDS).enumerate() {
        let point = solver.solve(&DRIVEN, &0.0, &t, x, &Save::Dense).unwrap();
        let end = batch.end().to_vec();
        assert!(point.end().minus(&[end[2 * i], end[2 * i + 1]]).norm() < tolerance);
        let middle = batch.at(&tensor(&ENDS.map(|t| 0.4 * t), &[3])).to_vec();
        assert!(point.at(&(0.4 * t)).minus(&[middle[2 * i], middle[2 * i + 1]]).norm() < tolerance);
        assert_eq!(batch.statuses()[i], point.status());
    }
}

#[test]
fn tensors_of_dfdx_are_solved_like_points() {
    for method in ADAPTIVE {
        agrees(&adaptive(method, 1e-6), 1e-9);
    }
    for method in METHODS {
        agrees(&FixedSteps::new(method, 12).unwrap(), 1e-12);
    }
}
