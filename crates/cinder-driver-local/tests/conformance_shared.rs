//! The conformance suite on XFS, where copies share blocks and which can be made to hang.

mod bench;

fn main() -> std::process::ExitCode {
    bench::run(bench::Kind::Shared)
}
