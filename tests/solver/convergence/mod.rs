//! Orders of convergence on flows in closed form that are neither linear nor autonomous.

mod flows;

mod adaptive;
mod dense;
mod end;
mod residuals;
