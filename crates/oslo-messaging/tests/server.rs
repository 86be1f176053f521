//! The same tests of server and client over every bus.

#[cfg(feature = "rabbit")]
mod broker;
mod served;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use oslo_messaging::{
    Acknowledge, CallError, Context, Destination, Dispatcher, Failure, Lanes, Method, Pool,
    Received, Request, Server, ServerOptions, Version, returned,
};
use serde_json::{Value, json};
use served::{Stage, buses, echo, eventually, request, server_of, target, to_all, to_any};

/// Longer than 16 MiB take in a debug build on a machine that others use, too.
const LIMIT: Duration = Duration::from_secs(60);
const V3: Version = Version { major: 3, minor: 20 };

/// A service of some methods on a stage.
fn serve(stage: &Stage, methods: impl IntoIterator<Item = Method>) -> Pool {
    serve_as(stage, "server", 8, methods)
}

fn serve_as(
    stage: &Stage,
    name: &str,
    most: impl Into<Lanes>,
    methods: impl IntoIterator<Item = Method>,
) -> Pool {
    Pool::start(stage.serve(name), Dispatcher::default().with(V3, methods).with_ping(), most)
        .expect("threads")
}

fn call(stage: &Stage, request: Request) -> Result<Value, CallError> {
    let raw = stage.bus.client().call(&server_of("server"), request, LIMIT)?;
    Ok(serde_json::from_str(raw.get()).expect("JSON"))
}

