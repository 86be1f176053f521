//! What the original makes of our failures; needs `CINDER_PYTHON`, a virtual
//! environment with cinder 29.0.0.

use std::io::Write;
use std::process::{Command, Stdio};

use oslo_messaging::{Classes, Failure};

const CLASSES: Classes =
    Classes::new("cinder.exception", include_str!("data/cinder-exceptions.txt"));

/// Rebuilds each failure as a caller does, and tells class, code and text of what comes out.
const SCRIPT: &str = r"
import json, sys
from oslo_messaging._drivers import common
for line in sys.stdin:
    error = common.deserialize_remote_exception(line, ['cinder.exception'])
    print(type(error).__module__, type(error).__name__, getattr(error, 'code', 0), str(error).splitlines()[0])
";

#[test]
fn the_original_rebuilds_every_exception_of_the_table() {
    let Some(python) = test_conditions::original() else { return };
    let mut failures: Vec<_> = CLASSES
        .names()
        .map(|name| CLASSES.failure_of(name, "the text", [("volume_id", "v".into())]))
        .collect();
    failures.push(Failure::type_error("the text"));
    let mut child = Command::new(python)
        .args(["-W", "ignore", "-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a Python");
    let mut input = child.stdin.take().expect("piped");
    for failure in &failures {
        writeln!(input, "{}", serde_json::to_string(failure).expect("JSON")).expect("it reads");
    }
    drop(input);
    let output = child.wait_with_output().expect("ended");
    let output = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines.len(), failures.len(), "{output}");
    for (failure, line) in failures.iter().zip(lines) {
        let code = failure.kwargs.get("code").map_or(0, |code| code.as_i64().unwrap_or_default());
        // A rebuilt class is derived from the original's, with its name and a sign; Python's own
        // are not.
        let sign = if failure.module == "builtins" { "" } else { "_Remote" };
        let Failure { module, class, .. } = failure;
        let start = format!("{module}{sign} {class}{sign} {code} the text");
        assert!(line.starts_with(&start), "{line}");
    }
}
