//! Switches that take one safeguard out, to prove that the tests notice. They exist only with the feature `sabotage`,
//! which no shipped build has, and are set by the environment variable `RVF_SABOTAGE`: `no-hash-check`, `no-fsync`,
//! `no-lock`, `hash-payload-only`, `scan-for-root`.

/// True where the test-only build was told to leave this safeguard out.
#[cfg(feature = "sabotage")]
pub fn is(name: &str) -> bool {
    extern crate std;
    use std::sync::OnceLock;
    static CHOSEN: OnceLock<Option<std::string::String>> = OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("RVF_SABOTAGE").ok()).as_deref() == Some(name)
}

/// Never, in a build without the feature.
#[cfg(not(feature = "sabotage"))]
pub const fn is(_name: &str) -> bool {
    false
}