fn failure(result: Result<Value, CallError>) -> Failure {
    match result {
        Err(CallError::Failed(failure)) => *failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_is_answered() {
    for stage in buses() {
        let _pool = serve(&stage, [echo()]);
        let answer = call(&stage, request("echo", &json!({"text": "grüß Gott\n"})));
        assert_eq!(answer.expect("an answer"), "grüß Gott\n", "{stage}");
    }
}

#[test]
fn what_cannot_be_carried_out_is_answered_in_the_originals_words() {
    for stage in buses() {
        let _pool = serve(&stage, [echo(), Method::new("panics", |_| panic!("on purpose"))]);
        let ask = |method: &str, version: &str, args: Value| {
            let request = Request::new(method, version, &args, Context::default());
            failure(call(&stage, request.expect("JSON")))
        };
        for (method, version, args, class, module) in [
            ("nosuch", "3.0", json!({}), "NoSuchMethod", "oslo_messaging.rpc.dispatcher"),
            ("_echo", "3.0", json!({}), "NoSuchMethod", "oslo_messaging.rpc.dispatcher"),
            ("echo", "3.21", json!({}), "UnsupportedVersion", "oslo_messaging.rpc.dispatcher"),
            ("echo", "4.0", json!({}), "UnsupportedVersion", "oslo_messaging.rpc.dispatcher"),
            // The ping endpoint is of version 1.0.
            ("echo", "1.0", json!({}), "NoSuchMethod", "oslo_messaging.rpc.dispatcher"),
            ("echo", "3.0", json!({}), "TypeError", "builtins"),
            ("echo", "3.0", json!({"text": 1, "more": 2}), "TypeError", "builtins"),
            ("echo", "3.0", json!(null), "TypeError", "builtins"),
            ("panics", "3.0", json!({}), "RuntimeError", "builtins"),
        ] {
            let failure = ask(method, version, args);
            let told = (failure.class.as_str(), failure.module.as_str());
            assert_eq!(told, (class, module), "{stage}: {method} {version}");
            assert_eq!(failure.args, [failure.message.as_str()]);
        }
        // And nobody is harmed.
        call(&stage, request("echo", &json!({"text": 1}))).expect("an answer");
    }
}

#[test]
fn a_ping_is_answered_if_that_is_enabled() {
    for stage in buses() {
        let ping = || {
            let args = json!({});
            Request::new("oslo_rpc_server_ping", "1.0", &args, Context::default()).expect("JSON")
        };
        let pool = serve(&stage, [echo()]);
        assert_eq!(call(&stage, ping()).expect("an answer"), "pong");
        drop(pool);
        eventually("the place is free", || {
            stage.bus.serve(&[target("server")], ServerOptions::default()).is_ok()
        });
        let dispatcher = Dispatcher::default().with(V3, [echo()]);
        let _pool = Pool::start(stage.serve("server"), dispatcher, 1).expect("threads");
        assert_eq!(failure(call(&stage, ping())).class, "UnsupportedVersion");
    }
}

#[test]
fn failures_reach_the_caller_with_their_arguments() {
    for stage in buses() {
        let fails = Method::new("fails", |_| {
            let Value::Object(kwargs) = json!({"volume_id": "v", "code": 404}) else { panic!() };
            Err(Failure::new("cinder.exception", "VolumeNotFound", "Volume v gone.")
                .with(kwargs)
                .into())
        });
        let _pool = serve(&stage, [fails]);
        let failure = failure(call(&stage, request("fails", &json!({}))));
        assert_eq!(
            (failure.class.as_str(), failure.kwargs["code"].as_i64()),
            ("VolumeNotFound", Some(404))
        );
        assert_eq!(failure.args, ["Volume v gone."]);
    }
}

#[test]
fn sixteen_mebibytes_go_both_ways() {
    for stage in buses() {
        let _pool = serve(&stage, [echo()]);
        let text = format!("\"{}\"", "0123456789abcdef".repeat(1024 * 1024));
        let answer = call(&stage, request("echo", &json!({"text": text})));
        assert!(answer.expect("an answer") == text.as_str(), "{stage}");
        let more = "x".repeat(21 * 1024 * 1024);
        let refused = call(&stage, request("echo", &json!({"text": more})));
        assert!(matches!(refused, Err(CallError::TooLarge { .. })), "{stage}");
    }
}

#[test]
fn a_result_that_cannot_be_sent_is_a_failure() {
    for stage in buses() {
        let big = Method::new("big", |_| returned(&"x".repeat(21 * 1024 * 1024)));
        let _pool = serve(&stage, [big]);
        let failure = failure(call(&stage, request("big", &json!({}))));
        assert!(failure.message.contains("bytes"), "{stage}: {failure}");
    }
}

#[test]
fn a_cast_returns_when_the_message_is_recorded_and_not_when_it_has_ended() {
    for stage in buses() {
        let (may_end, end) = mpsc::channel::<()>();
        let end = Mutex::new(end);
        let (ended, has_ended) = mpsc::channel();
        let slow = Method::new("slow", move |incoming| {
            incoming.recorded();
            let _ = end.lock().expect("one at a time").recv();
            ended.send(()).expect("somebody waits");
            returned(&())
        });
        let _pool = serve(&stage, [slow]);
        stage.bus.client().cast(&server_of("server"), request("slow", &json!({}))).expect("taken");
        assert!(has_ended.try_recv().is_err(), "{stage}");
        may_end.send(()).expect("it waits");
        has_ended.recv_timeout(LIMIT).expect("it ended");
    }
}

#[test]
fn a_method_of_its_own_kind_is_acknowledged_when_a_thread_takes_it() {
    for stage in buses() {
        let (may_end, end) = mpsc::channel::<()>();
        let end = Mutex::new(end);
        let slow = Method::new("slow", move |incoming| {
            assert!(incoming.is_recorded());
            let _ = end.lock().expect("one at a time").recv();
            returned(&())
        });
        let _pool = serve(&stage, [slow.acknowledged(Acknowledge::WhenTaken)]);
        stage.bus.client().cast(&server_of("server"), request("slow", &json!({}))).expect("taken");
        drop(may_end);
    }
}

#[test]
fn what_is_dropped_unrecorded_is_delivered_again() {
    for stage in buses() {
        let server = stage.serve("server");
        let client = stage.bus.client();
        let sender =
            thread::spawn(move || client.cast(&server_of("server"), request("m", &json!({}))));
        let first = next(&server).request.unique_id.clone(); // and dropped
        let again = next(&server);
        assert_eq!(first, again.request.unique_id, "{stage}");
        again.answer(returned(&()));
        sender.join().expect("no panic").expect("taken");
    }
}

fn next(server: &Server) -> oslo_messaging::Incoming {
    match server.next_within(LIMIT) {
        Received::Request(incoming) => *incoming,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_recorded_call_that_is_dropped_is_answered_at_once() {
    for stage in buses() {
        let server = stage.serve("server");
        let client = stage.bus.client();
        let asked = thread::spawn(move || {
            client.call(&server_of("server"), request("m", &json!({})), LIMIT)
        });
        let mut incoming = next(&server);
        incoming.recorded();
        drop(incoming);
        let answer = asked.join().expect("no panic");
        assert!(matches!(answer, Err(CallError::Failed(_))), "{stage}: {answer:?}");
    }
}

#[test]
fn one_message_sent_twice_is_carried_out_once() {
    for stage in buses() {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let method = Method::new("m", move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            returned(&())
        });
        let pool = serve(&stage, [method]);
        for _ in 0..3 {
            let mut request = request("m", &json!({}));
            request.unique_id = Some("0f".repeat(16));
            stage.bus.client().cast(&server_of("server"), request).expect("taken");
        }
        eventually("all have come", || pool.server().counts().received == 3);
        eventually("they are known", || pool.server().counts().duplicates == 2);
        eventually("it ran", || runs.load(Ordering::Relaxed) == 1);
    }
}

#[test]
fn a_call_waits_no_longer_than_its_time_out_and_is_not_carried_out_afterwards() {
    for stage in buses() {
        let runs = Arc::new(Mutex::new(Vec::new()));
        let (may_end, end) = mpsc::channel::<()>();
        let (end, list) = (Mutex::new(end), Arc::clone(&runs));
        let method = Method::new("m", move |incoming| {
            let args: Value = incoming.arguments()?;
            list.lock().expect("no panic").push(args["n"].clone());
            let _ = end.lock().expect("one at a time").recv();
            returned(&())
        });
        let pool = serve_as(&stage, "server", 1, [method.taking(&["n"], &[])]);
        let ask = |n: u32, limit: Duration| {
            stage.bus.client().call(&server_of("server"), request("m", &json!({"n": n})), limit)
        };
        thread::scope(|scope| {
            // The first keeps the only thread; the second waits in the inbox until its time is over.
            let first = scope.spawn(|| ask(1, Duration::from_secs(3)));
            eventually("the first runs", || !runs.lock().expect("no panic").is_empty());
            let (began, short) = (Instant::now(), Duration::from_secs(1));
            assert!(matches!(ask(2, short), Err(CallError::TimedOut)), "{stage}");
            assert!(began.elapsed() >= short);
            let first = first.join().expect("no panic");
            assert!(matches!(first, Err(CallError::TimedOut)), "{stage}: {first:?}");
        });
        may_end.send(()).expect("it waits");
        may_end.send(()).expect("it waits");
        ask(3, LIMIT).expect("an answer");
        assert_eq!(*runs.lock().expect("no panic"), [1, 3], "{stage}");
        drop(pool);
    }
}

#[test]
fn nobody_there_is_said_so_within_the_time() {
    for stage in buses() {
        // A connection comes first, on a broker.
        let limit = Duration::from_millis(if stage.is_direct() { 300 } else { 5_000 });
        let asked = stage.bus.client().call(&server_of("nobody"), request("m", &json!({})), limit);
        assert!(matches!(asked, Err(CallError::Nobody { .. })), "{stage}: {asked:?}");
        let error = asked.expect_err("nobody").to_string();
        assert_eq!(error, "nobody serves topic topic, server nobody");
    }
}

#[test]
fn a_server_that_comes_a_moment_later_gets_the_message() {
    for stage in buses() {
        let client = stage.bus.client();
        let asked = thread::spawn(move || {
            let request = request("echo", &json!({"text": "late"}));
            client.call(&server_of("server"), request, LIMIT)
        });
        thread::sleep(Duration::from_millis(200));
        let _pool = serve(&stage, [echo()]);
        asked.join().expect("no panic").expect("an answer");
    }
}

#[test]
fn one_goes_to_one_server_of_a_topic_and_all_to_every_one() {
    for stage in buses() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = |name: &'static str| {
            let heard = Arc::clone(&heard);
            Method::new("m", move |_| {
                heard.lock().expect("no panic").push(name);
                returned(&())
            })
        };
        let _pools = ["a", "b", "c"].map(|name| serve_as(&stage, name, 2, [hear(name)]));
        let client = stage.bus.client();
        client.cast(&to_all(), request("m", &json!({}))).expect("taken");
        let heard_all = |count| {
            eventually("all are heard", || heard.lock().expect("no panic").len() == count);
        };
        heard_all(3);
        let mut names = std::mem::take(&mut *heard.lock().expect("no panic"));
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "c"], "{stage}");
        for _ in 0..40 {
            client.cast(&to_any(), request("m", &json!({}))).expect("taken");
        }
        heard_all(40);
        let names = std::mem::take(&mut *heard.lock().expect("no panic"));
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), 3, "{stage}: each has its share");
        client.cast(&server_of("b"), request("m", &json!({}))).expect("taken");
        heard_all(1);
        assert_eq!(*heard.lock().expect("no panic"), ["b"], "{stage}");
        // Told once: whoever is there hears it, and that nobody is there is learnt at once.
        client.tell(&to_any(), request("m", &json!({}))).expect("taken");
        heard_all(2);
        let begun = Instant::now();
        let nobody = Destination::Topic { exchange: "openstack".into(), topic: "elsewhere".into() };
        client.tell(&nobody, request("m", &json!({}))).expect("nothing to do");
        assert!(begun.elapsed() < Duration::from_secs(5), "{stage}: it was tried again");
        // Nobody is a topic's right: a fan-out of it reaches all that there are.
        let nobody = Destination::Fanout { topic: "elsewhere".into() };
        client.cast(&nobody, request("m", &json!({}))).expect("nothing to do");
    }
}

