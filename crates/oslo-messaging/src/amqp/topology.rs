//! What is declared on the broker: exchanges, queues and bindings, with the values that every peer
//! of the same configuration gives them (`spec/rpc.md` §1).
//!
//! Pure. Must not: deviate by a single argument. A broker refuses a declaration that differs from
//! the one before, so peers that disagree about one keep each other out.

use crate::options::RabbitOptions;
use crate::target::{Destination, Target};

/// One declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Exchange(Exchange),
    Queue(Queue),
    Bind { queue: String, exchange: String, key: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
    pub(crate) arguments: Arguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Topic,
    Fanout,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    Text(String),
    Number(i64),
    Flag(bool),
}

pub(crate) type Arguments = Vec<(&'static str, Argument)>;

/// Where in a stream a consumer begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Offset {
    /// With what came last: nothing has been read yet, or what was read is gone.
    #[default]
    Last,
    /// With this one.
    At(i64),
}

impl Offset {
    /// Behind a message that says where it stood; what is no place in a stream changes nothing.
    pub(crate) fn behind(self, read: i64) -> Self {
        let next = read.checked_add(1).filter(|next| *next > 0);
        next.map_or(self, Self::At)
    }

    fn argument(self) -> Argument {
        match self {
            Self::Last => Argument::Text("last".to_owned()),
            Self::At(number) => Argument::Number(number),
        }
    }
}

/// All declarations of a server, or of the queue for replies, in the order in which they are made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// Queues that are consumed, with the tag of each consumer.
    pub(crate) consumers: Vec<(String, String)>,
    /// Queues of this life alone, which are deleted at its end.
    pub(crate) own: Vec<String>,
    /// The one of the consumed queues that is a stream, shared by all servers of a topic.
    pub(crate) stream: Option<String>,
}

/// The values that the options lead to.
#[derive(Debug, Clone)]
pub(crate) struct Topology {
    durable: bool,
    auto_delete: bool,
    transient_durable: bool,
    shared: Arguments,
    transient: Arguments,
    consume: Arguments,
    /// Those of the stream, where fan-out goes over one.
    stream: Option<Arguments>,
    /// Whether queues of one process are found again by its next life, and so not deleted.
    names_last: bool,
}

impl Topology {
    pub(crate) fn new(options: &RabbitOptions) -> Self {
        let mirrored = || {
            let policy = ("x-ha-policy", text("all"));
            options.rabbit_ha_queues.then_some(policy).into_iter()
        };
        let quorum = |wanted: bool| {
            let limits = [
                ("x-delivery-limit", options.rabbit_quorum_delivery_limit),
                ("x-max-in-memory-length", options.rabbit_quorum_max_memory_length),
                ("x-max-in-memory-bytes", options.rabbit_quorum_max_memory_bytes),
            ];
            let limits = limits.into_iter().filter(|(_, limit)| *limit > 0);
            let limits = limits.map(|(name, limit)| (name, Argument::Number(limit)));
            let kind = std::iter::once(("x-queue-type", text("quorum")));
            kind.chain(limits).filter(move |_| wanted)
        };
        let ttl = options.rabbit_transient_queues_ttl;
        let expires = (ttl > 0).then(|| ("x-expires", Argument::Number(ttl.saturating_mul(1000))));
        let follows = options.enable_cancel_on_failover;
        let follows = follows.then_some(("x-cancel-on-ha-failover", Argument::Flag(true)));
        let stream = || {
            let age = (ttl > 0).then(|| ("x-max-age", text(&format!("{ttl}s"))));
            std::iter::once(("x-queue-type", text("stream"))).chain(age).collect()
        };
        Self {
            durable: options.amqp_durable_queues || options.rabbit_quorum_queue,
            auto_delete: options.amqp_auto_delete,
            transient_durable: options.rabbit_transient_quorum_queue,
            shared: mirrored().chain(quorum(options.rabbit_quorum_queue)).collect(),
            transient: mirrored()
                .chain(quorum(options.rabbit_transient_quorum_queue))
                .chain(expires)
                .collect(),
            consume: follows.into_iter().collect(),
            stream: options.rabbit_stream_fanout.then(stream),
            names_last: options.use_queue_manager,
        }
    }

    /// Whether a server needs something that makes a queue of its own unique.
    pub(crate) fn wants_name(&self) -> bool {
        self.stream.is_none()
    }

