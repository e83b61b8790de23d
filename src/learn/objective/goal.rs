//! The objectives of this library, for settings.

use super::{AlphaFlow, Context, Distillation, MeanFlow, Needs, Objective, Tangent, Teacher, Term};
use crate::{Error, Result, Tensor, Var, learn::named::name_or_table};
use serde::{Deserialize, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// The objectives of this library, for [`Settings`](crate::learn::Settings).
///
/// Each has a name: those of [`Distillation`] such as `lsd`, and `mean-flow`, `improved-mean-flow` and `alpha-flow` with their
/// usual numbers. A file gives the name, or a table with numbers: `objective = { mean-flow = { control = 0.5 } }`.
///
/// ```
/// use flowmap::learn::{Distillation, Goal, MeanFlow};
/// assert_eq!("lsd".parse::<Goal>()?, Distillation::LSD.into());
/// assert_eq!("improved-mean-flow".parse::<Goal>()?, MeanFlow { control: 1.0, ..MeanFlow::default() }.into());
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Goal {
    /// MeanFlow.
    MeanFlow(MeanFlow),
    /// α-Flow.
    AlphaFlow(AlphaFlow),
    /// A characterization with a teacher, or flow matching alone.
    #[serde(skip_deserializing)]
    Distillation(Distillation),
}
name_or_table!(read Goal);

/// A distillation by its name, the others with their numbers.
impl Serialize for Goal {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::MeanFlow(flow) => serializer.serialize_newtype_variant("Goal", 0, "mean-flow", flow),
            Self::AlphaFlow(flow) => serializer.serialize_newtype_variant("Goal", 1, "alpha-flow", flow),
            Self::Distillation(distillation) => distillation.serialize(serializer),
        }
    }
}

impl Goal {
    fn chosen<T: Tensor<Primal = T>>(&self) -> &dyn Objective<T> {
        match self {
            Self::Distillation(distillation) => distillation,
            Self::MeanFlow(flow) => flow,
            Self::AlphaFlow(flow) => flow,
        }
    }

    /// Its name with its numbers.
    pub(in crate::learn) fn described(&self) -> String {
        match self {
            Self::MeanFlow(flow) => flow.described(),
            Self::AlphaFlow(flow) => flow.described(),
            Self::Distillation(distillation) => distillation.to_string(),
        }
    }

    /// What it needs besides the network.
    #[must_use]
    pub fn needs(&self) -> Needs {
        match self {
            Self::Distillation(distillation) => distillation.needs(),
            Self::MeanFlow(flow) => flow.needs(),
            Self::AlphaFlow(flow) => flow.needs(),
        }
    }

    /// Whether it has residuals off the diagonal: all but flow matching have.
    #[must_use]
    pub fn pairs(&self) -> bool {
        *self != Self::Distillation(Distillation::FLOW_MATCHING)
    }

    /// Whether it learns from a given velocity, not from data alone.
    #[must_use]
    pub fn needs_teacher(&self) -> bool {
        matches!(self, Self::Distillation(distillation) if distillation.teacher() == Some(Teacher::Given))
    }

    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Invalid`] if not.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Distillation(_) => Ok(()),
            Self::MeanFlow(flow) => flow.check(),
            Self::AlphaFlow(flow) => flow.check(),
        }
    }

    /// The same in a run that is longer by this factor: what changes during training takes that many times the steps.
    pub(in crate::learn) fn stretched(self, factor: f64) -> Self {
        match self {
            Self::AlphaFlow(flow) => AlphaFlow { alpha: flow.alpha.stretched(factor), ..flow }.into(),
            Self::MeanFlow(flow) => {
                let warm_up = (flow.tangent.warm_up as f64 * factor) as u64;
                MeanFlow { tangent: Tangent { warm_up, ..flow.tangent }, ..flow }.into()
            }
            Self::Distillation(_) => self,
        }
    }
}

impl<T: Tensor<Primal = T>> Objective<T> for Goal {
    fn name(&self) -> String {
        self.described()
    }
    fn needs(&self) -> Needs {
        self.needs()
    }
    fn pairs(&self) -> bool {
        self.pairs()
    }
    fn check(&self) -> Result<()> {
        self.check()
    }
    fn terms(&self, context: &Context<'_, Var<T>>) -> Vec<Term<Var<T>>> {
        self.chosen().terms(context)
    }
}

/// Its name, without numbers.
impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Distillation(distillation) => distillation.fmt(f),
            Self::MeanFlow(flow) if *flow == MeanFlow::improved() => f.pad("improved-mean-flow"),
            Self::MeanFlow(_) => f.pad("mean-flow"),
            Self::AlphaFlow(_) => f.pad("alpha-flow"),
        }
    }
}

impl FromStr for Goal {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "mean-flow" => MeanFlow::default().into(),
            "improved-mean-flow" => MeanFlow::improved().into(),
            "alpha-flow" => AlphaFlow::default().into(),
            _ => match name.split_once(':') {
                Some((known @ ("mean-flow" | "improved-mean-flow" | "alpha-flow"), stop)) => {
                    let reason = format!("{known} has no mode {stop}; leave the stop gradient out");
                    return Err(Error::invalid("stop gradient", reason));
                }
                _ => name.parse::<Distillation>()?.into(),
            },
        })
    }
}

macro_rules! one_of_them {
    ($($objective:ident),*) => {$(
        impl From<$objective> for Goal {
            fn from(objective: $objective) -> Self {
                Self::$objective(objective)
            }
        }
    )*};
}
one_of_them!(Distillation, MeanFlow, AlphaFlow);