#[test]
fn no_more_handlers_run_at_a_time_than_are_allowed() {
    for stage in buses() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, highest) = (Arc::clone(&now), Arc::clone(&most));
        let method = Method::new("m", move |_| {
            highest.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(2));
            count.fetch_sub(1, Ordering::SeqCst);
            returned(&())
        });
        let pool = serve_as(&stage, "server", 3, [method]);
        let senders: Vec<_> = (0..20)
            .map(|_| {
                let client = stage.bus.client();
                thread::spawn(move || {
                    for _ in 0..5 {
                        client.cast(&server_of("server"), request("m", &json!({}))).expect("taken");
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.join().expect("no panic");
        }
        eventually("all have come", || pool.server().counts().received == 100);
        assert_eq!(most.load(Ordering::SeqCst), 3, "{stage}");
    }
}

#[test]
fn a_full_lane_keeps_nobody_else_from_running_and_gives_back_what_waits_for_it() {
    for stage in buses() {
        let ended = Arc::new(AtomicUsize::new(0));
        let (release, released) = mpsc::channel::<()>();
        let (released, count) = (Mutex::new(released), Arc::clone(&ended));
        let bulk = Method::new("bulk", move |_| {
            let _ = released.lock().expect("whole").recv();
            count.fetch_add(1, Ordering::SeqCst);
            returned(&())
        });
        let (go, told) = mpsc::channel::<()>();
        let told = Mutex::new(told);
        let hold = Method::new("hold", move |_| {
            let _ = told.lock().expect("whole").recv();
            returned(&())
        });
        let hold = hold.acknowledged(Acknowledge::WhenTaken);
        let methods = [echo(), hold, bulk.in_lane(|_| 1)];
        let pool = serve_as(&stage, "server", Lanes::of(&[1, 2]), methods);
        let senders: Vec<_> = (0..5)
            .map(|_| {
                let client = stage.bus.client();
                thread::spawn(move || {
                    client.cast(&server_of("server"), request("bulk", &json!({})))
                })
            })
            .collect();
        eventually("three wait", || pool.waiting_now() == Some(vec![0, 3]));
        assert!(pool.running().iter().all(|one| one.method == "bulk" && one.lane == 1), "{stage}");
        // The third place is there, and the first lane is free.
        call(&stage, request("echo", &json!({"text": 1}))).expect("an answer");
        release.send(()).expect("somebody waits");
        // It has left those that wait a moment before it is among those that run.
        eventually("the next one runs", || {
            pool.waiting_now() == Some(vec![0, 2]) && pool.running().len() == 2
        });
        // A stop begins none of those that wait, also when no thread is free to notice it.
        let client = stage.bus.client();
        client.cast(&server_of("server"), request("hold", &json!({}))).expect("taken");
        eventually("all run", || pool.running().len() == 3);
        thread::scope(|scope| {
            let drained = scope.spawn(|| pool.drain(LIMIT));
            eventually("they go back", || pool.waiting_now() == Some(vec![0, 0]));
            drop((release, go));
            assert!(drained.join().expect("no panic"), "{stage}");
        });
        assert_eq!(ended.load(Ordering::SeqCst), 3, "{stage}");
        drop(pool);
        let carried_out = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&carried_out);
        let bulk = Method::new("bulk", move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            returned(&())
        });
        let _pool = serve(&stage, [bulk]);
        eventually("its successor has the rest", || carried_out.load(Ordering::SeqCst) == 2);
        for sender in senders {
            sender.join().expect("no panic").expect("taken");
        }
    }
}