    /// What a server of this target needs; `id` makes its own queue unique, where it has one.
    pub(crate) fn server(&self, target: &Target, id: &str) -> Plan {
        let mut plan = Plan::default();
        let exchange = self.control(target.exchange());
        for queue in [target.topic().to_owned(), target.server_queue()] {
            plan.steps.push(Step::Exchange(exchange.clone()));
            plan.steps.push(Step::Queue(Queue {
                name: queue.clone(),
                durable: self.durable,
                auto_delete: self.auto_delete,
                arguments: self.shared.clone(),
            }));
            plan.bind(&queue, target.exchange(), &queue);
            plan.consume(queue);
        }
        let exchange = self.fanout(target.fanout_exchange());
        let name = exchange.name.clone();
        plan.steps.push(Step::Exchange(exchange));
        let queue = match &self.stream {
            // Everybody reads the same one, so it is named like the exchange, and stays.
            Some(arguments) => {
                let (durable, auto_delete) = (true, false);
                let arguments = arguments.clone();
                plan.stream = Some(name.clone());
                Queue { name: name.clone(), durable, auto_delete, arguments }
            }
            None => self.transient(target.fanout_queue(id)),
        };
        let queue_name = queue.name.clone();
        plan.steps.push(Step::Queue(queue));
        plan.bind(&queue_name, &name, target.topic());
        if self.stream.is_none() && !self.names_last {
            plan.own.push(queue_name.clone());
        }
        plan.consume(queue_name);
        plan
    }

    /// What the replies to our calls need; the default exchange leads to it.
    pub(crate) fn replies(&self, queue: &str) -> Plan {
        let mut plan = Plan::default();
        plan.steps.push(Step::Queue(self.transient(queue.to_owned())));
        if !self.names_last {
            plan.own.push(queue.to_owned());
        }
        plan.consume(queue.to_owned());
        plan
    }

    /// The exchange that a message to there goes to.
    pub(crate) fn exchange_of(&self, to: &Destination, name: String) -> Exchange {
        match to {
            Destination::Fanout { .. } => self.fanout(name),
            Destination::Topic { .. } | Destination::Server { .. } => self.control(&name),
        }
    }

    /// The exchange of notifications, and the queue of that name that keeps them.
    pub(crate) fn notices(&self, exchange: &str, queue: &str) -> (Exchange, Queue) {
        let queue = Queue {
            name: queue.to_owned(),
            durable: self.durable,
            auto_delete: self.auto_delete,
            arguments: self.shared.clone(),
        };
        (self.control(exchange), queue)
    }

    /// What a consumer asks for.
    pub(crate) fn consumer_arguments(&self) -> &Arguments {
        &self.consume
    }

    fn control(&self, name: &str) -> Exchange {
        Exchange {
            name: name.to_owned(),
            kind: Kind::Topic,
            durable: self.durable,
            auto_delete: self.auto_delete,
        }
    }

    fn fanout(&self, name: String) -> Exchange {
        Exchange { name, kind: Kind::Fanout, durable: self.transient_durable, auto_delete: true }
    }

    fn transient(&self, name: String) -> Queue {
        Queue {
            name,
            durable: self.transient_durable,
            auto_delete: false,
            arguments: self.transient.clone(),
        }
    }
}

fn text(text: &str) -> Argument {
    Argument::Text(text.to_owned())
}

/// What the consumer of a stream asks for, and nothing else.
pub(crate) fn reading_from(offset: Offset) -> Arguments {
    vec![("x-stream-offset", offset.argument())]
}

impl Plan {
    fn bind(&mut self, queue: &str, exchange: &str, key: &str) {
        let (queue, exchange, key) = (queue.to_owned(), exchange.to_owned(), key.to_owned());
        self.steps.push(Step::Bind { queue, exchange, key });
    }

    fn consume(&mut self, queue: String) {
        let tag = (self.consumers.len() + 1).to_string();
        self.consumers.push((queue, tag));
    }

