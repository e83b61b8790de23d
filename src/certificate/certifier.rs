//! The certifier: bounds the error of a flow map by its residuals.

#[cfg(feature = "nalgebra")]
use super::LipschitzEstimate;
use super::{
    BoundKind, Certificate, Moment, OneSidedLipschitz, WorstPoint,
    bound::Residuals,
    survey::{Subject, Survey},
};
#[cfg(feature = "nalgebra")]
use crate::DynCoordinates;
use crate::{
    Dual, Error, FlowMap, Number, Real, Result, State, Tolerance, VelocityField,
    quadrature::Rule,
    solver::{Adaptive, DOP853},
    statistics::{Estimate, normal_quantile},
};

/// Bounds the error of a flow map `X_{0,1}` by its residuals, with the Lipschitz constant [`LipschitzEstimate`] and the
/// settings of [`Certifier::new`].
///
/// `sampler` gives the starts: points or batches, drawn independently from the distribution for which the bounds are to hold.
///
/// ```
/// use flowmap::{QuasiRandom, certificate::certify, exact::Rotation};
/// let turn = Rotation::new(1.0)?;
/// let starts = QuasiRandom::new([0.0, 1.0], [[-1.0, 1.0]; 2])?.cases::<f64>(100).map(|case| case.x);
/// let report = certify(&turn, &turn, starts)?;
/// assert!(report.lagrangian.upper < 1e-13 && report.eulerian.upper < 1e-13, "{report}");
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// The errors of [`Certifier::certify`].
#[cfg(feature = "nalgebra")]
pub fn certify<X, M, B>(map: &M, field: &B, sampler: impl IntoIterator<Item = X>) -> Result<Certificate>
where
    X: DynCoordinates,
    M: FlowMap<X> + FlowMap<Dual<X>> + ?Sized,
    B: VelocityField<X> + VelocityField<Dual<X>> + ?Sized,
{
    Certifier::new([0.0, 1.0], LipschitzEstimate)?.certify(map, field, sampler)
}

/// The settings of a certificate: the times of the map `X_{s,t}`, the one-sided Lipschitz constant `L` of the field, the
/// quadrature and the confidence.
///
/// ```
/// use flowmap::{FiniteDifferences, FlowMap, QuasiRandom, certificate::{Certifier, LipschitzBound}, exact::Affine, flow_map};
/// let decay = Affine::new([[-1.0]], [0.0])?;
/// let step = FiniteDifferences::new(flow_map(|s: &f64, t: &f64, [x]: &[f64; 1]| [x / (1.0 + (t - s))])); // implicit Euler
/// let starts = QuasiRandom::new([0.0, 1.0], [[1.0, 2.0]])?.cases(100).map(|case| case.x);
/// let report = Certifier::new([0.0, 0.5], LipschitzBound::constant(-1.0))?.certify_against(&decay, &step, &decay, starts)?;
/// assert!(report.holds(1e-9), "{report}");
/// // the residual has one sign and the field is linear, so nothing is lost
/// assert!(report.lagrangian.estimate.value < 1.01 * report.error.value);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Certifier<L> {
    times: [f64; 2],
    lipschitz: L,
    panels: usize,
    confidence: f64,
    worst: usize,
    tolerance: f64,
}

impl<L> Certifier<L> {
    /// With fewer samples, the standard error means nothing.
    const LEAST: usize = 30;

    /// A certifier for `X_{s,t}` with `times = [s, t]`, in either direction: two panels of 15 nodes, confidence 99 %, the five
    /// worst points, solver tolerance `1e-10`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the times are finite and differ.
    pub fn new(times: [f64; 2], lipschitz: L) -> Result<Self> {
        let [s, t] = times;
        if !(s.is_finite() && t.is_finite() && (t - s).is_finite()) || s == t {
            return Err(Error::invalid("times", format!("from {s} to {t}; give two finite times that differ")));
        }
        Ok(Self { times, lipschitz, panels: 2, confidence: 0.99, worst: 5, tolerance: 1e-10 })
    }

    /// With `panels` panels of 15 nodes.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there are 1 to 1000.
    pub fn panels(self, panels: usize) -> Result<Self> {
        if (1..=1000).contains(&panels) {
            return Ok(Self { panels, ..self });
        }
        Err(Error::invalid("panels", format!("{panels} is not between 1 and 1000")))
    }

    /// With this one-sided confidence in every number called `upper`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is at least 1/2 and below 1.
    pub fn confidence(self, confidence: f64) -> Result<Self> {
        if (0.5..1.0).contains(&confidence) {
            return Ok(Self { confidence, ..self });
        }
        Err(Error::invalid("confidence", format!("{confidence} is not at least 0.5 and below 1; 0.95 and 0.99 are usual")))
    }

    /// With the `count` worst points.
    #[must_use]
    pub fn worst(self, count: usize) -> Self {
        Self { worst: count, ..self }
    }

    /// With this relative tolerance, and a hundredth of it as the absolute one, for the solver that computes the exact flow.
    /// States in single precision get a tolerance that they can meet.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is positive and finite.
    pub fn tolerance(self, relative: f64) -> Result<Self> {
        if relative > 0.0 && relative.is_finite() {
            return Ok(Self { tolerance: relative, ..self });
        }
        Err(Error::invalid("tolerance", format!("{relative} is not a positive finite number")))
    }

