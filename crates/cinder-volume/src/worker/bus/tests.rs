//! A back end on a real bus with a manager that takes its time, and a driver that is slow.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use cinder_db::Registration;
use cinder_objects::Method;
use cinder_types::{RequestContext, ServiceHost};
use oslo_launcher::{LoneWorker, RunningOperation, WorkerState};
use oslo_messaging::{CallError, Context, Incoming, Outcome, Request, Transport, returned};
use serde_json::{Map, Value, json};

use super::*;
use crate::bus::board;
use crate::metrics;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(30);

/// Says which request it begins, and ends it when the test says so.
struct Slow {
    begun: Mutex<Sender<(&'static str, String)>>,
    go_on: Mutex<Receiver<()>>,
}

impl Manager for Slow {
    fn carry_out(
        &self,
        method: Method,
        context: &RequestContext,
        _: &mut Incoming,
        _shown: &mut RunningOperation,
    ) -> Outcome {
        self.begun.lock().unwrap().send((method.name(), context.request_id.clone())).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        returned("done")
    }
}

struct Bench {
    _directory: tempfile::TempDir,
    worker: LoneWorker,
    parts: Arc<Parts>,
    events: Arc<Events>,
    bus: BusPlan,
    messages: Messages,
    ending: Ending,
    begun: Receiver<(&'static str, String)>,
    go_on: Sender<()>,
}

impl Bench {
    fn new() -> Self {
        Self::with(Arc::new(NoCapacity), SOON)
    }

    fn with(source: Arc<dyn CapabilitySource>, polling_interval: Duration) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bus = bus(directory.path());
        let worker = LoneWorker::new(metrics::WORDS + board::WORDS + EVIDENCE_WORDS).unwrap();
        let parts = Arc::new(Parts::new(worker.handle()));
        for part in [Part::Database, Part::Driver, Part::Heartbeat] {
            parts.set(part, Condition::Up);
        }
        let events = Arc::<Events>::default();
        let host = ServiceHost::from_parts("n", None, "a");
        let plan = MessagesPlan {
            targets: bus.targets(&host, None).unwrap(),
            bus: bus.clone(),
            threads: 4,
            ping: false,
            polling_interval,
            drain: directory.path().join("drained/a"),
        };
        let (begin, begun) = channel();
        let (go_on, goes_on) = channel();
        let manager = Slow { begun: Mutex::new(begin), go_on: Mutex::new(goes_on) };
        let work = Work {
            manager: Arc::new(manager),
            source,
            lanes: Lanes::from(4),
            pins: Pins::default(),
            publishing: Arc::default(),
            notifying: None,
        };
        let registration = Registration {
            host,
            cluster: None,
            availability_zone: "nova".into(),
            enable_new_services: true,
        };
        let counting = Arc::new(Counting::new(worker.handle(), plan.names(), plan.drain.clone()));
        let mut ending = Ending::default();
        let messages =
            Messages::start(plan, &registration, work, counting, &parts, &events, &mut ending)
                .unwrap();
        Self { _directory: directory, worker, parts, events, bus, messages, ending, begun, go_on }
    }

