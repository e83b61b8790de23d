//! Butcher tableaus and their order conditions.

use crate::{Error, Result};

/// The coefficients of an explicit Runge-Kutta method.
///
/// A step of length `h` from `x` at time `t` evaluates the rates `k_i = b_{t + c_i h}(x + h Σ_j a_ij k_j)` and ends at
/// `y = x + h Σ_i b_i k_i`. The rate there, `b_{t+h}(y)`, is the first one of the next step: it counts as an additional rate of
/// this step, which the estimate and dense output may use.
///
/// Define your own method as a constant; [`defect`](Self::defect) tests whether it has its order:
///
/// ```
/// use flowmap::solver::{Dense, Tableau};
/// /// Ralston's method of order 2.
/// const RALSTON: Tableau = Tableau {
///     name: "Ralston",
///     order: 2,
///     c: &[0.0, 2.0 / 3.0],
///     a: &[&[], &[2.0 / 3.0]],
///     b: &[0.25, 0.75],
///     estimate: None,
///     dense: Dense::cubic(2),
/// };
/// RALSTON.check()?;
/// assert!(RALSTON.defect(3) > 0.05, "no more than order 2");
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: J. C. Butcher, Numerical Methods for Ordinary Differential Equations, section 3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tableau {
    /// The name of the method.
    pub name: &'static str,
    /// The order of convergence.
    pub order: u32,
    /// The nodes `c_i`.
    pub c: &'static [f64],
    /// The coefficients `a_ij`, `j < i`; zeros at the end of a row may be left out.
    pub a: &'static [&'static [f64]],
    /// The weights `b_i`.
    pub b: &'static [f64],
    /// The error estimate of a step; adaptive steps need it.
    pub estimate: Option<ErrorEstimate>,
    /// The dense output: the state between the ends of a step.
    pub dense: Dense,
}

/// The error estimate `h Σ_i e_i k_i` of a step: the difference of two methods on the same rates, which may include the rate at
/// the end of the step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorEstimate {
    /// The estimate is of size `O(h^(order + 1))`, which sets the exponents of step size control.
    pub order: u32,
    /// The weights `e_i`.
    pub weights: &'static [f64],
    /// A second, coarser estimate, which moderates the first: with norms `|e|` and `|e'|`, the error is
    /// `|e|² / √(|e|² + |e'|²/100)`.
    pub beside: Option<&'static [f64]>,
}

/// Dense output, the polynomial between the ends of a step: Hermite's cubic and additional terms.
///
/// At the share `θ` of the step, the additional terms are multiples of `θ²(1-θ)²`, `θ³(1-θ)²`, `θ³(1-θ)³`, ….
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense {
    /// The order with which it approximates the solution.
    pub order: u32,
    /// The nodes of rates that are evaluated only for it.
    pub c: &'static [f64],
    /// Their coefficients, which may use the rate at the end of the step.
    pub a: &'static [&'static [f64]],
    /// The weights of all rates in each of the additional terms.
    pub beyond_cubic: &'static [&'static [f64]],
}

impl Dense {
    /// Hermite's cubic alone, which has order 3 if the method has at least that.
    pub const fn cubic(order: u32) -> Self {
        Self { order, c: &[], a: &[], beyond_cubic: &[] }
    }
}

impl Tableau {
    /// The number of rates that a step evaluates, without the one at its end.
    pub const fn stages(&self) -> usize {
        self.b.len()
    }

    /// The nodes and coefficients of every rate: those of the step, the one at its end, those of dense output.
    fn rows(&self) -> impl Iterator<Item = (f64, &'static [f64])> {
        let own = self.c.iter().copied().zip(self.a.iter().copied());
        let dense = self.dense.c.iter().copied().zip(self.dense.a.iter().copied());
        own.chain([(1.0, self.b)]).chain(dense)
    }

