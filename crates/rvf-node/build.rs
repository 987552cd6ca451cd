//! Tells the linker how an addon finds its symbols.

fn main() {
    napi_build::setup();
}
