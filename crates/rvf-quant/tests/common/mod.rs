//! What the kernel tests share.
#![allow(dead_code)] // each test crate uses its own part

use half::f16;
pub mod packed;

use rvf_quant::{CodeIsa, CodeKernel, Isa, Kernel};
use rvf_types::DataType;
use std::io::Write;
use std::sync::Once;

/// Every kernel of this build that this machine can run. The others are named on stderr, past the test harness, which
/// would swallow what a passing test prints: nobody shall take them for tested.
pub fn kernels() -> Vec<Kernel> {
    static REPORT: Once = Once::new();
    REPORT.call_once(|| {
        for isa in Isa::ALL {
            if is_for_this_architecture(isa) && Kernel::of(isa).is_none() {
                let _ = writeln!(std::io::stderr(), "SKIPPED: this machine cannot run the {isa:?} kernels");
            }
        }
    });
    Isa::ALL.into_iter().filter_map(Kernel::of).collect()
}

fn is_for_this_architecture(isa: Isa) -> bool {
    match isa {
        Isa::Portable => true,
        Isa::Avx2 | Isa::Avx512 => cfg!(target_arch = "x86_64"),
        Isa::Neon => cfg!(target_arch = "aarch64"),
    }
}

/// As [`kernels`], of those for codes.
pub fn code_kernels() -> Vec<CodeKernel> {
    static REPORT: Once = Once::new();
    REPORT.call_once(|| {
        for isa in CodeIsa::ALL {
            let is_for_this_architecture = match isa {
                CodeIsa::Portable => true,
                CodeIsa::Avx2 | CodeIsa::AvxVnni | CodeIsa::Avx512Vnni => cfg!(target_arch = "x86_64"),
                CodeIsa::NeonDot => cfg!(target_arch = "aarch64"),
                CodeIsa::Simd128 => cfg!(target_arch = "wasm32"),
            };
            if is_for_this_architecture && CodeKernel::of(isa).is_none() {
                let _ = writeln!(std::io::stderr(), "SKIPPED: this machine cannot run the {isa:?} kernels for codes");
            }
        }
    });
    CodeIsa::ALL.into_iter().filter_map(CodeKernel::of).collect()
}

pub fn bytes_of(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|float| float.to_le_bytes()).collect()
}

/// Floats in [-1, 1) from xorshift64.
pub fn random_floats(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The types of numbers that are narrower than floats.
pub const NARROW: [DataType; 2] = [DataType::F16, DataType::I8];

/// `floats` of at most 1 as vectors of a narrow type, signed bytes as multiples of 1/127, and what these are as floats.
pub fn narrow(data_type: DataType, floats: &[f32]) -> (Vec<u8>, Vec<f32>) {
    let one = |float: &f32| match data_type {
        DataType::F16 => (f16::from_f32(*float).to_le_bytes().to_vec(), f16::from_f32(*float).to_f32()),
        _ => (vec![(*float * 127.0).round() as i8 as u8], (*float * 127.0).round()),
    };
    let (bytes, values): (Vec<Vec<u8>>, Vec<f32>) = floats.iter().map(one).unzip();
    (bytes.concat(), values)
}