/// A storage that never answers must not take the whole service with it, nor keep it from ending.
#[test]
fn what_is_stuck_is_replaced_up_to_a_bound_and_not_waited_for() {
    for stage in buses() {
        let (_never, waits) = mpsc::channel::<()>();
        let waits = Arc::new(Mutex::new(waits));
        let hang = Method::new("hang", move |_| {
            let _ = waits.lock().expect("whole").recv();
            returned(&())
        });
        let lanes = Lanes::of(&[1, 1]).patient(&[LIMIT * 10, Duration::from_millis(50)]);
        let pool = serve_as(&stage, "server", lanes, [echo(), hang.in_lane(|_| 1)]);
        let senders: Vec<_> = (0..3)
            .map(|_| {
                let client = stage.bus.client();
                thread::spawn(move || {
                    client.cast(&server_of("server"), request("hang", &json!({})))
                })
            })
            .collect();
        // One hangs, another takes its place, and the third finds that as many hang as may run.
        eventually("two are stuck", || {
            let running = pool.running();
            running.len() == 2 && running.iter().all(|one| one.is_stuck)
        });
        eventually("the third waits", || pool.waiting_now() == Some(vec![0, 1]));
        call(&stage, request("echo", &json!({"text": 1}))).expect("the other lane is free");
        // What is lost is said, and nobody waits for it.
        assert!(!pool.drain(LIMIT * 10), "{stage}: all ended");
        assert_eq!(pool.running().len(), 2, "{stage}");
        drop(pool);
        drop(senders);
    }
}

