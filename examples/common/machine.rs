//! Which library computes, and where: for examples that train on any tensors.

use clap::ValueEnum;
use flowmap::{Error, ImageTensor, Result, backend::ndarray::NdTensor};
use serde::Serialize;
use std::{fmt, str::FromStr};

/// The options, for `#[command(flatten)]`.
#[derive(Clone, Copy, clap::Args)]
pub struct Machine {
    /// The library that computes
    #[arg(long, value_enum, default_value_t = Backend::Ndarray)]
    pub backend: Backend,
    /// Where it computes: cpu, or with dfdx on the first GPU (cuda) or another (cuda:1)
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

/// What is done on the tensors that were asked for.
pub trait Program {
    fn run<T: ImageTensor<Primal = T>>(&self, device: T::Device) -> Result<()>;
}

impl Machine {
    /// # Errors
    /// Those of the program, and where the device is not there or this was built without what it takes.
    pub fn run(&self, program: &impl Program) -> Result<()> {
        match (self.backend, self.device) {
            (Backend::Ndarray, Device::Cpu) => program.run::<NdTensor<f32>>(()),
            (Backend::Ndarray, Device::Cuda(_)) => {
                Err(Error::Invalid { what: "device", reason: "ndarray computes on the CPU; a GPU takes --backend dfdx".into() })
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
    let reason = format!("this program was built without {feature}; add {feature} to the features that it is built with");
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
        ordinal.map(Self::Cuda).ok_or_else(|| "a device is cpu, cuda, or cuda:1 and so on".into())
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
