//! `call`: a method of a volume service over the message bus, for operators.
//!
//! Prints one JSON object: `result`, `failure` with class and message, or `error`. Must not: know what
//! a method does.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use cinder_types::{RPC_VERSION, RequestContext};
use oslo_messaging::{CallError, Context, Failure as Told, Request, Transport};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::bus::BusPlan;
use crate::cli::Call;
use crate::exit::{self, Failure};
use crate::worker::{fresh_request_id, message_time};

/// Asks the service `host` and prints what came of it.
///
/// # Errors
///
/// When it cannot be asked at all.
pub(crate) fn run(
    plan: &BusPlan,
    host: &str,
    wish: &Call,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let args = arguments(wish)?;
    let to = plan.to(host);
    to.route().with_context(|| format!("{host} cannot be asked"))?;
    let context = RequestContext::own(fresh_request_id(), message_time());
    let version = wish.version.as_deref().unwrap_or(RPC_VERSION);
    let request = Request::new(&wish.method, version, &args, Context::new(context.forward()))?;
    if plan.transport == Transport::Fake {
        return Err(anyhow!("transport_url = fake: reaches nobody outside of a process").into());
    }
    let client = plan.open()?.client();
    let result = if wish.cast {
        client.cast(&to, request).map(|()| None)
    } else {
        let limit = wish.timeout.map_or(plan.response_timeout, Duration::from_secs);
        client.call(&to, request, limit).map(Some)
    };
    let (told, status) = told(result);
    writeln!(out, "{told}")?;
    Ok(status)
}

/// What was given, as an object.
fn arguments(wish: &Call) -> anyhow::Result<Value> {
    if let Some(text) = &wish.json {
        let value: Value = serde_json::from_str(text).context("--json")?;
        if !value.is_object() {
            bail!("--json: not an object of arguments by name");
        }
        return Ok(value);
    }
    let mut arguments = Map::new();
    for (name, text) in &wish.arguments {
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
        if arguments.insert(name.clone(), value).is_some() {
            bail!("--arg {name} is given twice");
        }
    }
    Ok(Value::Object(arguments))
}

/// What is printed, and the exit status.
fn told(result: Result<Option<Box<RawValue>>, CallError>) -> (String, i32) {
    match result {
        // As it came: a number of many digits is not rounded.
        Ok(Some(result)) => (format!("{{\"result\": {result}}}"), exit::OK),
        Ok(None) => (json!({"taken": true}).to_string(), exit::OK),
        Err(CallError::Failed(failure)) => (failed(&failure), exit::METHOD_FAILED),
        Err(error) => (json!({"error": cinder_db::chain(&error)}).to_string(), exit::NO_ANSWER),
    }
}

fn failed(failure: &Told) -> String {
    let Told { class, module, message, .. } = failure;
    json!({"failure": {"class": class, "module": module, "message": message}}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(arguments: &[(&str, &str)], json: Option<&str>) -> Call {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Call {
            method: "m".into(),
            arguments: arguments.iter().map(owned).collect(),
            json: json.map(str::to_owned),
            backend: "b".into(),
            cast: false,
            timeout: None,
            version: None,
        }
    }

    #[test]
    fn a_value_is_json_if_it_can_be_read_so() {
        let given = [("size", "7"), ("name", "seven"), ("quoted", "\"7\""), ("none", "null")];
        assert_eq!(
            arguments(&wish(&given, None)).unwrap(),
            json!({"size": 7, "name": "seven", "quoted": "7", "none": null})
        );
        assert_eq!(arguments(&wish(&[], None)).unwrap(), json!({}));
        assert_eq!(arguments(&wish(&[], Some("{\"a\": [1]}"))).unwrap(), json!({"a": [1]}));
    }

    #[test]
    fn arguments_that_cannot_be_meant_are_refused() {
        for wish in
            [wish(&[("a", "1"), ("a", "2")], None), wish(&[], Some("[1]")), wish(&[], Some("{"))]
        {
            assert!(arguments(&wish).is_err(), "{wish:?}");
        }
    }

    #[test]
    fn what_came_of_it_is_json_and_a_status() {
        let digits = "123456789012345678901234567890";
        let result = RawValue::from_string(digits.to_owned()).unwrap();
        let printed = told(Ok(Some(result)));
        assert_eq!(printed, (format!("{{\"result\": {digits}}}"), 0));
        assert_eq!(told(Ok(None)), ("{\"taken\":true}".to_owned(), 0));
        let failure = Told::type_error("no \"such\" argument");
        let (text, status) = told(Err(CallError::Failed(Box::new(failure))));
        let text: Value = serde_json::from_str(&text).unwrap();
        let failure = json!({
            "class": "TypeError", "module": "builtins", "message": "no \"such\" argument",
        });
        assert_eq!((text, status), (json!({"failure": failure}), 3));
        let (text, status) = told(Err(CallError::TimedOut));
        assert_eq!((text.as_str(), status), ("{\"error\":\"no answer in time\"}", 4));
    }
}
