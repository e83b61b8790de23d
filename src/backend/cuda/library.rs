//! The kernels of `kernels.cu`: their names and what they take.

/// The numbers of results, operands, sizes and scalars of a kernel, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    pub results: usize,
    pub operands: usize,
    pub sizes: usize,
    pub scalars: usize,
}

impl Signature {
    /// Whether each operand comes with a step, which is 0 where it is a scalar.
    pub fn has_steps(self) -> bool {
        self.operands >= 2 && self.sizes == 1 + self.operands
    }
}

macro_rules! kernels {
    ($($kernel:ident $name:literal $results:literal $operands:literal $sizes:literal $scalars:literal),* $(,)?) => {
        /// A function that runs on the GPU.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kernel {
            $($kernel),*
        }

        impl Kernel {
            pub const ALL: &[Kernel] = &[$(Kernel::$kernel),*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kernel => $name),*
                }
            }

            pub fn signature(self) -> Signature {
                match self {
                    $(Self::$kernel => {
                        Signature { results: $results, operands: $operands, sizes: $sizes, scalars: $scalars }
                    }),*
                }
            }
        }
    };
}

// variant, name, results, operands, sizes, scalars
kernels! {
    Fill "fill" 1 0 1 1,
    Neg "unary_neg" 1 1 1 1,
    Scale "unary_scale" 1 1 1 1,
    Shift "unary_shift" 1 1 1 1,
    Recip "unary_recip" 1 1 1 1,
    Exp "unary_exp" 1 1 1 1,
    ExpM1 "unary_exp_m1" 1 1 1 1,
    Ln "unary_ln" 1 1 1 1,
    Ln1p "unary_ln_1p" 1 1 1 1,
    Sqrt "unary_sqrt" 1 1 1 1,
    Sin "unary_sin" 1 1 1 1,
    Cos "unary_cos" 1 1 1 1,
    Tan "unary_tan" 1 1 1 1,
    Sinh "unary_sinh" 1 1 1 1,
    Cosh "unary_cosh" 1 1 1 1,
    Tanh "unary_tanh" 1 1 1 1,
    Abs "unary_abs" 1 1 1 1,
    Atan "unary_atan" 1 1 1 1,
    Erf "unary_erf" 1 1 1 1,
    Floor "unary_floor" 1 1 1 1,
    Powf "unary_powf" 1 1 1 1,
    Complement "unary_complement" 1 1 1 1,
    Powi "powi" 1 1 2 0,
    Add "binary_add" 1 2 3 1,
    Sub "binary_sub" 1 2 3 1,
    Mul "binary_mul" 1 2 3 1,
    Div "binary_div" 1 2 3 1,
    Atan2 "binary_atan2" 1 2 3 1,
    Less "binary_less" 1 2 3 1,
    Lerp "binary_lerp" 1 2 3 1,
    ScaleOnto "binary_scale_onto" 1 2 3 1,
    Choose "choose" 1 3 4 0,
    PartialSums "partial_sums" 1 1 4 0,
    PartialMaxima "partial_maxima" 1 1 4 0,
    Exchange "exchange" 1 1 4 0,
    Expand "expand" 1 1 3 0,
    Copy "copy" 1 1 6 0,
    Activate "activate" 1 1 1 2,
    ActivateWithTangent "activate_with_tangent" 2 2 1 2,
    ActivatePullback "activate_pullback" 1 2 1 2,
    ActivateWithTangentPullback "activate_with_tangent_pullback" 2 4 1 2,
    Adam "adam" 3 1 1 8,
}

/// The source of all kernels.
pub const SOURCE: &str = include_str!("kernels.cu");

#[cfg(test)]
mod tests {
    use super::{Kernel, SOURCE, Signature};
    use std::collections::BTreeMap;

    /// The kernels that the source declares. Parameters in another order than the launch passes them are rejected.
    fn declared() -> BTreeMap<String, Signature> {
        let mut all = BTreeMap::new();
        let mut family = None;
        for declaration in SOURCE.split("KERNEL ").skip(2) {
            let (name, rest) = declaration.split_once('(').unwrap();
            let (parameters, rest) = rest.split_once(')').unwrap();
            let kind = |p: &str| match p.trim_start_matches(['\\', '\n', ' ']) {
                p if p.starts_with("float *") => 0,
                p if p.starts_with("const float *") => 1,
                p if p.starts_with("unsigned ") => 2,
                p if p.starts_with("float ") => 3,
                other => panic!("{name}: a parameter of a kind that no launch passes: {other}"),
            };
            let kinds: Vec<usize> = parameters.split(',').map(kind).collect();
            assert!(kinds.is_sorted(), "{name}: results, operands, sizes, scalars, in this order: {parameters}");
            let [results, operands, sizes, scalars] = [0, 1, 2, 3].map(|k| kinds.iter().filter(|&&kind| kind == k).count());
            let signature = Signature { results, operands, sizes, scalars };
            match name.strip_suffix("##name") {
                Some(prefix) => family = Some((prefix.to_owned(), signature)),
                None => assert!(all.insert(name.to_owned(), signature).is_none()),
            }
            for line in rest.lines() {
                if let Some((_, member)) = line.split_once("ARY(").filter(|_| !line.starts_with('#')) {
                    let (prefix, signature) = family.as_ref().unwrap();
                    all.insert(format!("{prefix}{}", member.split_once(',').unwrap().0), *signature);
                }
            }
        }
        all
    }

    #[test]
    fn kernels_are_declared_as_they_are_launched() {
        let expected = Kernel::ALL.iter().map(|k| (k.name().to_owned(), k.signature())).collect();
        assert_eq!(declared(), expected);
    }
}
