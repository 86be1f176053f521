//! Servers that speak another language than ours. A refusal comes before a session could ask for
//! English, and PostgreSQL's sessions may not ask for it at all.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::database_servers::{Crowd, own_server};
use crate::e2e::props::Skip;
use crate::e2e::props::config::Config;
use crate::e2e::props::scene::Scene;
use crate::servers::{Kind, Server};
use crate::wait::secs;

const WAITS: &str = "SQL connection failed.";

/// A German server of the scene's own.
fn german(scene: &Scene) -> Result<std::sync::Arc<Server>> {
    let server = own_server(scene)?;
    if let Err(reason) = server.speak_german() {
        return Err(Skip(format!("there is no German here (Debian: locales): {reason:#}")).into());
    }
    Ok(server)
}

fn patient(scene: &Scene) -> Config {
    scene.config(&["a"]).set("database", "max_retries", "2").set("database", "retry_interval", "1")
}

pub(crate) fn a_start_waits_for_a_connection_whatever_the_server_speaks(
    scene: &Scene,
) -> Result<()> {
    let server = german(scene)?;
    let database = scene.on_server()?;
    let mut crowd = Crowd::new(&database)?;
    crowd.press()?;
    let daemon = scene.start(&patient(scene).set("database", "max_retries", "-1"))?;
    daemon.wait_log(WAITS, 2)?;
    let words = match server.kind() {
        Kind::MariaDb => "Zu viele Verbindungen",
        Kind::Postgres => "zu viele Verbindungen",
    };
    ensure!(daemon.count(words) >= 2, "the server does not speak German: {}", daemon.log());
    crowd.disperse()?;
    daemon.wait_up(1)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

/// MariaDB names the account that it refuses, in every language; of PostgreSQL's refusal nothing but
/// German words reaches us, so it is tried again as often as configured.
pub(crate) fn a_wrong_password_ends_a_start_whatever_the_server_speaks(
    scene: &Scene,
) -> Result<()> {
    let server = german(scene)?;
    let url = scene.on_server()?.url().replace("p%40ss", "wrong");
    let daemon = scene.start(&patient(scene).set("database", "connection", &url))?;
    let status = daemon.wait_exit(secs(30))?;
    ensure!(status.code() == Some(1), "{status}");
    let (words, tries) = match server.kind() {
        Kind::MariaDb => ("hat keine Zugriffsberechtigung", 0),
        Kind::Postgres => ("Passwort-Authentifizierung für Benutzer", 2),
    };
    ensure!(daemon.count(words) > 0, "the server does not speak German: {}", daemon.log());
    ensure!(daemon.count(WAITS) == tries, "tried again: {}", daemon.log());
    scene.wait_empty(secs(1))
}
