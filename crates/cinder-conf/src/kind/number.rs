//! Whole numbers, numbers and ranges, as Python reads them.

use super::Reason;
use crate::{python, value::Value};

pub(super) fn integer(
    text: &str,
    min: Option<i64>,
    max: Option<i64>,
    choices: &[i64],
) -> Result<Value, Reason> {
    let trimmed = python::strip(text);
    if trimmed.is_empty() {
        return Ok(Value::None);
    }
    let number = whole(trimmed).ok_or_else(|| {
        Reason(format!("invalid literal for int() with base 10: {}", python::repr(text)))
    })?;
    if !choices.is_empty() {
        if choices.iter().any(|&choice| i128::from(choice) == number) {
            return Ok(Value::Int(number));
        }
        let all: Vec<String> = choices.iter().map(ToString::to_string).collect();
        return Err(Reason(format!("Valid values are [{}], but found {number}", all.join(", "))));
    }
    if let Some(min) = min.filter(|&min| number < i128::from(min)) {
        return Err(too_small(min as f64));
    }
    if let Some(max) = max.filter(|&max| number > i128::from(max)) {
        return Err(too_large(max as f64));
    }
    // Python's have no end; those of a setting do, and none needs more.
    if i64::try_from(number).is_err() {
        return Err(Reason("Should be a number of 64 bits".to_owned()));
    }
    Ok(Value::Int(number))
}

pub(super) fn float(text: &str, min: Option<f64>, max: Option<f64>) -> Result<Value, Reason> {
    let trimmed = python::strip(text);
    if trimmed.is_empty() {
        return Ok(Value::None);
    }
    let number = real(trimmed).ok_or_else(|| {
        Reason(format!("could not convert string to float: {}", python::repr(text)))
    })?;
    // NaN passes both bounds, as upstream lets it.
    if let Some(min) = min.filter(|&min| number < min) {
        return Err(too_small(min));
    }
    if let Some(max) = max.filter(|&max| number > max) {
        return Err(too_large(max));
    }
    Ok(Value::Float(number))
}

fn too_small(min: f64) -> Reason {
    Reason(format!("Should be greater than or equal to {}", python::general(min)))
}

fn too_large(max: f64) -> Reason {
    Reason(format!("Should be less than or equal to {}", python::general(max)))
}

/// Sign, digits of any script, single underscores between digits.
fn whole(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = plain_digits(digits)?;
    // 38 digits fit; more than that is no setting of anything, and Python's own limit is 4,300.
    let number: i128 = digits.parse().ok()?;
    Some(if negative { -number } else { number })
}

/// ASCII digits of a run of digits and single inner underscores.
fn plain_digits(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut after_digit = false;
    for c in text.chars() {
        match (c, digit(c)) {
            (_, Some(digit)) => {
                out.push(digit);
                after_digit = true;
            }
            ('_', None) if after_digit => after_digit = false,
            _ => return None,
        }
    }
    after_digit.then_some(out)
}

/// The ASCII digit for one of any script: Unicode keeps each script's ten digits together.
fn digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c);
    }
    /// First digit (zero) of each script's run of ten, Unicode 15 category Nd.
    const ZEROS: [u32; 67] = [
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
        0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
        0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
        0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0,
        0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16a60,
        0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0,
        0x1e950, 0x1fbf0,
    ];
    let code = c as u32;
    let before = ZEROS.partition_point(|&zero| zero <= code);
    let zero = *ZEROS.get(before.checked_sub(1)?)?;
    char::from_digit(code - zero, 10)
}

/// What Python's `float` accepts.
fn real(text: &str) -> Option<f64> {
    let (sign, body) = match text.strip_prefix('-') {
        Some(body) => (-1.0, body),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    match body.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => return Some(sign * f64::INFINITY),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let (int, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if int.is_empty() && fraction.is_empty() {
        return None;
    }
    let part = |text: &str| if text.is_empty() { Some(String::new()) } else { plain_digits(text) };
    let mut plain = format!("0{}.{}0", part(int)?, part(fraction)?);
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let minus = if exponent.starts_with('-') { "-" } else { "" };
        plain = format!("{plain}e{minus}{}", plain_digits(unsigned)?);
    }
    plain.parse::<f64>().ok().map(|number| sign * number)
}

/// `a` or `a-b`; without leading zeros, descending when `a` is not below `b`.
pub(super) fn range(text: &str) -> Result<Value, Reason> {
    let fail = || Reason(format!("Invalid Range: {text}"));
    let (start, rest) = leading_number(text).ok_or_else(fail)?;
    let end = match rest.strip_prefix('-') {
        None if rest.is_empty() => start,
        None => return Err(fail()),
        Some(rest) => match leading_number(rest) {
            Some((end, "")) => end,
            _ => return Err(fail()),
        },
    };
    let step = if start < end { 1 } else { -1 };
    Ok(Value::Range(start, end + step, step))
}

fn leading_number(text: &str) -> Option<(i128, &str)> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits = unsigned.len() - unsigned.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (digits, rest) = unsigned.split_at(digits);
    if digits.is_empty() || digits.len() > 30 || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    let number: i128 = digits.parse().ok()?;
    Some((if unsigned.len() == text.len() { number } else { -number }, rest))
}
