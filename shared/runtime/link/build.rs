//! The build script of each function. Its release aborts where it panics (the profile), with the panic's message and place;
//! nothing unwinds it, and the tables of how to are a twelfth of its size. Cargo's profiles cannot leave them out.

use std::{env, error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let function = env::var("CARGO_MANIFEST_DIR")?;
    let script = Path::new(&function).join("../../shared/runtime/link/no-unwind-tables.ld");
    let script = script.canonicalize()?;
    println!("cargo::rerun-if-changed={}", script.display());
    if env::var("PROFILE")? == "release" && env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        println!("cargo::rustc-link-arg-bins=-T{}", script.display());
    }
    Ok(())
}
