//! The conformance suite on a small file system in memory, which can be full.

mod bench;

fn main() -> std::process::ExitCode {
    bench::run(bench::Kind::Memory)
}