    /// Checks that the lengths of the lists match, that rows sum up to their nodes, and that the method and its estimate have
    /// their stated order, all to `1e-13`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the first problem found.
    pub fn check(&self) -> Result<()> {
        let wrong = |reason: String| Err(Error::invalid("tableau", format!("{}: {reason}", self.name)));
        let (stages, all) = (self.stages(), self.stages() + 1 + self.dense.c.len());
        if !(1..=12).contains(&self.order) {
            return wrong(format!("order {} is not between 1 and 12", self.order));
        }
        if stages == 0 || self.c.len() != stages || self.a.len() != stages || self.dense.a.len() != self.dense.c.len() {
            return wrong("a, b and c have different numbers of stages".into());
        }
        if let Some(i) = self.rows().enumerate().position(|(i, (_, a))| a.len() > i) {
            return wrong(format!("row {i} has more than {i} coefficients: the method is not explicit"));
        }
        if self.dense.beyond_cubic.iter().any(|row| row.len() > all) {
            return wrong("dense output has more weights than there are rates".into());
        }
        let sums = self.rows().map(|(c, a)| (a.iter().sum::<f64>() - c).abs());
        if let Some(i) = sums.into_iter().position(|defect| defect.is_nan() || defect > 1e-13) {
            return wrong(format!("row {i} does not sum up to its node"));
        }
        let mut claims = vec![(self.order, self.defect(self.order))];
        if let Some(ErrorEstimate { weights, beside, .. }) = self.estimate {
            if weights.len() > stages + 1 || beside.is_some_and(|e| e.len() > stages + 1) {
                return wrong("the estimate has more weights than there are rates".into());
            }
            if weights.iter().all(|&weight| weight == 0.0) {
                return wrong("the weights of the estimate are all 0".into());
            }
            let sum = weights.iter().sum::<f64>().abs();
            claims.push((0, sum));
        }
        match claims.iter().find(|(_, defect)| defect.is_nan() || *defect > 1e-13) {
            Some((order, defect)) => wrong(format!("the conditions of order {order} are violated by {defect:.1e}")),
            None => Ok(()),
        }
    }

    /// The largest violation of the conditions of `order`: `|Σ_i b_i Φ_i(τ) - 1/γ(τ)|` over all rooted trees `τ` with at most
    /// `order` vertices.
    pub fn defect(&self, order: u32) -> f64 {
        self.defect_of(self.b, order)
    }

    /// The defect with other `weights` of the rates, including the one at the end of the step: that of an embedded method.
    pub fn defect_of(&self, weights: &[f64], order: u32) -> f64 {
        let trees = Tree::up_to(order as usize);
        let defects = trees.iter().map(|tree| {
            let sum: f64 = weights.iter().zip(self.elementary_weights(tree)).map(|(b, phi)| b * phi).sum();
            (sum - 1.0 / tree.density()).abs()
        });
        defects.fold(0.0, |largest, defect| if defect > largest || defect.is_nan() { defect } else { largest })
    }

    /// The weights of the embedded method of the main estimate: `b - e`, including the rate at the end.
    pub fn embedded(&self) -> Option<Vec<f64>> {
        self.estimate.map(|estimate| self.without(estimate.weights))
    }

    /// `b - e` for the weights `e` of an estimate.
    fn without(&self, weights: &[f64]) -> Vec<f64> {
        let at = |list: &[f64], i: usize| list.get(i).copied().unwrap_or(0.0);
        (0..=self.stages()).map(|i| at(self.b, i) - at(weights, i)).collect()
    }

    /// `Φ_i(τ)` for the rates of a step and the one at its end.
    fn elementary_weights(&self, tree: &Tree) -> Vec<f64> {
        let mut product = vec![1.0; self.stages() + 1];
        for child in &tree.0 {
            let phi = self.elementary_weights(child);
            for (factor, (_, a)) in product.iter_mut().zip(self.rows()) {
                *factor *= a.iter().zip(&phi).map(|(a, phi)| a * phi).sum::<f64>();
            }
        }
        product
    }
}

/// A rooted tree: the subtrees at its root.
#[derive(Clone, Debug)]
struct Tree(Vec<Tree>);

