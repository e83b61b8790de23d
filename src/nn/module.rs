//! Modules made of modules, from the smallest up.

use super::Module;
use crate::Tensor;
use serde_json::Value as Json;
use std::ops::{Deref, DerefMut};

/// A parameter: the smallest module. Its name is that of the field that holds it.
///
/// It dereferences to the parameter itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Param<P>(pub P);

impl<P> Deref for Param<P> {
    type Target = P;
    fn deref(&self) -> &P {
        &self.0
    }
}

impl<P> DerefMut for Param<P> {
    fn deref_mut(&mut self) -> &mut P {
        &mut self.0
    }
}

impl<P> Module<P> for Param<P> {
    type With<Q> = Param<Q>;

    fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Param<Q>, E> {
        f("", &self.0).map(Param)
    }
    fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut P)) {
        f("", &mut self.0);
    }
}

/// The name of a parameter within a part of a module.
#[doc(hidden)]
pub fn path(part: &str, name: &str) -> String {
    if name.is_empty() { part.into() } else { format!("{part}.{name}") }
}

/// The hooks of a container of modules.
macro_rules! hooks_of_each {
    () => {
        fn after_step(&mut self)
        where
            P: Tensor<Primal = P>,
        {
            self.iter_mut().for_each(M::after_step);
        }
        fn set_training(&mut self, seeds: &mut dyn FnMut() -> Option<u64>) {
            self.iter_mut().for_each(|m| m.set_training(seeds));
        }
    };
}

/// Modules in a row: the parameters of the first are named `0.…`.
impl<P, M: Module<P>> Module<P> for Vec<M> {
    type With<Q> = Vec<M::With<Q>>;

    fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Self::With<Q>, E> {
        self.iter().enumerate().map(|(i, m)| m.try_map(&mut |name, p| f(&path(&i.to_string(), name), p))).collect()
    }
    fn architecture(&self) -> Json {
        let all: Vec<_> = self.iter().map(M::architecture).collect();
        if all.iter().all(Json::is_null) { Json::Null } else { all.into() }
    }
    fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut P)) {
        for (i, m) in self.iter_mut().enumerate() {
            m.visit_mut(&mut |name, p| f(&path(&i.to_string(), name), p));
        }
    }
    hooks_of_each!();
}

/// A module that may be missing.
impl<P, M: Module<P>> Module<P> for Option<M> {
    type With<Q> = Option<M::With<Q>>;

    fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Self::With<Q>, E> {
        self.as_ref().map(|m| m.try_map(f)).transpose()
    }
    fn architecture(&self) -> Json {
        self.as_ref().map_or(Json::Null, M::architecture)
    }
    fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut P)) {
        self.iter_mut().for_each(|m| m.visit_mut(f));
    }
    hooks_of_each!();
}

/// The description of a module by those of its parts, which may be null, and of what it keeps.
#[doc(hidden)]
pub fn described<const N: usize, const K: usize>(name: &str, parts: [(&str, Json); N], kept: [(&str, Json); K]) -> Json {
    let all: serde_json::Map<_, _> =
        parts.into_iter().chain(kept).filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)).collect();
    if all.is_empty() { Json::Null } else { serde_json::json!({ name: all }) }
}

/// What a module keeps, as JSON.
#[doc(hidden)]
pub fn kept(value: &impl serde::Serialize) -> Json {
    serde_json::to_value(value).unwrap_or_else(|error| error.to_string().into())
}

/// Declares a struct over the type of its parameters, and makes it a [`Module`](crate::nn::Module).
///
/// All its fields are modules: a [`Param`](crate::nn::Param), a layer, a `Vec` or `Option` of them. What it `keeps` besides, such
/// as sizes, can be any type that is `Clone` and `serde::Serialize`; checkpoints hold it, and refuse a network that keeps other
/// values.
///
/// ```
/// use flowmap::{Activation, AverageVelocity, Tensor, backend::ndarray::NdTensor, module};
/// use flowmap::nn::{Linear, Model, Param, with_times};
///
/// module! {
///     /// `v_{s,t}(x) = g W₂ σ(W₁ (s, t, x))`, with a gain `g` that begins at 0.
///     #[derive(Clone)]
///     pub struct Small<P> { first: Linear<P>, second: Linear<P>, gain: Param<P> }
///     keeps { activation: Activation }
/// }
///
/// impl<T: Tensor> AverageVelocity<T> for Small<T::Primal> {
///     fn average_velocity(&self, s: &T, t: &T, x: &T) -> T {
///         let hidden = self.first.apply(&with_times(s, t, x)).activate(self.activation);
///         self.second.apply(&hidden) * T::from_primal(&self.gain)
///     }
/// }
///
/// fn can_be_trained<T: Tensor<Primal = T>>(_: &impl Model<T>) {}
/// can_be_trained(&Small {
///     first: Linear::new([4, 32], 1),
///     second: Linear::new([32, 2], 2),
///     gain: Param(NdTensor::<f32>::from_slice(&[0.0], &[])),
///     activation: Activation::Silu,
/// });
/// ```
#[macro_export]
macro_rules! module {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident<$P:ident> {
            $($(#[$part_meta:meta])* $part_vis:vis $part:ident: $part_type:ty),* $(,)?
        }
        $(keeps { $($(#[$kept_meta:meta])* $kept_vis:vis $kept:ident: $kept_type:ty),* $(,)? })?
    ) => {
        $(#[$meta])*
        $vis struct $name<$P> {
            $($(#[$part_meta])* $part_vis $part: $part_type,)*
            $($($(#[$kept_meta])* $kept_vis $kept: $kept_type,)*)?
        }

        impl<$P> $crate::nn::Module<$P> for $name<$P> {
            type With<Q> = $name<Q>;

            fn try_map<Q, E>(
                &self,
                f: &mut dyn FnMut(&str, &$P) -> ::core::result::Result<Q, E>,
            ) -> ::core::result::Result<$name<Q>, E> {
                ::core::result::Result::Ok($name {
                    $($part: $crate::nn::Module::<$P>::try_map(&self.$part, &mut |name, p| {
                        f(&$crate::nn::path(stringify!($part), name), p)
                    })?,)*
                    $($($kept: ::core::clone::Clone::clone(&self.$kept),)*)?
                })
            }
            fn architecture(&self) -> $crate::serde_json::Value {
                $crate::nn::described(
                    stringify!($name),
                    [$((stringify!($part), $crate::nn::Module::<$P>::architecture(&self.$part))),*],
                    [$($((stringify!($kept), $crate::nn::kept(&self.$kept))),*)?],
                )
            }
            fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut $P)) {
                $($crate::nn::Module::<$P>::visit_mut(&mut self.$part, &mut |name, p| {
                    f(&$crate::nn::path(stringify!($part), name), p);
                });)*
            }
            fn after_step(&mut self)
            where
                $P: $crate::Tensor<Primal = $P>,
            {
                $($crate::nn::Module::<$P>::after_step(&mut self.$part);)*
            }
            fn set_training(&mut self, seeds: &mut dyn FnMut() -> ::core::option::Option<u64>) {
                $($crate::nn::Module::<$P>::set_training(&mut self.$part, seeds);)*
            }
        }
    };
}