#[test]
fn a_long_call_gives_signs_of_life_even_when_every_thread_is_busy() {
    for recorded in [true, false] {
        for stage in buses() {
            let slow = Method::new("slow", move |incoming| {
                if recorded {
                    incoming.recorded();
                }
                thread::sleep(Duration::from_secs(3));
                returned(&"done")
            });
            let _pool = serve_as(&stage, "server", 1, [slow]);
            // Without one the caller would give up after 2 s of the 3.
            let answer = call(&stage, request("slow", &json!({})).with_signs_of_life(2));
            assert_eq!(answer.expect("an answer"), "done", "{stage}");
        }
    }
}

#[test]
fn a_caller_that_wants_signs_of_life_gives_up_without_them() {
    for stage in buses() {
        // Takes nothing, so that nobody gives any.
        let _server = stage.serve("server");
        let began = Instant::now();
        let answer = call(&stage, request("m", &json!({})).with_signs_of_life(2));
        assert!(matches!(answer, Err(CallError::TimedOut)), "{stage}: {answer:?}");
        assert!(began.elapsed() < LIMIT / 2, "{stage}");
    }
}

#[test]
fn a_drain_answers_what_runs_and_gives_back_what_waits() {
    for stage in buses() {
        let (began, has_begun) = mpsc::channel();
        let slow = Method::new("slow", move |_| {
            let _ = began.send(());
            thread::sleep(Duration::from_millis(300));
            returned(&"done")
        });
        let pool = serve_as(&stage, "server", 1, [slow]);
        let ask = || {
            let client = stage.bus.client();
            thread::spawn(move || {
                client.call(&server_of("server"), request("slow", &json!({})), LIMIT)
            })
        };
        let running = ask();
        has_begun.recv_timeout(LIMIT).expect("it began");
        assert_eq!(pool.running().first().map(|one| one.method), Some("slow"));
        let waiting = ask();
        eventually("the second waits", || pool.server().counts().waiting == 1);
        assert!(pool.drain(LIMIT), "{stage}");
        running.join().expect("no panic").expect("answered");
        drop(pool);
        // Its successor carries out what was given back.
        let _pool = serve(&stage, [Method::new("slow", |_| returned(&"by the next"))]);
        let answer = waiting.join().expect("no panic").expect("answered");
        assert_eq!(answer.get(), "\"by the next\"", "{stage}");
    }
}

