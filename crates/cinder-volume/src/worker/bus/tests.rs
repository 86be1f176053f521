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
            polling_interval: SOON,
        };
        let (begin, begun) = channel();
        let (go_on, goes_on) = channel();
        let manager = Slow { begun: Mutex::new(begin), go_on: Mutex::new(goes_on) };
        let source = Box::new(NoCapacity);
        let work = Work {
            manager: Arc::new(manager),
            source,
            lanes: Lanes::from(4),
            publishing: Arc::default(),
        };
        let registration = Registration {
            host,
            cluster: None,
            availability_zone: "nova".into(),
            enable_new_services: true,
        };
        let counting = Arc::new(Counting::new(worker.handle(), plan.names()));
        let mut ending = Ending::default();
        let messages =
            Messages::start(plan, &registration, work, counting, &parts, &events, &mut ending)
                .unwrap();
        Self { _directory: directory, worker, parts, events, bus, messages, ending, begun, go_on }
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

/// A driver that cannot tell keeps schedulers with what they were told last.
#[test]
fn what_was_told_last_is_told_again_when_a_driver_cannot_tell() {
    struct Once(Mutex<bool>);
    impl CapabilitySource for Once {
        fn capabilities(&self) -> Result<Map<String, Value>, String> {
            if std::mem::replace(&mut *self.0.lock().unwrap(), true) {
                return Err("the array does not answer".to_owned());
            }
            Ok(Map::from_iter([("volume_backend_name".to_owned(), "gold".into())]))
        }
    }
    let source = Once(Mutex::new(false));
    let mut known = None;
    for _ in 0..3 {
        assert_eq!(
            capabilities::newest(&source, &mut known).unwrap()["volume_backend_name"],
            "gold"
        );
    }
}
