//! The original reads what we write, we read what it writes, and what neither reads fails alike; needs
//! `CINDER_PYTHON`, a virtual environment with cinder 29.0.0.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod cases;
mod judge;
mod made_up;

use cinder_objects::Pin;
use judge::judge;
use made_up::{Filling, NAMES, again, difference, envelope};

#[test]
fn the_original_reads_what_we_write() {
    let Some(mut judge) = judge() else { return };
    for name in NAMES {
        for filling in [Filling::All, Filling::Nulls, Filling::Nothing] {
            for pin in ["1.38", "1.39"] {
                let made = envelope(name, filling, 0);
                let ours = again(name, made.clone(), Pin::CURRENT).unwrap();
                let theirs = judge.again(pin, &ours);
                if (*name, filling) == ("Volume", Filling::Nulls) {
                    // Its metadata must not be null, which its table does not say.
                    assert_eq!(theirs["class"], "TypeError");
                    continue;
                }
                let ours = again(name, made, Pin::named(pin).unwrap()).unwrap();
                assert_eq!(difference(&ours, &theirs), None, "{name} {filling:?} {pin}");
            }
        }
    }
}

#[test]
fn we_read_what_the_original_writes() {
    let Some(mut judge) = judge() else { return };
    for name in NAMES {
        for pin in ["1.38", "1.39"] {
            let theirs = judge.made(pin, name);
            assert!(theirs.get("class").is_none(), "{name}: {theirs}");
            let ours = again(name, theirs.clone(), Pin::CURRENT).unwrap();
            assert_eq!(difference(&ours, &theirs), None, "{name} {pin}");
        }
    }
}

/// Where the original is another way, the case says why.
#[test]
fn what_we_refuse_the_original_refuses_alike() {
    let Some(mut judge) = judge() else { return };
    let mut wrong = Vec::new();
    for case in cases::all() {
        let answer = judge.again("1.39", &case.value);
        let text = |key: &str| answer[key].as_str();
        let told = text("module").zip(text("class"));
        if told != case.theirs.unwrap_or(case.ours) {
            let answer: String = answer.to_string().chars().take(300).collect();
            wrong.push(format!("{}: {answer}", case.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
