//! A progress bar for training, and Ctrl-C that saves and stops.

use crate::{
    Error, Result,
    learn::{Observer, Progress, Training},
};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    ops::ControlFlow,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// An [`Observer`]: shows step, speed, time left and residuals on standard error, and
/// stops after the step during which Ctrl-C (or a request to terminate) arrives. A second Ctrl-C ends the process at once.
///
/// If standard error is not a terminal, it prints a line every ten seconds instead.
///
/// ```
/// use flowmap::cli::Terminal;
/// let mut terminal = Terminal::new(0, 100)?;
/// # let progress = flowmap::learn::Progress { step: 1, loss: 1.0, diagonal: 0.5, residual: 0.1, gradient: 1.0,
/// #     learning_rate: 1e-3 };
/// assert!(terminal.show(&progress).is_continue());
/// terminal.finish();
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Debug)]
pub struct Terminal {
    bar: ProgressBar,
    plain: bool,
    last_line: Instant,
    start: (Instant, u64),
    /// Means over about the last 50 batches, since residuals vary from batch to batch.
    smooth: Option<(f64, f64)>,
}

impl Terminal {
    /// For a run of `steps` steps in all, of which `taken` are done. Installs the Ctrl-C handler.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the operating system refuses the handler.
    pub fn new(taken: u64, steps: u64) -> Result<Self> {
        install()?;
        INTERRUPTED.store(false, Ordering::Relaxed);
        TRAINING.store(true, Ordering::Relaxed);
        let style = "{bar:32.cyan/blue} {pos}/{len}  {msg}  {elapsed_precise} of {duration_precise}, {eta} left";
        let style = ProgressStyle::with_template(style).map_err(|e| Error::invalid("progress bar", e.to_string()))?;
        let bar = ProgressBar::new(steps).with_style(style).with_position(taken);
        bar.reset_eta();
        let now = Instant::now();
        Ok(Self { bar, plain: !std::io::stderr().is_terminal(), last_line: now, start: (now, taken), smooth: None })
    }

    /// Displays a step; breaks if Ctrl-C was pressed.
    pub fn show(&mut self, progress: &Progress) -> ControlFlow<()> {
        const FORGET: f64 = 0.02;
        let (diagonal, residual) = self.smooth.map_or((progress.diagonal, progress.residual), |(d, r)| {
            (d + FORGET * (progress.diagonal - d), r + FORGET * (progress.residual - r))
        });
        self.smooth = Some((diagonal, residual));
        let per_step = self.start.0.elapsed().as_secs_f64() * 1e3 / progress.step.saturating_sub(self.start.1).max(1) as f64;
        let parts = [("diagonal", diagonal), ("residual", residual)].into_iter().filter(|(_, value)| !value.is_nan());
        let parts: Vec<_> = parts.map(|(name, value)| format!("{name} {}", short(value))).collect();
        let message = format!("{}  {per_step:.0} ms/step", parts.join(" "));
        if self.plain {
            if self.last_line.elapsed() > Duration::from_secs(10) {
                self.last_line = Instant::now();
                let (done, all) = (progress.step, self.bar.length().unwrap_or(0));
                let left = per_step * 1e-3 * all.saturating_sub(done) as f64;
                eprintln!("step {done}/{all}  {message}  {left:.0} s left");
            }
        } else {
            self.bar.set_position(progress.step);
            self.bar.set_message(message);
        }
        if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Leaves the bar as it is; from now on Ctrl-C ends the process at once.
    pub fn finish(&self) {
        TRAINING.store(false, Ordering::Relaxed);
        self.bar.abandon();
    }
}

impl Observer for Terminal {
    fn observe(&mut self, training: &Training) -> Result<ControlFlow<()>> {
        Ok(self.show(&training.progress))
    }
}

/// Four decimals, or three significant digits for small numbers.
fn short(value: f64) -> String {
    if value.abs() < 0.1 { format!("{value:.2e}") } else { format!("{value:.4}") }
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static TRAINING: AtomicBool = AtomicBool::new(false);

/// Whether Ctrl-C was pressed since the last [`Terminal`] was created.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Installs the handler once per process.
fn install() -> Result<()> {
    static INSTALLED: OnceLock<std::result::Result<(), String>> = OnceLock::new();
    let handler = || {
        // a second Ctrl-C, or one outside training: there is nothing to save
        if INTERRUPTED.swap(true, Ordering::Relaxed) || !TRAINING.load(Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    let installed = INSTALLED.get_or_init(|| ctrlc::set_handler(handler).map_err(|e| e.to_string()));
    installed.clone().map_err(|reason| Error::invalid("Ctrl-C handler", reason))
}