    /// Gives up that something of this name is durable, as the broker has it otherwise.
    pub(crate) fn settle_for_transient(&mut self, name: &str) {
        for step in &mut self.steps {
            match step {
                Step::Exchange(exchange) if exchange.name == name => exchange.durable = false,
                Step::Queue(queue) if queue.name == name => queue.durable = false,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(change: impl FnOnce(&mut RabbitOptions)) -> Plan {
        let mut options = RabbitOptions::default();
        change(&mut options);
        let target = Target::new("openstack", "cinder-volume", "H@B").expect("good names");
        Topology::new(&options).server(&target, "0f")
    }

    /// The declarations as text, each once.
    fn shown(plan: &Plan) -> String {
        let mut lines = Vec::new();
        for step in &plan.steps {
            let line = match step {
                Step::Exchange(one) => format!(
                    "exchange {} {:?} durable={} auto_delete={}",
                    one.name, one.kind, one.durable, one.auto_delete
                ),
                Step::Queue(one) => format!(
                    "queue {} durable={} auto_delete={} {:?}",
                    one.name, one.durable, one.auto_delete, one.arguments
                ),
                Step::Bind { queue, exchange, key } => format!("bind {exchange} {key} {queue}"),
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines.join("\n") + "\n"
    }

    /// `spec/rpc.md` §1, the table of declarations.
    #[test]
    fn by_default_everything_is_declared_as_the_original_does() {
        let plan = plan(|_| {});
        expect_test::expect![[r#"
            exchange openstack Topic durable=false auto_delete=false
            queue cinder-volume durable=false auto_delete=false []
            bind openstack cinder-volume cinder-volume
            queue cinder-volume.H@B durable=false auto_delete=false []
            bind openstack cinder-volume.H@B cinder-volume.H@B
            exchange cinder-volume_fanout Fanout durable=false auto_delete=true
            queue cinder-volume_fanout_0f durable=false auto_delete=false [("x-expires", Number(1800000))]
            bind cinder-volume_fanout cinder-volume cinder-volume_fanout_0f
        "#]]
        .assert_eq(&shown(&plan));
        let tags: Vec<_> = plan.consumers.iter().map(|(_, tag)| tag.as_str()).collect();
        assert_eq!(tags, ["1", "2", "3"]);
        assert_eq!(plan.own, ["cinder-volume_fanout_0f"]);
    }

    #[test]
    fn each_option_changes_what_it_says_and_nothing_else() {
        let durable = shown(&plan(|options| options.amqp_durable_queues = true));
        assert!(durable.contains("exchange openstack Topic durable=true auto_delete=false"));
        assert!(durable.contains("queue cinder-volume durable=true auto_delete=false []"));
        assert!(durable.contains("exchange cinder-volume_fanout Fanout durable=false"));
        assert!(durable.contains("queue cinder-volume_fanout_0f durable=false"));

        let auto = shown(&plan(|options| options.amqp_auto_delete = true));
        assert!(auto.contains("exchange openstack Topic durable=false auto_delete=true"));
        assert!(auto.contains("queue cinder-volume.H@B durable=false auto_delete=true []"));
        assert!(auto.contains("queue cinder-volume_fanout_0f durable=false auto_delete=false"));

        let for_ever = shown(&plan(|options| options.rabbit_transient_queues_ttl = 0));
        assert!(
            for_ever.contains("queue cinder-volume_fanout_0f durable=false auto_delete=false []")
        );

        let quorum = shown(&plan(|options| {
            options.rabbit_quorum_queue = true;
            options.rabbit_quorum_delivery_limit = 7;
        }));
        assert!(quorum.contains("exchange openstack Topic durable=true auto_delete=false"));
        assert!(quorum.contains(
            "queue cinder-volume durable=true auto_delete=false \
             [(\"x-queue-type\", Text(\"quorum\")), (\"x-delivery-limit\", Number(7))]"
        ));
        assert!(quorum.contains("queue cinder-volume_fanout_0f durable=false"));

        let all = shown(&plan(|options| options.rabbit_transient_quorum_queue = true));
        assert!(all.contains("exchange cinder-volume_fanout Fanout durable=true auto_delete=true"));
        assert!(all.contains(
            "queue cinder-volume_fanout_0f durable=true auto_delete=false \
             [(\"x-queue-type\", Text(\"quorum\")), (\"x-expires\", Number(1800000))]"
        ));
    }

    #[test]
    fn a_stream_is_shared_by_all_servers_and_outlives_them() {
        let streamed = |ttl: i64| {
            plan(|options| {
                options.rabbit_stream_fanout = true;
                options.rabbit_transient_quorum_queue = true;
                options.rabbit_transient_queues_ttl = ttl;
            })
        };
        let plan = streamed(1800);
        let all = shown(&plan);
        assert!(all.contains(
            "queue cinder-volume_fanout durable=true auto_delete=false \
             [(\"x-queue-type\", Text(\"stream\")), (\"x-max-age\", Text(\"1800s\"))]"
        ));
        assert!(all.contains("bind cinder-volume_fanout cinder-volume cinder-volume_fanout"));
        assert_eq!((plan.own.len(), plan.stream.as_deref()), (0, Some("cinder-volume_fanout")));
        assert!(shown(&streamed(0)).contains("[(\"x-queue-type\", Text(\"stream\"))]"));
    }

    #[test]
    fn what_has_a_lasting_name_is_left_for_the_next_life() {
        let mut options = RabbitOptions { use_queue_manager: true, ..Default::default() };
        let target = Target::new("openstack", "cinder-volume", "H@B").expect("good names");
        for (lasts, own) in [(true, 0), (false, 1)] {
            options.use_queue_manager = lasts;
            let topology = Topology::new(&options);
            assert_eq!(topology.server(&target, "n:p:1").own.len(), own);
            assert_eq!(topology.replies("reply_n:p:1").own.len(), own);
        }
    }

    #[test]
    fn a_stream_is_read_on_behind_what_was_read_whatever_a_header_says() {
        let begin = Offset::Last;
        assert_eq!(begin.behind(7), Offset::At(8));
        assert_eq!(begin.behind(7).behind(3), Offset::At(4), "it was made anew");
        for nonsense in [-1, i64::MIN, i64::MAX] {
            assert_eq!(begin.behind(nonsense), Offset::Last);
            assert_eq!(begin.behind(7).behind(nonsense), Offset::At(8));
        }
    }

    #[test]
    fn only_what_the_broker_has_otherwise_is_given_up() {
        let mut plan = plan(|options| options.amqp_durable_queues = true);
        plan.settle_for_transient("openstack");
        let shown = shown(&plan);
        assert!(shown.contains("exchange openstack Topic durable=false"));
        assert!(shown.contains("queue cinder-volume durable=true"));
    }
}
