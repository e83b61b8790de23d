//! Flow maps of ordinary differential equations: define, verify and learn them.
//!
//! The flow map `X_{s,t}` of an ODE `dx/dt = b_t(x)` carries the state at time `s` to the state at time `t`, in either
//! direction. With `X_{s,s}(x) = x` and the tangent condition `∂_t X_{s,t}(x) = b_s(x)` at `t = s`, it is the one map for which
//! any one of these holds (arXiv 2505.18825, section 2):
//!
//! | characterization | identity |
//! |---|---|
//! | [Lagrangian](characterization::Lagrangian) | `∂_t X_{s,t}(x) = b_t(X_{s,t}(x))` |
//! | [Eulerian](characterization::Eulerian) | `∂_s X_{s,t}(x) + ∇X_{s,t}(x) b_s(x) = 0` |
//! | [semigroup](characterization::Semigroup) | `X_{u,t}(X_{s,u}(x)) = X_{s,t}(x)` |
//!
//! For any other map the two sides differ, and the difference is the residual. The same residuals check a formula and measure a
//! solver or a learned map ([`verify`]), and train networks ([`learn`]).
//!
//! # First example
//!
//! An ODE, a formula that should be its flow map, and a check of the formula:
//!
//! ```
//! use flowmap::{FiniteDifferences, QuasiRandom, field, flow_map, verify};
//!
//! // dx/dt = -x + sin t and its solution in closed form
//! let b = field(|t: &f64, [x]: &[f64; 1]| [-x + t.sin()]);
//! let forced = |t: f64| 0.5 * (t.sin() - t.cos());
//! let map = flow_map(move |s: &f64, t: &f64, [x]: &[f64; 1]| [forced(*t) + (x - forced(*s)) * (s - t).exp()]);
//!
//! let cases = QuasiRandom::new([0.0, 2.0], [[-1.0, 1.0]])?.cases(200);
//! let report = verify(&FiniteDifferences::new(map), &b, cases);
//! assert!(report.holds(1e-9), "{report}");
//! # Ok::<(), flowmap::Error>(())
//! ```
//!
//! [`FiniteDifferences`] supplies tangents by central differences. A formula written over [`Num`] needs none, because dual
//! numbers give exact ones; the README shows such a flow. Continue with the [`guide`].
//!
//! # Tour
//!
//! High level first:
//!
//! | where | what |
//! |---|---|
//! | [`learn`], [`sample`], [`plot`] | training by self-distillation, runs and checkpoints; sampling along a time grid, with renoising or rewards; pictures |
//! | [`nn`] | networks as average velocities |
//! | [`likelihood`] | log-densities along flow maps, by the Jacobian, the divergence, a solver, or one evaluation of a network |
//! | [`distribution`], [`data`], [`metric`] | distributions of noise and data; tables of points, sets of images; distances between samples, or from a distribution |
//! | [`exact`], [`interpolant`] | flows in closed form; paths from noise to data |
//! | [`certificate`] | bounds on the error of a flow map by its residuals |
//! | [`analysis`] | Jacobians, stretching, Lyapunov exponents; return maps; scalar fields on grids |
//! | [`solver`] | numerical flow maps: adaptive and fixed steps, trajectories, events, ensembles |
//! | [`characterization`] | the identities, their residuals, [`verify`] and its [`Report`] |
//! | [`FlowMap`], [`AverageVelocity`] | maps and their combinations: [`Composition`], [`TimeChange`], [`Conjugation`], [`Product`] and more; [`AverageVelocityMap`]: `X_{s,t}(x) = x + (t - s) v_{s,t}(x)` |
//! | [`VelocityField`], [`Ode`], [`DynOde`], [`ode!`] | right-hand sides, from a closure or coordinate by coordinate; parameters; [`WithStops`], [`Table`] |
//! | [`backend`] | the libraries whose vectors and arrays are states |
//! | [`Tensor`], [`Tape`], [`Var`] | n-dimensional arrays, and reverse mode over any of them |
//! | [`State`], [`Coordinates`], [`DynCoordinates`] | points and batches that an ODE moves |
//! | [`Number`], [`Num`], [`Dual`], [`Lanes`] | arithmetic that floats, dual numbers and tensors share; numbers in formulas; forward mode; SIMD |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `ndarray` | yes | tensors on the CPU ([`backend::ndarray`]): matrix products by gemm, threads by rayon, SIMD by pulp |
//! | `ensemble` | yes | [`solver::Ensemble`]: many small ODEs in SIMD lanes and threads, by pulp and rayon |
//! | `nalgebra` | yes | nalgebra's vectors as states, [`exact::Gaussian`], [`analysis::Deformation`], [`certificate::certify`], with `train` most of [`metric`] |
//! | `diffsol` | | [`solver::Stiff`]: solvers for stiff problems, from the library diffsol |
//! | `train` | | [`nn`], [`learn`], [`data`], [`distribution`], [`metric`]; implies `serde` |
//! | `transport` | | [`learn::Transport`]: noise and data paired by optimal transport within blocks, by lsap and rayon; implies `train` |
//! | `terminal` | | a progress bar, and Ctrl-C that saves and stops; implies `train` |
//! | `cli` | | [`cli::Options`] for programs with a command line; implies `terminal` and `transport` |
//! | `images` | | [`data::Images`] from IDX files and folders of PNG and JPEG files, [`data::StoredImages`]; implies `train` |
//! | `plot` | | [`plot`]: samples, images, heat maps and paths as PNG, curves as SVG |
//! | `proptest` | | [`exact::strategy`]: random exact flows for property tests |
//! | `serde` | | serialization of reports and settings |
//! | `dfdx` | | tensors of the dfdx library |
//! | `dfdx-cuda` | | dfdx's tensors on a GPU; needs a CUDA toolkit to build, see `docs/gpu.md` |
//! | `cuda` | | `backend::cuda`: tensors on NVIDIA's GPUs with this crate's own kernels; builds anywhere; has not run on a GPU yet |
#![cfg_attr(docsrs, feature(doc_cfg))]
// some links lead to modules behind features
#![cfg_attr(
    not(all(feature = "cli", feature = "diffsol", feature = "images", feature = "plot", feature = "proptest")),
    allow(rustdoc::broken_intra_doc_links)
)]

