//! What the suite asks of a backend, and arrays on the host to compare with.

use flowmap::{Coordinates, ImageTensor, Number, Real, Tensor, backend::ndarray::NdTensor, ndarray};
use std::ops::Range;

pub trait Backend {
    type T: Tensor<Primal = Self::T> + Coordinates<2> + Coordinates<3>;
    fn device() -> Device<Self>;
    /// The transpose of a matrix, handed over in the library's own type as a view that is not row-major.
    fn from_transposed(values: Vec<Scalar<Self>>, rows: usize, columns: usize) -> Self::T;
    /// Every second column of a matrix, handed over as a view with gaps.
    fn from_every_second_column(values: Vec<Scalar<Self>>, rows: usize, columns: usize) -> Self::T;
}

/// One whose tensors hold images.
pub trait ImageBackend: Backend<T: ImageTensor> {}
impl<B: Backend<T: ImageTensor>> ImageBackend for B {}

pub type Device<B> = <<B as Backend>::T as Tensor>::Device;
pub type Scalar<B> = <<B as Backend>::T as Number>::Real;

pub struct Nd<F>(std::marker::PhantomData<F>);

impl<F: flowmap::backend::ndarray::Element> Backend for Nd<F> {
    type T = NdTensor<F>;
    fn device() {}
    fn from_transposed(values: Vec<F>, rows: usize, columns: usize) -> NdTensor<F> {
        NdTensor::from(ndarray::Array2::from_shape_vec((rows, columns), values).unwrap().t())
    }
    fn from_every_second_column(values: Vec<F>, rows: usize, columns: usize) -> NdTensor<F> {
        let matrix = ndarray::Array2::from_shape_vec((rows, columns), values).unwrap();
        NdTensor::from(matrix.slice(ndarray::s![.., ..;2]))
    }
}

#[cfg(feature = "dfdx")]
pub use on_dfdx::Dfdx;

#[cfg(feature = "dfdx")]
mod on_dfdx {
    use super::Backend;
    use flowmap::{
        backend::dfdx::{DfdxTensor, Element},
        dfdx::{
            shapes::Axes2,
            tensor::{Cpu, TensorFromVec},
            tensor_ops::{Device, PermuteTo},
        },
    };

    pub struct Dfdx<E, D = Cpu>(std::marker::PhantomData<(E, D)>);

    /// A device that the suite can have again and again.
    pub trait Place {
        fn place() -> Self;
    }

    impl Place for Cpu {
        fn place() -> Self {
            Self::default()
        }
    }

    #[cfg(feature = "dfdx-cuda")]
    impl Place for flowmap::dfdx::tensor::Cuda {
        fn place() -> Self {
            // making one takes a while: a handle of cuBLAS, and every kernel is loaded anew
            std::thread_local!(static GPU: flowmap::dfdx::tensor::Cuda = flowmap::backend::dfdx::cuda(0).unwrap_or_else(|e| panic!("{e}")));
            GPU.with(Clone::clone)
        }
    }

    impl<E: Element, D: Device<E> + Place> Backend for Dfdx<E, D> {
        type T = DfdxTensor<E, D>;
        fn device() -> D {
            D::place()
        }
        fn from_transposed(values: Vec<E>, rows: usize, columns: usize) -> Self::T {
            let matrix = TensorFromVec::<E>::tensor_from_vec(&Self::device(), values, (rows, columns));
            DfdxTensor::from(matrix.permute::<(usize, usize), Axes2<1, 0>>())
        }
        /// Slices of dfdx have no gaps: every second row of the transpose, turned back.
        fn from_every_second_column(values: Vec<E>, rows: usize, columns: usize) -> Self::T {
            let kept = columns.div_ceil(2);
            let turned = (0..kept).flat_map(|j| values.iter().copied().skip(2 * j).step_by(columns)).collect();
            Self::from_transposed(turned, kept, rows)
        }
    }
}

/// The GPU, where there is one. `FLOWMAP_GPU=required` in the environment makes a failure of what is skipped without.
#[cfg(feature = "cuda")]
pub struct Cuda;