    fn wait_reason(&self, is_so: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !is_so(&self.worker.status().reason) {
            assert!(begun.elapsed() < SOON, "{:?}", self.worker.status());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn wait_report(&self, text: &str) {
        let begun = Instant::now();
        loop {
            let report = self.messages.report();
            if report.contains(text) {
                return;
            }
            assert!(begun.elapsed() < SOON, "no {text:?} in {report}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Calls a method on a thread of its own.
    fn call(&self, method: &str) -> std::thread::JoinHandle<Result<String, CallError>> {
        let (client, to) = (self.bus.open().unwrap().client(), self.bus.to("n@a"));
        let mut context = Map::new();
        context.insert("request_id".into(), format!("req-{method}").into());
        let request = Request::new(method, "3.0", &json!({}), Context::new(context)).unwrap();
        std::thread::spawn(move || Ok(client.call(&to, request, SOON)?.get().to_owned()))
    }
}

fn bus(directory: &Path) -> BusPlan {
    BusPlan {
        transport: Transport::Local,
        directory: directory.join("rpc"),
        exchange: "openstack".into(),
        response_timeout: SOON,
        hosts: Default::default(),
    }
}

#[test]
fn nothing_is_taken_before_the_driver_has_tried_and_a_stop_does_not_wait_for_it() {
    let bench = Bench::new();
    assert!(!bench.events.wait(Duration::from_millis(200), |told| told.bus_tried));
    assert!(!bench.bus.directory.exists(), "a socket was opened");
    bench.worker.stop();
    bench.events.tell(|told| told.stop = true);
    let begun = Instant::now();
    bench.ending.run(&bench.parts);
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_call_that_runs_when_a_stop_comes_is_finished_and_answered() {
    let mut bench = Bench::new();
    bench.events.tell(|told| told.driver_tried = true);
    assert!(bench.events.wait(SOON, |told| told.bus_tried));
    assert_eq!(bench.worker.status().state, WorkerState::Up);
    let call = bench.call("freeze_host");
    let begun = bench.begun.recv_timeout(SOON).unwrap();
    assert_eq!(begun, ("freeze_host", "req-freeze_host".to_owned()));
    // Everybody who looks from outside sees it.
    let shown = bench.worker.status().operations;
    assert_eq!(
        (shown[0].kind.as_str(), shown[0].request.as_str()),
        ("freeze_host", begun.1.as_str())
    );
    // A report waits for nobody: what somebody changes just now it leaves out.
    bench.wait_report("runs: freeze_host req-freeze_host for ");
    bench.wait_report("1 of at most 4 run");

    bench.worker.stop();
    bench.events.tell(|told| told.stop = true);
    let (ending, parts) = (std::mem::take(&mut bench.ending), Arc::clone(&bench.parts));
    let ends = std::thread::spawn(move || ending.run(&parts));
    let begun = Instant::now();
    while !bench.worker.status().reason.contains("operations") {
        assert!(begun.elapsed() < SOON, "{:?}", bench.worker.status());
        std::thread::sleep(Duration::from_millis(5));
    }
    // Nothing more is taken, and what runs is not hurried.
    assert!(!ends.is_finished());
    bench.go_on.send(()).unwrap();
    assert_eq!(call.join().unwrap().unwrap(), "\"done\"");
    ends.join().unwrap();
    assert!(bench.worker.status().operations.is_empty());
    let sockets = std::fs::read_dir(&bench.bus.directory).unwrap().flatten();
    let sockets: Vec<_> = sockets.map(|one| one.file_name()).collect();
    assert_eq!(sockets, [".lock"]);
}

/// What is in the way may be gone at any time.
#[test]
fn servers_that_cannot_be_opened_are_tried_again() {
    let bench = Bench::new();
    std::fs::write(&bench.bus.directory, "no directory").unwrap();
    bench.events.tell(|told| told.driver_tried = true);
    assert!(bench.events.wait(SOON, |told| told.bus_tried));
    let status = bench.worker.status();
    assert_eq!(status.state, WorkerState::Down);
    assert!(status.reason.starts_with("messaging: "), "{}", status.reason);
    std::fs::remove_file(&bench.bus.directory).unwrap();
    let begun = Instant::now();
    while bench.worker.status().state != WorkerState::Up {
        assert!(begun.elapsed() < SOON, "{:?}", bench.worker.status());
        std::thread::sleep(Duration::from_millis(5));
    }
    bench.worker.stop();
    bench.ending.run(&bench.parts);
}

/// A storage that hangs with its statistics is shown, and nothing else waits for it.
#[test]
fn a_driver_whose_statistics_hang_keeps_nothing_else_from_being_done() {
    struct Hangs(Mutex<Receiver<()>>);
    impl CapabilitySource for Hangs {
        fn capabilities(&self) -> Result<Map<String, Value>, String> {
            self.0.lock().unwrap().recv().unwrap();
            Ok(Map::new())
        }
    }
    let (answers, waits) = channel();
    let source = Arc::new(Hangs(Mutex::new(waits)));
    let bench = Bench::with(source, Duration::from_millis(100));
    bench.events.tell(|told| {
        told.driver_tried = true;
        told.driver_ready = true;
    });
    bench.wait_reason(|reason| reason.starts_with("driver: no answer for "));
    assert_eq!(bench.worker.status().state, WorkerState::Up);
    let call = bench.call("freeze_host");
    bench.begun.recv_timeout(SOON).unwrap();
    bench.go_on.send(()).unwrap();
    assert_eq!(call.join().unwrap().unwrap(), "\"done\"");
    // It answers, and goes on doing so.
    (0..10_000).for_each(|_| answers.send(()).unwrap());
    bench.wait_reason(str::is_empty);
    bench.worker.stop();
    bench.events.tell(|told| told.stop = true);
    bench.ending.run(&bench.parts);
}
