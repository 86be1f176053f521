//! Prints the option reference: `cargo run -p cinder-conf --example reference > docs/configuration.md`.

#[expect(clippy::print_stdout, reason = "an example is a program of its own")]
fn main() {
    print!("{}", cinder_conf::cinder::reference());
}