    /// Bounds the error of `map` as the flow map of `field` on these starts. [`Adaptive`] with [`DOP853`] computes the exact
    /// flow.
    ///
    /// The field is any `b`; for a self-distilled map it is the map's own diagonal `v_{t,t}`, so pass the map itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there are fewer than 30 samples, one of them is not finite, or `L` or a bound is not;
    /// [`Error::NotFinite`] with the times where the map or the field is not finite, or the map's own error there;
    /// [`Error::Stopped`] where the solver fails; [`Error::Shape`] where samples have different dimensions.
    pub fn certify<X, M, B>(&self, map: &M, field: &B, starts: impl IntoIterator<Item = X>) -> Result<Certificate>
    where
        X: State,
        M: FlowMap<X> + FlowMap<Dual<X>> + ?Sized,
        B: VelocityField<X> + ?Sized,
        L: OneSidedLipschitz<X, B>,
    {
        let precision = <<X::Time as Number>::Real as num_traits::Float>::epsilon().into_f64();
        let relative = self.tolerance.max(32.0 * precision);
        let exact = Adaptive::new(DOP853)?.tolerance(Tolerance::new(relative, 0.01 * relative)?).of(field);
        let mut certificate = self.certify_against(&exact, map, field, starts)?;
        certificate.tolerance = Some(relative);
        Ok(certificate)
    }

    /// Does the same with a given exact flow map of the field.
    ///
    /// # Errors
    /// As [`certify`](Self::certify).
    pub fn certify_against<X, M, B, F>(
        &self,
        exact: &F,
        map: &M,
        field: &B,
        starts: impl IntoIterator<Item = X>,
    ) -> Result<Certificate>
    where
        X: State,
        M: FlowMap<X> + FlowMap<Dual<X>> + ?Sized,
        B: VelocityField<X> + ?Sized,
        F: FlowMap<X> + ?Sized,
        L: OneSidedLipschitz<X, B>,
    {
        let rule = Rule::new(self.times, self.panels);
        let subject = Subject { map, field, exact, lipschitz: &self.lipschitz, times: self.times };
        let mut survey = Survey::new(rule.nodes.len());
        for x in starts {
            survey.add(&subject, &rule, &x)?;
        }
        if survey.errors.len() < Self::LEAST {
            let reason =
                format!("there are {}; draw at least {}, or some thousands for two digits", survey.errors.len(), Self::LEAST);
            return Err(Error::invalid("samples", reason));
        }
        self.report(&survey, &rule, L::STANDING)
    }

    fn report(&self, survey: &Survey, rule: &Rule, kind: BoundKind) -> Result<Certificate> {
        let z = normal_quantile(self.confidence);
        let whole = rule.integral(&survey.rates);
        let growth: Vec<f64> = rule.to_end(&survey.rates).into_iter().map(f64::exp).collect();
        let doubt = rule.difference(&survey.rates);
        let weighed = survey.lagrangian.weighed(whole.exp(), &growth);
        let profile = rule.nodes.iter().enumerate().map(|(k, &time)| Moment {
            time,
            lagrangian: Estimate::rms(&survey.lagrangian.norms[k]).value,
            eulerian: Estimate::rms(&survey.eulerian.norms[k]).value,
            lipschitz: survey.rates[k],
        });
        let certificate = Certificate {
            times: self.times,
            samples: survey.errors.len(),
            confidence: self.confidence,
            tolerance: None,
            growth: whole,
            error: Estimate::rms(&survey.errors),
            w2: fitted_w2(survey)?,
            pathwise: weighed.pathwise(rule, z, kind).allowing_for(doubt),
            lagrangian: weighed.by_minkowski(rule, z, kind).allowing_for(doubt),
            eulerian: survey.eulerian.by_cauchy(rule, z, BoundKind::Certificate),
            worst: self.worst_points(survey, rule, &weighed),
            profile: profile.collect(),
        };
        for (name, bound) in certificate.bounds() {
            if !bound.upper.is_finite() {
                let reason = format!(
                    "the {name} bound is {} with ∫ L = {whole}; take times closer together, or rescale the states",
                    bound.upper
                );
                return Err(Error::invalid("bound", reason));
            }
        }
        Ok(certificate)
    }

    fn worst_points(&self, survey: &Survey, rule: &Rule, weighed: &Residuals) -> Vec<WorstPoint> {
        let bounds = weighed.along_paths(rule);
        let mut order: Vec<usize> = (0..bounds.len()).collect();
        order.sort_by(|&i, &j| bounds[j].total_cmp(&bounds[i]));
        let point = |&i: &usize| {
            let along = weighed.of_sample(i);
            let k = (0..along.len()).max_by(|&j, &k| along[j].total_cmp(&along[k])).unwrap_or(0);
            let d = survey.dimension;
            WorstPoint {
                x: survey.starts[i * d..(i + 1) * d].to_vec(),
                time: rule.nodes[k],
                residual: survey.lagrangian.norms[k][i],
                bound: bounds[i],
                error: survey.errors[i],
            }
        };
        order.iter().take(self.worst).map(point).collect()
    }
}

/// The Wasserstein distance between Gaussians fitted to the end points of both flows.
#[cfg(all(feature = "train", feature = "nalgebra"))]
fn fitted_w2(survey: &Survey) -> Result<Option<f64>> {
    use crate::{
        data::Points,
        metric::{Moments, frechet},
    };
    let fitted = |rows: &[f64]| Moments::of(&Points::new(rows.to_vec(), survey.dimension)?);
    Ok(Some(frechet(&fitted(&survey.ends)?, &fitted(&survey.exact_ends)?)?.sqrt()))
}

#[cfg(not(all(feature = "train", feature = "nalgebra")))]
fn fitted_w2(_survey: &Survey) -> Result<Option<f64>> {
    Ok(None)
}
