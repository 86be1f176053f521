//! Seconds of a configuration, whatever stands there.

use std::time::Instant;

use super::seconds;

#[test]
fn no_number_of_seconds_is_too_large_for_a_clock() {
    for value in [i64::MIN, -1, 0, 1, i64::MAX] {
        let duration = seconds(value);
        assert!(Instant::now().checked_add(duration).is_some(), "{value}");
        assert!(std::time::SystemTime::now().checked_add(duration).is_some(), "{value}");
        assert_eq!(duration.is_zero(), value <= 0, "{value}");
    }
}
