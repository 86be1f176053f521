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
    pub(crate) arguments: Vec<(&'static str, Argument)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
    pub(crate) arguments: Vec<(&'static str, Argument)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Topic,
    Fanout,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    Text(&'static str),
    Number(i64),
    Flag(bool),
}

/// All declarations of a server, or of the queue for replies, in the order in which they are made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// Queues that are consumed, with the tag of each consumer.
    pub(crate) consumers: Vec<(String, String)>,
    /// Queues of this life alone, which are deleted at its end.
    pub(crate) own: Vec<String>,
}

/// The values that the options lead to.
#[derive(Debug, Clone)]
pub(crate) struct Topology {
    durable: bool,
    auto_delete: bool,
    transient_durable: bool,
    exchange: Vec<(&'static str, Argument)>,
    shared: Vec<(&'static str, Argument)>,
    transient: Vec<(&'static str, Argument)>,
    consume: Vec<(&'static str, Argument)>,
}

impl Topology {
    pub(crate) fn new(options: &RabbitOptions) -> Self {
        let mirrored = || {
            let policy = ("x-ha-policy", Argument::Text("all"));
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
            let kind = std::iter::once(("x-queue-type", Argument::Text("quorum")));
            kind.chain(limits).filter(move |_| wanted)
        };
        let ttl = options.rabbit_transient_queues_ttl;
        let expires = (ttl > 0).then(|| ("x-expires", Argument::Number(ttl.saturating_mul(1000))));
        let follows = options.enable_cancel_on_failover;
        let follows = follows.then_some(("x-cancel-on-ha-failover", Argument::Flag(true)));
        Self {
            durable: options.amqp_durable_queues || options.rabbit_quorum_queue,
            auto_delete: options.amqp_auto_delete,
            transient_durable: options.rabbit_transient_quorum_queue,
            exchange: mirrored().collect(),
            shared: mirrored().chain(quorum(options.rabbit_quorum_queue)).collect(),
            transient: mirrored()
                .chain(quorum(options.rabbit_transient_quorum_queue))
                .chain(expires)
                .collect(),
            consume: follows.into_iter().collect(),
        }
    }

    /// What a server of this target needs; `id` makes its own queue unique.
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
        let queue = target.fanout_queue(id);
        plan.steps.push(Step::Queue(self.transient(queue.clone())));
        plan.bind(&queue, &name, target.topic());
        plan.own.push(queue.clone());
        plan.consume(queue);
        plan
    }

    /// What the replies to our calls need; the default exchange leads to it.
    pub(crate) fn replies(&self, queue: &str) -> Plan {
        let mut plan = Plan::default();
        plan.steps.push(Step::Queue(self.transient(queue.to_owned())));
        plan.own.push(queue.to_owned());
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
    pub(crate) fn consumer_arguments(&self) -> &[(&'static str, Argument)] {
        &self.consume
    }

    fn control(&self, name: &str) -> Exchange {
        Exchange {
            name: name.to_owned(),
            kind: Kind::Topic,
            durable: self.durable,
            auto_delete: self.auto_delete,
            arguments: self.exchange.clone(),
        }
    }

    fn fanout(&self, name: String) -> Exchange {
        Exchange {
            name,
            kind: Kind::Fanout,
            durable: self.transient_durable,
            auto_delete: true,
            arguments: self.exchange.clone(),
        }
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
                    "exchange {} {:?} durable={} auto_delete={} {:?}",
                    one.name, one.kind, one.durable, one.auto_delete, one.arguments
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
            exchange openstack Topic durable=false auto_delete=false []
            queue cinder-volume durable=false auto_delete=false []
            bind openstack cinder-volume cinder-volume
            queue cinder-volume.H@B durable=false auto_delete=false []
            bind openstack cinder-volume.H@B cinder-volume.H@B
            exchange cinder-volume_fanout Fanout durable=false auto_delete=true []
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
        assert!(durable.contains("exchange openstack Topic durable=true auto_delete=false []"));
        assert!(durable.contains("queue cinder-volume durable=true auto_delete=false []"));
        assert!(durable.contains("exchange cinder-volume_fanout Fanout durable=false"));
        assert!(durable.contains("queue cinder-volume_fanout_0f durable=false"));

        let auto = shown(&plan(|options| options.amqp_auto_delete = true));
        assert!(auto.contains("exchange openstack Topic durable=false auto_delete=true []"));
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
        assert!(quorum.contains("exchange openstack Topic durable=true auto_delete=false []"));
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
    fn only_what_the_broker_has_otherwise_is_given_up() {
        let mut plan = plan(|options| options.amqp_durable_queues = true);
        plan.settle_for_transient("openstack");
        let shown = shown(&plan);
        assert!(shown.contains("exchange openstack Topic durable=false"));
        assert!(shown.contains("queue cinder-volume durable=true"));
    }
}
