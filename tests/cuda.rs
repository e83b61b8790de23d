//! The GPU through dfdx: computes as the CPU does, or is refused by an error that says why.
//!
//! The program is linked with the driver. A machine without one can build it all the same, and with the stubs of
//! `scripts/cuda-toolkit.sh` on `LD_LIBRARY_PATH` run it: the GPU is then refused. The whole suite on a GPU is in `conformance`.

use flowmap::{
    Error, Number, Real, Tensor, Transpose,
    backend::dfdx::{DfdxTensor, Element, cuda},
    dfdx::{tensor::Cpu, tensor_ops},
};

/// A few of each kind of operation.
fn results<E: Element, D: tensor_ops::Device<E>>(device: &D) -> Vec<E> {
    let values: Vec<E> = (1..=6).map(|k| <E as Real>::from_f64(f64::from(k))).collect();
    let x = DfdxTensor::from_slice_on(device, &values, &[2, 3]);
    let product = DfdxTensor::matmul(&x, Transpose::No, &x, Transpose::Yes, None);
    let wide = DfdxTensor::concat(&[x.slice(1, 1..3), x.constant(2.0), product], 1);
    let sums = wide.sum(0..1).expand(0, &[2]);
    DfdxTensor::select(&wide.less(&sums), &wide.shift(0.5), &sums).to_vec()
}

#[test]
fn computes_as_the_cpu_does_or_says_why_not() {
    match cuda(0) {
        Ok(gpu) => {
            assert_eq!(results::<f32, _>(&gpu), results::<f32, _>(&Cpu::default()));
            assert_eq!(results::<f64, _>(&gpu), results::<f64, _>(&Cpu::default()));
        }
        Err(Error::Unavailable { what, reason }) => {
            assert_eq!(what, "CUDA device 0");
            assert!(reason.contains("CUDA") && reason.contains(": "), "{reason}");
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_number_that_no_machine_has_is_refused() {
    assert!(matches!(cuda(usize::MAX), Err(Error::Unavailable { .. })));
}