impl Tree {
    /// All rooted trees of up to `order` vertices.
    fn up_to(order: usize) -> Vec<Self> {
        // by number of vertices; a tree's subtrees are chosen as a non-increasing list of indices into all smaller trees
        let mut all: Vec<(usize, Self)> = Vec::new();
        for vertices in 1..=order {
            let mut next = Vec::new();
            Self::forests(&all, all.len(), vertices - 1, &mut Vec::new(), &mut next);
            all.extend(next.into_iter().map(|forest| (vertices, Self(forest))));
        }
        all.into_iter().map(|(_, tree)| tree).collect()
    }

    fn forests(trees: &[(usize, Self)], below: usize, vertices: usize, chosen: &mut Vec<Self>, found: &mut Vec<Vec<Self>>) {
        if vertices == 0 {
            found.push(chosen.clone());
        }
        for (i, (size, tree)) in trees[..below].iter().enumerate().filter(|(_, (size, _))| *size <= vertices) {
            chosen.push(tree.clone());
            Self::forests(trees, i + 1, vertices - size, chosen, found);
            chosen.pop();
        }
    }

    fn vertices(&self) -> usize {
        1 + self.0.iter().map(Self::vertices).sum::<usize>()
    }

    /// `γ(τ)`: the product of the sizes of all subtrees.
    fn density(&self) -> f64 {
        self.vertices() as f64 * self.0.iter().map(Self::density).product::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::{BOGACKI_SHAMPINE, DOP853, DOPRI5, EULER, HEUN, METHODS, MIDPOINT, RK4, TSIT5};

    #[test]
    fn there_are_as_many_rooted_trees_as_there_should_be() {
        let counts: Vec<usize> = (1..=8).map(|order| Tree::up_to(order).len()).collect();
        assert_eq!(counts, [1, 2, 4, 8, 17, 37, 85, 200]);
    }

    #[test]
    fn every_method_has_its_order_and_no_higher_one() {
        for method in METHODS {
            method.check().unwrap();
            let (defect, next) = (method.defect(method.order), method.defect(method.order + 1));
            assert!(defect <= 1e-14, "{}: {defect:.1e}", method.name);
            assert!(next > 1e-7, "{}: {next:.1e}", method.name);
        }
    }

    #[test]
    fn every_estimate_compares_with_a_method_of_lower_order() {
        let orders = [(MIDPOINT, 1), (HEUN, 1), (BOGACKI_SHAMPINE, 2), (DOPRI5, 4), (TSIT5, 4), (DOP853, 5)];
        for (method, order) in orders {
            let embedded = method.embedded().unwrap();
            let (defect, next) = (method.defect_of(&embedded, order), method.defect_of(&embedded, order + 1));
            assert!(defect <= 1e-14, "{}: {defect:.1e}", method.name);
            assert!(next > 1e-7, "{}: {next:.1e}", method.name);
        }
        let coarse = DOP853.without(DOP853.estimate.unwrap().beside.unwrap());
        assert!(DOP853.defect_of(&coarse, 3) <= 1e-14 && DOP853.defect_of(&coarse, 4) > 1e-7);
    }

    #[test]
    fn rows_sum_up_to_their_nodes() {
        for method in METHODS {
            for (i, (c, a)) in method.rows().enumerate() {
                let defect = (a.iter().sum::<f64>() - c).abs();
                assert!(defect <= 1e-14, "{}, row {i}: {defect:.1e}", method.name);
            }
        }
    }

    #[test]
    fn wrong_tableaus_are_refused() {
        let refused = |tableau: Tableau, why: &str| {
            let message = tableau.check().unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        };
        refused(Tableau { order: 5, ..RK4 }, "order 5");
        refused(Tableau { c: &[0.0, 0.5, 0.5, 0.5], ..RK4 }, "row 3");
        refused(Tableau { c: &[0.0], ..HEUN }, "differ");
        refused(Tableau { a: &[&[0.0]], ..EULER }, "explicit");
        refused(Tableau { b: &[f64::NAN], ..EULER }, "row 1");
        let estimate = Some(ErrorEstimate { order: 1, weights: &[-0.5, 0.4], beside: None });
        refused(Tableau { estimate, ..HEUN }, "order 0");
    }
}
