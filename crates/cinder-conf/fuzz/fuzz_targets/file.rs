//! Any text as a configuration file: no panic, and every assignment stands in a section.

#![no_main]

use cinder_conf::ini;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let ini::Parsed { ini, malformed, .. } = ini::parse(text);
    for assignment in &ini.assignments {
        assert!(assignment.section < ini.sections.len());
        assert!(!assignment.key.is_empty());
    }
    for line in &malformed {
        assert!(line.line >= 1 && !line.to_string().is_empty());
    }
});
