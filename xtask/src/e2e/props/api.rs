//! A client of the original's REST interface, as of one project without Keystone.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::config::Config;
use super::original;
use crate::servers::ports::ReservedPort;
use crate::wait::{secs, wait_for};

/// The router accepts hexadecimal digits only.
const PROJECT: &str = "0123456789abcdef0123456789abcdef";

/// Where `cinder-api` listens.
pub(crate) struct Api {
    port: ReservedPort,
}

impl Api {
    /// At a port that nobody else gets.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { port: ReservedPort::new()? })
    }

    /// What `cinder-api` needs in its configuration to listen here.
    pub(crate) fn configured(&self, config: Config) -> Config {
        let file = |name: &str| original::settings(name).to_string_lossy().into_owned();
        [
            ("auth_strategy", "noauth"),
            ("api_paste_config", &file("api-paste.ini")),
            ("resource_query_filters_file", &file("resource_filters.json")),
            ("osapi_volume_listen", "127.0.0.1"),
            ("osapi_volume_listen_port", &self.port.port().to_string()),
            ("osapi_volume_workers", "1"),
            ("default_volume_type", "__DEFAULT__"),
        ]
        .into_iter()
        .fold(config, |config, (key, value)| config.set("DEFAULT", key, value))
    }

    /// Waits until it answers.
    ///
    /// # Errors
    ///
    /// With what it says instead.
    pub(crate) fn wait(&self) -> Result<()> {
        wait_for("cinder-api to answer", secs(60), || self.call("GET", "volumes", None).map(drop))
    }

    /// What one request below the project's path comes to.
    ///
    /// # Errors
    ///
    /// When it is refused; with what was said.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let (status, answer) = self.exchange(method, path, body)?;
        ensure!((200..300).contains(&status), "{method} {path}: {status}: {answer}");
        if answer.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&answer)?) }
    }

    /// Asks for a thing of this kind; its id.
    ///
    /// # Errors
    ///
    /// As [`Api::call`].
    pub(crate) fn make(&self, kind: &str, wanted: &Value) -> Result<String> {
        let answer = self.call("POST", &format!("{kind}s"), Some(&json!({ kind: wanted })))?;
        Ok(answer[kind]["id"].as_str().with_context(|| format!("no id: {answer}"))?.to_owned())
    }

    /// Asks that a thing of this kind goes.
    ///
    /// # Errors
    ///
    /// As [`Api::call`].
    pub(crate) fn delete(&self, kind: &str, id: &str) -> Result<()> {
        self.call("DELETE", &format!("{kind}s/{id}"), None).map(drop)
    }

    /// Its status, or nothing when there is no such thing.
    ///
    /// # Errors
    ///
    /// As [`Api::call`].
    pub(crate) fn status(&self, kind: &str, id: &str) -> Result<Option<String>> {
        let (status, answer) = self.exchange("GET", &format!("{kind}s/{id}"), None)?;
        if status == 404 {
            return Ok(None);
        }
        ensure!(status == 200, "{kind} {id}: {status}: {answer}");
        let answer: Value = serde_json::from_str(&answer)?;
        let status = answer[kind]["status"].as_str().context("no status")?;
        Ok(Some(status.to_owned()))
    }

    /// Waits until it has this status; nothing means that it is gone.
    ///
    /// # Errors
    ///
    /// With the status that it has.
    pub(crate) fn wait_status(&self, kind: &str, id: &str, wanted: Option<&str>) -> Result<()> {
        wait_for(&format!("{kind} {id} to be {}", wanted.unwrap_or("gone")), secs(40), || {
            let status = self.status(kind, id)?;
            ensure!(status.as_deref() == wanted, "{status:?}");
            Ok(())
        })
    }

    fn exchange(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, String)> {
        let body = body.map_or_else(String::new, Value::to_string);
        let length = body.len();
        // Of version 1.0, so that an answer ends with its connection.
        let request = format!(
            "{method} /v3/{PROJECT}/{path} HTTP/1.0\r\nHost: localhost\r\n\
             X-Auth-Token: user:{PROJECT}\r\nOpenStack-API-Version: volume 3.71\r\n\
             Content-Type: application/json\r\nAccept: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port.port()))?;
        stream.set_read_timeout(Some(secs(60)))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).with_context(|| format!("no answer to {path}"))?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no head")?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok((status, body.to_owned()))
    }
}
