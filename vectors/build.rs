//! Rebuilds the crate when a vector file changes: the embedding macro alone does not notice new files.

fn main() {
    println!("cargo::rerun-if-changed=.");
}
