//! The choice of backend and device, for examples that train on any tensors.

use clap::ValueEnum;
use flowmap::{Error, ImageTensor, Result, backend::ndarray::NdTensor};
use serde::Serialize;
use std::{fmt, str::FromStr};

/// The options, for `#[command(flatten)]`.
#[derive(Clone, Copy, clap::Args)]
pub struct Machine {
    /// Tensor library
    #[arg(long, value_enum, default_value_t = Backend::Ndarray)]
    pub backend: Backend,
    /// Device: cpu, or with --backend dfdx a GPU, cuda (the first) or cuda:1 and so on
    #[arg(long, default_value_t = Device::Cpu)]
    pub device: Device,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    Ndarray,
    Dfdx,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Device {
    Cpu,
    Cuda(usize),
}

/// A program that runs on any backend.
pub trait Program {
    fn run<T: ImageTensor<Primal = T>>(&self, device: T::Device) -> Result<()>;
}

impl Machine {
    /// # Errors
    /// Those of the program, and if the device is missing or its support was not built in.
    pub fn run(&self, program: &impl Program) -> Result<()> {
        match (self.backend, self.device) {
            (Backend::Ndarray, Device::Cpu) => program.run::<NdTensor<f32>>(()),
            (Backend::Ndarray, Device::Cuda(_)) => {
                Err(Error::Invalid { what: "device", reason: "ndarray computes on the CPU; for a GPU use --backend dfdx".into() })
            }
            #[cfg(feature = "dfdx")]
            (Backend::Dfdx, Device::Cpu) => {
                program.run::<flowmap::backend::dfdx::DfdxTensor<f32, flowmap::dfdx::tensor::Cpu>>(Default::default())
            }
            #[cfg(not(feature = "dfdx"))]
            (Backend::Dfdx, Device::Cpu) => built_without("backend", "dfdx"),
            #[cfg(feature = "dfdx-cuda")]
            (Backend::Dfdx, Device::Cuda(ordinal)) => program
                .run::<flowmap::backend::dfdx::DfdxTensor<f32, flowmap::dfdx::tensor::Cuda>>(flowmap::backend::dfdx::cuda(
                    ordinal,
                )?),
            #[cfg(not(feature = "dfdx-cuda"))]
            (Backend::Dfdx, Device::Cuda(_)) => built_without("device", "dfdx-cuda"),
        }
    }
}

#[cfg(not(feature = "dfdx-cuda"))]
fn built_without(what: &'static str, feature: &str) -> Result<()> {
    let reason = format!("this program was built without {feature}; add {feature} to --features");
    Err(Error::Invalid { what, reason })
}

impl FromStr for Device {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let ordinal = match text {
            "cpu" => return Ok(Self::Cpu),
            "cuda" => Some(0),
            _ => text.strip_prefix("cuda:").and_then(|n| n.parse().ok()),
        };
        ordinal.map(Self::Cuda).ok_or_else(|| "give cpu, cuda, or cuda:1 and so on".into())
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}
