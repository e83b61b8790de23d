//! Return maps: iterated maps derived from flows.

use crate::Result;

/// A map of states to states that is derived from a flow and iterated: discrete time instead of continuous.
///
/// It may be partial: an orbit that never returns to a [`Section`](super::Section) has no image there.
///
/// ```
/// use flowmap::{Result, analysis::ReturnMap};
/// struct Halves;
/// impl ReturnMap<f64> for Halves {
///     fn image(&self, x: &f64) -> Result<Option<f64>> { Ok((*x > 1.0).then_some(x / 2.0)) }
/// }
/// let orbit: Vec<f64> = Halves.orbit(8.0).collect::<Result<_>>()?;
/// assert_eq!(orbit, [4.0, 2.0, 1.0]);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: J. Guckenheimer, P. Holmes, Nonlinear Oscillations, Dynamical Systems, and Bifurcations of Vector Fields, section 1.5.
pub trait ReturnMap<S> {
    /// The image of `state`; `None` where there is none.
    ///
    /// # Errors
    /// The errors of the flow map.
    fn image(&self, state: &S) -> Result<Option<S>>;

    /// The iterates of `start`: its image, the image of that, and so on, until there is none, or after an error.
    fn orbit(&self, start: S) -> impl Iterator<Item = Result<S>>
    where
        Self: Sized,
        S: Clone,
    {
        let mut last = Some(start);
        std::iter::from_fn(move || {
            let image = self.image(last.as_ref()?);
            last = image.as_ref().ok().cloned().flatten();
            image.transpose()
        })
    }
}

impl<S, P: ReturnMap<S> + ?Sized> ReturnMap<S> for &P {
    fn image(&self, state: &S) -> Result<Option<S>> {
        (**self).image(state)
    }
}

impl<S, P: ReturnMap<S> + ?Sized> ReturnMap<S> for Box<P> {
    fn image(&self, state: &S) -> Result<Option<S>> {
        (**self).image(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn an_orbit_ends_after_an_error() {
        struct Fails;
        impl ReturnMap<f64> for Fails {
            fn image(&self, x: &f64) -> Result<Option<f64>> {
                if *x < 2.0 { Ok(Some(x + 1.0)) } else { Err(Error::invalid("state", "too large")) }
            }
        }
        let map: Box<dyn ReturnMap<f64>> = Box::new(Fails);
        let orbit: Vec<_> = map.orbit(0.0).collect();
        assert_eq!(orbit.len(), 3);
        assert!(orbit[1].is_ok() && orbit[2].is_err());
    }
}
