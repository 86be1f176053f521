//! Compares masking with what oslo.utils made of the same texts.

use oslo_log::mask::mask_password;

#[test]
fn texts_are_masked_as_oslo_utils_masks_them() {
    let samples = include_str!("data/mask_samples.jsonl");
    let mut differences = String::new();
    let mut masked = 0;
    for line in samples.lines() {
        let [input, expected]: [String; 2] = serde_json::from_str(line).unwrap();
        let found = mask_password(&input);
        masked += usize::from(found != input);
        if found != expected {
            differences += &format!("{input:?}\n  oslo {expected:?}\n  ours {found:?}\n");
        }
    }
    assert!(masked > 200, "the samples hardly contain secrets: {masked}");
    assert!(differences.is_empty(), "{differences}");
}
