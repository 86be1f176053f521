//! Where a value comes from: search path, directories, environment, command line (spec/config.md §1).

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::scene::Scene;

pub(crate) fn the_search_path_and_its_directories_are_read_in_order(scene: &Scene) -> Result<()> {
    // The scene's directory is the home directory, so these are ~/.cinder/…
    std::fs::create_dir_all(scene.path(".cinder/cinder.conf.d"))?;
    std::fs::create_dir_all(scene.path(".cinder/cinder-volume.conf.d"))?;
    let config = scene.config(&["a"]).set("DEFAULT", "storage_availability_zone", "file");
    scene.write(".cinder/cinder.conf", &config.text())?;
    let zone = |zone: &str| format!("[DEFAULT]\nstorage_availability_zone = {zone}\n");
    scene.write(".cinder/cinder.conf.d/b.conf", &zone("late"))?;
    scene.write(".cinder/cinder.conf.d/Z.conf", &zone("early"))?;
    scene.write(".cinder/cinder.conf.d/.hidden.conf", &zone("hidden"))?;
    let command = &mut scene.cinder_volume(&[]);
    let daemon = scene.start_command(command)?;
    daemon.wait_up(1)?;
    let found = daemon.row("e2e@a")?.availability_zone;
    ensure!(found.as_deref() == Some("late"), "the zone is {found:?}");
    daemon.end_with(Signal::SIGTERM, 0)?;
    // The program's own directory comes last.
    scene.write(".cinder/cinder-volume.conf.d/a.conf", &zone("program"))?;
    let daemon = scene.start_command(&mut scene.cinder_volume(&[]))?;
    daemon.wait_up(1)?;
    daemon.wait_beats(1)?;
    let found = daemon.row("e2e@a")?.availability_zone;
    ensure!(found.as_deref() == Some("program"), "the zone is {found:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn the_environment_overrides_a_file(scene: &Scene) -> Result<()> {
    let file = scene.write("cinder.conf", &scene.config(&["a"]).text())?;
    let arguments = ["--config-file", &file.to_string_lossy()];
    let mut command = scene.cinder_volume(&arguments);
    command.env("OS_DEFAULT__STORAGE_AVAILABILITY_ZONE", "from-environment");
    let daemon = scene.start_command(&mut command)?;
    daemon.wait_up(1)?;
    let zone = daemon.row("e2e@a")?.availability_zone;
    ensure!(zone.as_deref() == Some("from-environment"), "the zone is {zone:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn the_command_line_overrides_the_environment_and_says_so(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a"]).set("DEFAULT", "state_path", "from-file");
    let file = scene.write("cinder.conf", &config.text())?;
    let file = file.to_string_lossy();
    let dump = |extra: &[&str]| {
        let arguments = ["config", "dump", "--config-file", &file];
        let mut command = scene.cinder_volume(&[&arguments[..], extra].concat());
        command.env("OS_DEFAULT__STATE_PATH", "from-environment");
        scene.finish(&mut command, crate::wait::secs(15))
    };
    let environment = dump(&[])?;
    let line = "[DEFAULT] state_path = from-environment";
    ensure!(environment.out.contains(line), "{}", environment.all());
    let both = dump(&["--state_path", "from-command-line"])?;
    let line = "[DEFAULT] state_path = from-command-line";
    ensure!(both.out.contains(line), "{}", both.all());
    // An option in front of a file loses to it (spec/config.md §1.4).
    let words = ["--state_path", "from-command-line", "--config-file", &file, "config", "dump"];
    let before = scene.run(&words)?;
    ensure!(before.out.contains("[DEFAULT] state_path = from-file"), "{}", before.all());
    Ok(())
}

pub(crate) fn an_option_can_be_explained_and_a_sample_printed(scene: &Scene) -> Result<()> {
    let explained = scene.run(&["config", "explain", "report_interval"])?;
    ensure!(
        explained.code == Some(0) && explained.out.contains("default: 10"),
        "{}",
        explained.all()
    );
    let unknown = scene.run(&["config", "explain", "report_intervall"])?;
    ensure!(
        unknown.code == Some(1) && unknown.err.contains("report_interval"),
        "{}",
        unknown.all()
    );
    let sample = scene.run(&["config", "sample"])?;
    ensure!(sample.out.contains("#report_interval = 10"), "{}", sample.all());
    // A sample says nothing, so it is a configuration without back ends.
    let file = scene.write("sample.conf", &sample.out)?;
    let checked = scene.run(&["config", "check", "--config-file", &file.to_string_lossy()])?;
    ensure!(
        checked.code == Some(1) && checked.out.contains("1 error, 0 warnings"),
        "{}",
        checked.all()
    );
    Ok(())
}