#[test]
fn two_servers_of_one_target_are_one_too_many() {
    // Those of a broker share their queue.
    for stage in buses().into_iter().filter(Stage::is_direct) {
        let _one = serve(&stage, [echo()]);
        let two = stage.bus.serve(&[target("server")], ServerOptions::default());
        assert!(two.is_err(), "{stage}");
    }
}

#[test]
fn a_client_has_a_thousand_messages_under_way_and_no_more() {
    const MOST: usize = 1_000;
    for stage in buses() {
        // Nobody is there, or comes.
        let client = stage.bus.client();
        let stage = &stage;
        let ask = || {
            let client = client.clone();
            let small = thread::Builder::new().stack_size(128 * 1024);
            let limit = Duration::from_secs(if stage.is_direct() { 3 } else { 9 });
            small.spawn(move || client.call(&server_of("nobody"), request("m", &json!({})), limit))
        };
        let callers: Vec<_> = (0..MOST).map(|_| ask().expect("a thread")).collect();
        eventually("all are under way", || format!("{client:?}").contains("under_way: 1000"));
        let more = client.cast(&server_of("nobody"), request("m", &json!({})));
        assert!(matches!(more, Err(CallError::Full { most: MOST })), "{stage}: {more:?}");
        for caller in callers {
            let answer = caller.join().expect("no panic");
            assert!(matches!(answer, Err(CallError::Nobody { .. })), "{stage}: {answer:?}");
        }
        assert!(format!("{client:?}").contains("under_way: 0"), "{client:?}");
    }
}

#[test]
fn handlers_never_run_on_the_thread_of_the_bus() {
    for stage in buses() {
        let name = Method::new("name", |_| returned(&thread::current().name()));
        let _pool = serve(&stage, [name]);
        assert_eq!(call(&stage, request("name", &json!({}))).expect("an answer"), "rpc", "{stage}");
    }
}

#[test]
fn a_slow_handler_delays_no_other_answer() {
    for stage in buses() {
        let (may_end, end) = mpsc::channel::<()>();
        let (end, (began, has_begun)) = (Mutex::new(end), mpsc::channel());
        let slow = Method::new("slow", move |_| {
            let _ = began.send(());
            let _ = end.lock().expect("one at a time").recv();
            returned(&())
        });
        let _pool = serve_as(&stage, "server", 2, [slow, echo()]);
        let client = stage.bus.client();
        let slow = thread::spawn(move || {
            client.call(&server_of("server"), request("slow", &json!({})), LIMIT)
        });
        has_begun.recv_timeout(LIMIT).expect("it began");
        for number in 0..100 {
            let answer = call(&stage, request("echo", &json!({"text": number})));
            assert_eq!(answer.expect("an answer"), number, "{stage}");
        }
        assert!(!slow.is_finished());
        may_end.send(()).expect("it waits");
        slow.join().expect("no panic").expect("an answer");
    }
}
