//! Modules composed of modules.

use super::Module;

/// Modules in a row: the parameters of the first are named `0.…`.
impl<P, M: Module<P>> Module<P> for Vec<M> {
    type With<Q> = Vec<M::With<Q>>;

    fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Self::With<Q>, E> {
        self.iter().enumerate().map(|(i, m)| m.try_map(&mut |name, p| f(&format!("{i}.{name}"), p))).collect()
    }
    fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut P)) {
        for (i, m) in self.iter_mut().enumerate() {
            m.visit_mut(&mut |name, p| f(&format!("{i}.{name}"), p));
        }
    }
    fn visit_directions(&mut self, f: &mut dyn FnMut(&mut P)) {
        self.iter_mut().for_each(|m| m.visit_directions(f));
    }
    fn drop_out(&mut self, seed: &mut dyn FnMut() -> Option<u64>) {
        self.iter_mut().for_each(|m| m.drop_out(seed));
    }
}

/// A module that may be missing.
impl<P, M: Module<P>> Module<P> for Option<M> {
    type With<Q> = Option<M::With<Q>>;

    fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Self::With<Q>, E> {
        self.as_ref().map(|m| m.try_map(f)).transpose()
    }
    fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut P)) {
        if let Some(m) = self {
            m.visit_mut(f);
        }
    }
    fn visit_directions(&mut self, f: &mut dyn FnMut(&mut P)) {
        if let Some(m) = self {
            m.visit_directions(f);
        }
    }
    fn drop_out(&mut self, seed: &mut dyn FnMut() -> Option<u64>) {
        if let Some(m) = self {
            m.drop_out(seed);
        }
    }
}

/// Makes a struct over the type of its parameters a [`Module`]: `parameters` are fields of that type, `modules` fields that are
/// modules, and other fields are kept as they are. With an `architecture`, checkpoints hold the field `shape` under that name. Of
/// parameters that are also `directions`, only the direction matters. A `dropout` is a field of that type among those kept.
macro_rules! module {
    ($name:ident: parameters [$($parameter:ident),*], modules [$($module:ident),*], keeps [$($kept:ident),*]
     $(, architecture $architecture:literal)? $(, directions [$($direction:ident),*])? $(, dropout $dropout:ident)?) => {
        impl<P> $crate::nn::Module<P> for $name<P> {
            type With<Q> = $name<Q>;

            fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<$name<Q>, E> {
                Ok($name {
                    $($parameter: f(stringify!($parameter), &self.$parameter)?,)*
                    $($module: self.$module.try_map(&mut |name, p| f(&format!(concat!(stringify!($module), ".{}"), name), p))?,)*
                    $($kept: self.$kept.clone(),)*
                })
            }
            $(fn architecture(&self) -> serde_json::Value {
                serde_json::json!({ $architecture: self.shape })
            })?
            fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut P)) {
                $(f(stringify!($parameter), &mut self.$parameter);)*
                $(self.$module.visit_mut(&mut |name, p| f(&format!(concat!(stringify!($module), ".{}"), name), p));)*
            }
            fn visit_directions(&mut self, _f: &mut dyn FnMut(&mut P)) {
                $($(_f(&mut self.$direction);)*)?
                $(self.$module.visit_directions(_f);)*
            }
            fn drop_out(&mut self, _seed: &mut dyn FnMut() -> Option<u64>) {
                $(self.$dropout.reseed(_seed);)?
                $(self.$module.drop_out(_seed);)*
            }
        }
    };
}
pub(crate) use module;
