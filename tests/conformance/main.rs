//! One suite for every backend: each operation against plain loops, its derivatives, its shape errors, its determinism.
//!
//! A new backend implements [`backend::Backend`] and adds a module at the end of this file.

mod backend;
mod derivatives;
mod determinism;
mod elementwise;
mod images;
mod kernels;
mod layers;
mod objectives;
mod operations;
mod products;
mod rows;
mod shape_errors;
mod states;
mod structure;
#[cfg(feature = "cuda")]
mod training;
#[path = "../common/transformer.rs"]
mod transformer;

macro_rules! tests {
    ($backend:ty: $($part:ident::$test:ident)*) => {$(
        #[test]
        fn $test() {
            crate::$part::$test::<$backend>();
        }
    )*};
}

/// Those that are skipped where there is no GPU.
#[cfg(feature = "cuda")]
macro_rules! tests_on_a_gpu {
    ($backend:ty: $($part:ident::$test:ident)*) => {$(
        #[test]
        fn $test() {
            if <$backend>::is_there() {
                crate::$part::$test::<$backend>();
            }
        }
    )*};
}

/// What a test asks for in every backend of tensors.
macro_rules! tensors {
    ($tests:ident $backend:ty) => {
        $tests! { $backend:
            elementwise::functions elementwise::operators elementwise::scalars_meet_tensors elementwise::comparisons elementwise::angles
            elementwise::masks_take_scalars elementwise::constants elementwise::operands_that_others_hold_keep_their_values
            structure::values_come_back structure::views_in_other_layouts structure::reshape structure::slice structure::concat
            structure::sum structure::expand structure::permute structure::rotate_axes structure::broadcast
            products::product products::batch_products products::linear
            rows::normalization rows::epsilons_are_positive rows::softmax rows::row_maximum
            kernels::activations kernels::lerp kernels::adam
            states::vector_space states::scaled states::norm states::choose states::error_norm states::coordinates states::in_form_of
            shape_errors::elementwise_shapes shape_errors::structural_shapes shape_errors::product_shapes shape_errors::kernel_shapes
            layers::attention_is_a_mean_of_values layers::heads_attend_by_themselves layers::attention_knows_no_order
            layers::norms_have_gains layers::embeddings_are_looked_up layers::layers_refuse_what_does_not_fit
            layers::layers_are_functions_of_their_seeds
            shape_errors::state_shapes shape_errors::row_shapes
        }
    };
}

macro_rules! every_precision {
    ($backend:ty) => {
        tensors! { tests $backend }
        tests! { $backend:
            images::convolutions images::resolution images::channels images::edm_properties
            shape_errors::image_shapes
            derivatives::reverse_is_the_adjoint_of_forward derivatives::decorated_values_are_the_plain_ones
        }
    };
}

macro_rules! double_precision {
    ($backend:ty) => {
        tests! { $backend:
            derivatives::forward_matches_differences derivatives::reverse_over_forward_matches_differences
            derivatives::parameters_used_twice derivatives::kernels_used_twice derivatives::frozen_factors_are_constants
            objectives::residual_values objectives::parameter_gradients objectives::alpha_flow_tends_to_mean_flow images::unet_gradients images::edm_gradients
            layers::transformer_tangents layers::transformer_gradients
        }
    };
}

mod ndarray_f32 {
    every_precision!(crate::backend::Nd<f32>);
}
mod ndarray_f64 {
    every_precision!(crate::backend::Nd<f64>);
    double_precision!(crate::backend::Nd<f64>);
}
#[cfg(feature = "dfdx")]
mod dfdx_f32 {
    every_precision!(crate::backend::Dfdx<f32>);
}
#[cfg(feature = "dfdx")]
mod dfdx_f64 {
    every_precision!(crate::backend::Dfdx<f64>);
    double_precision!(crate::backend::Dfdx<f64>);
}
// these want a GPU: without one they fail, and say what is missing
#[cfg(feature = "dfdx-cuda")]
mod dfdx_cuda_f32 {
    every_precision!(crate::backend::Dfdx<f32, flowmap::dfdx::tensor::Cuda>);
}
#[cfg(feature = "dfdx-cuda")]
mod dfdx_cuda_f64 {
    every_precision!(crate::backend::Dfdx<f64, flowmap::dfdx::tensor::Cuda>);
    double_precision!(crate::backend::Dfdx<f64, flowmap::dfdx::tensor::Cuda>);
}
#[cfg(feature = "cuda")]
mod cuda_f32 {
    tensors! { tests_on_a_gpu crate::backend::Cuda }
    tests_on_a_gpu! { crate::backend::Cuda:
        training::steps_are_those_of_ndarray training::runs_repeat_bit_for_bit training::gpus_share_their_tensors_with_threads
        training::tf32_rounds_the_factors_of_products training::a_sum_does_not_depend_on_the_batch_around_it
            training::transformers_step_as_on_ndarray
    }
}