pub mod analysis;
pub mod backend;
pub mod certificate;
pub mod characterization;
#[cfg(feature = "terminal")]
pub mod cli;
#[cfg(feature = "train")]
pub mod data;
#[cfg(feature = "train")]
pub mod distribution;
mod durable;
mod error;
pub mod exact;
mod field;
mod finite_differences;
mod flow;
pub mod interpolant;
#[cfg(feature = "train")]
mod layout;
#[cfg(feature = "train")]
pub mod learn;
pub mod likelihood;
#[cfg(feature = "train")]
pub mod metric;
#[cfg(feature = "train")]
mod named_tensors;
#[cfg(feature = "train")]
pub mod nn;
mod number;
#[cfg(feature = "plot")]
pub mod plot;
mod quadrature;
#[cfg(feature = "train")]
pub mod random;
mod root;
#[cfg(feature = "train")]
pub mod sample;
#[cfg(any(feature = "ensemble", feature = "ndarray"))]
mod simd;
pub mod solver;
mod state;
pub mod statistics;
mod status;
mod tensor;

pub use characterization::{Case, QuasiRandom, Report, verify, verify_flow, verify_in_units_of};
pub use error::{Error, Result};
pub use field::{
    DynOde, DynParametricOde, DynPointwise, DynWithParameters, Field, Frozen, Ode, ParametricOde, Pointwise, Table,
    VelocityField, WithParameters, WithStops, field, rhs_jacobian,
};
pub use finite_differences::FiniteDifferences;
pub use flow::{
    Autonomous, AverageVelocity, AverageVelocityMap, Clock, Composition, Conjugation, Diffeomorphism, FlowMap, Invariant,
    Inverse, Map, Product, Projection, Restriction, Scaling, TimeChange, TimeGrid, flow_map,
};
#[cfg(feature = "train")]
pub use layout::Layout;
pub use number::{
    Condition, Dual, LaneMask, Lanes, Mask, Matrix, Norm, Num, Number, Operand, Real, Row, Scalar, Tolerance, Value,
};
pub use state::{Coordinates, DynCoordinates, Pair, State};
/// The tensor of this library on the CPU, in single precision: what networks usually are trained with.
#[cfg(feature = "ndarray")]
pub type Cpu = backend::ndarray::NdTensor<f32>;
pub use tensor::{Activation, AdamStep, Gradients, ImageTensor, Normalization, Tape, Tensor, Transpose, Var, Window};

/// User guide: most pages of the folder `docs` of the repository. Their examples run with the tests.
///
/// | page | topic |
/// |---|---|
/// | [`theory`](guide::theory) | flow maps, their identities, and why these verify, measure and train |
/// | [`verifying`](guide::verifying) | is my formula, my solver, the flow map of my ODE? |
/// | [`solving`](guide::solving) | ODEs: methods, tolerances, events, derivatives, stiffness, many at once |
/// | [`learning`](guide::learning) | the flow map of an ODE or of a teacher; which objective |
/// | [`generating`](guide::generating) | your own images |
/// | [`likelihood`](guide::likelihood) | densities along a map |
/// | [`certificates`](guide::certificates) | how wrong a map is, without knowing the answer |
/// | [`extending`](guide::extending) | your own flows, methods, solvers, states, backends |
/// | [`faq`](guide::faq) | NaN, `f32`, which method, how to benchmark, how to cite |
#[cfg(all(feature = "ensemble", feature = "nalgebra", feature = "ndarray"))]
pub mod guide {
    #[cfg(feature = "train")]
    #[doc = include_str!("../docs/theory.md")]
    pub mod theory {}

    #[doc = include_str!("../docs/verifying.md")]
    pub mod verifying {}

    #[doc = include_str!("../docs/solving.md")]
    pub mod solving {}

    #[cfg(feature = "train")]
    #[doc = include_str!("../docs/learning.md")]
    pub mod learning {}

    #[cfg(feature = "train")]
    #[doc = include_str!("../docs/generating.md")]
    pub mod generating {}

    #[cfg(feature = "train")]
    #[doc = include_str!("../docs/certificates.md")]
    pub mod certificates {}

    #[cfg(feature = "train")]
    #[doc = include_str!("../docs/likelihood.md")]
    pub mod likelihood {}

    #[doc = include_str!("../docs/extending.md")]
    pub mod extending {}

    #[doc = include_str!("../docs/faq.md")]
    pub mod faq {}
}

/// Re-export of dfdx, in the version that [`backend::dfdx`] uses.
#[cfg(feature = "dfdx")]
pub use dfdx;
/// Re-export of nalgebra, in the version that this crate uses.
#[cfg(feature = "nalgebra")]
pub use nalgebra;
/// Re-export of ndarray, in the version that [`backend::ndarray`] uses.
#[cfg(feature = "ndarray")]
pub use ndarray;
/// Re-export of rand, in the version that [distributions](distribution) use.
#[cfg(feature = "train")]
pub use rand;
/// Re-export of serde_json, in the version that [`nn::Module::architecture`] uses.
#[cfg(feature = "train")]
pub use serde_json;

/// The examples of the README, compiled and run with the tests.
#[cfg(all(doctest, feature = "ndarray", feature = "train"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