#[cfg(feature = "cuda")]
impl Cuda {
    pub fn is_there() -> bool {
        match flowmap::backend::cuda::Device::new(0) {
            Ok(_) => true,
            Err(error) if std::env::var_os("FLOWMAP_GPU").is_none() => {
                println!("skipped: {error}");
                false
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[cfg(feature = "cuda")]
impl Backend for Cuda {
    type T = flowmap::backend::cuda::CudaTensor;
    fn device() -> Device<Self> {
        Device::<Self>::new(0).unwrap_or_else(|e| panic!("{e}"))
    }
    /// It takes no views: what comes from elsewhere is in order already.
    fn from_transposed(values: Vec<f32>, rows: usize, columns: usize) -> Self::T {
        let turned: Vec<f32> =
            (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j))).map(|(i, j)| values[i * columns + j]).collect();
        Self::T::from_slice_on(&Self::device(), &turned, &[columns, rows])
    }
    fn from_every_second_column(values: Vec<f32>, rows: usize, columns: usize) -> Self::T {
        let kept: Vec<f32> =
            (0..rows).flat_map(|i| (0..columns).step_by(2).map(move |j| (i, j))).map(|(i, j)| values[i * columns + j]).collect();
        Self::T::from_slice_on(&Self::device(), &kept, &[rows, columns.div_ceil(2)])
    }
}

/// The machine epsilon of a backend's floats.
pub fn epsilon<B: Backend>() -> f64 {
    use num_traits::Float;
    Scalar::<B>::epsilon().into_f64()
}

/// An array on the host whose values the backend's floats represent exactly.
#[derive(Clone, Debug)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Array {
    pub fn tensor<B: Backend>(&self) -> B::T {
        B::T::from_slice_on(&B::device(), &reals::<B>(&self.values), &self.shape)
    }
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Vec<f64> {
        self.values.iter().map(|&x| f(x)).collect()
    }
}

pub fn reals<B: Backend>(values: &[f64]) -> Vec<Scalar<B>> {
    values.iter().map(|&x| Scalar::<B>::from_f64(x)).collect()
}

pub fn size(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Pseudo-random values, uniform on `range`, a function of seed and shape (splitmix64).
pub fn random<B: Backend>(seed: u64, shape: &[usize], range: Range<f64>) -> Array {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let values = (0..size(shape)).map(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        Scalar::<B>::from_f64(range.start + (range.end - range.start) * unit).into_f64()
    });
    Array { shape: shape.to_vec(), values: values.collect() }
}

pub fn host<T: Tensor>(x: &T) -> Vec<f64> {
    x.to_vec().into_iter().map(Real::into_f64).collect()
}

/// The error bound is `epsilons` machine epsilons of `size`, element by element.
#[track_caller]
pub fn assert_close<B: Backend>(what: &str, found: &B::T, shape: &[usize], expected: &[f64], size: &[f64], epsilons: f64) {
    assert_eq!(found.shape(), shape, "{what}: shape");
    let found = host(found);
    assert_eq!((found.len(), expected.len()), (expected.len(), size.len()), "{what}: count");
    for (i, ((&a, &b), &size)) in found.iter().zip(expected).zip(size).enumerate() {
        let bound = epsilons * epsilon::<B>() * size + f64::from(f32::MIN_POSITIVE);
        assert!((a - b).abs() <= bound || a == b, "{what}, shape {shape:?}, element {i}: {a:e} against {b:e}");
    }
}

/// Equal, bit for bit up to the sign of zero.
#[track_caller]
pub fn assert_same(what: &str, found: &impl Tensor, shape: &[usize], expected: &[f64]) {
    assert_eq!(found.shape(), shape, "{what}: shape");
    assert_eq!(host(found), expected, "{what}, shape {shape:?}");
}

/// Shapes with axes of length 0 and 1, and sizes on both sides of one piece of threaded work (2^14), not multiples of it.
pub const SHAPES: [&[usize]; 9] = [&[], &[1], &[5], &[0], &[3, 0], &[1, 1, 1], &[2, 3, 4], &[0, 3], &[257, 129]];

/// All multi-indices of a shape, row by row.
pub fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &length in shape {
        all = all.iter().flat_map(|head| (0..length).map(move |i| [head.clone(), vec![i]].concat())).collect();
    }
    all
}

/// The position of an element in row-major memory.
pub fn offset(shape: &[usize], index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |at, (length, i)| at * length + i)
}
