//! The conformance suite on whatever file system temporary files are on.

mod bench;

fn main() -> std::process::ExitCode {
    bench::run(bench::Kind::Directory)
}
