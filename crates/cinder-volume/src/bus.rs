//! Which bus messages take, and the names under which a volume service is found on it.
//!
//! Plain data until [`BusPlan::open`], which workers and `cinder-volume call` do and the parent never:
//! a fork comes between. The names are the original's (`spec/rpc.md` §1, §2). Must not: know what is
//! said over the bus.

pub(crate) mod board;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::bail;
use cinder_types::{BINARY, ClusterName, ServiceHost};
use oslo_messaging::{Broker, BrokerHost, Bus, Destination, NameError, Target, Transport};

/// The topic of schedulers.
pub(crate) const SCHEDULER: &str = "cinder-scheduler";

/// Where the broker is and who we are there, if that is not what it was at the start. Clones are one: the
/// hooks of a process write it, its service reads it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts(Arc<Mutex<Option<Vec<BrokerHost>>>>);

impl Hosts {
    /// From now on it is there.
    pub(crate) fn set(&self, hosts: Vec<BrokerHost>) {
        *self.lock() = Some(hosts);
    }

    /// Where it is now, unless it is where it was at the start.
    pub(crate) fn get(&self) -> Option<Vec<BrokerHost>> {
        self.lock().clone()
    }

    /// It is replaced as a whole, so a panic leaves none half-changed.
    fn lock(&self) -> MutexGuard<'_, Option<Vec<BrokerHost>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bus that can be opened.
#[derive(Debug, Clone)]
pub(crate) struct BusPlan {
    /// `transport_url`, or what stands for it.
    pub transport: Transport,
    /// Where the sockets of the local bus are.
    pub directory: PathBuf,
    /// `control_exchange`.
    pub exchange: String,
    /// `rpc_response_timeout`.
    pub response_timeout: Duration,
    /// Where its broker is now.
    pub hosts: Hosts,
}

impl BusPlan {
    /// For a process that asks something and ends: its queue has a name of its own, and ends with it. A
    /// lasting one would be counted as the daemon's.
    pub(crate) fn of_a_command(mut self) -> Self {
        if let Transport::Rabbit(broker) = &mut self.transport {
            broker.options.use_queue_manager = false;
        }
        self
    }

    /// The file that is there while an operator wants a back end to take no work.
    pub(crate) fn drain_of(&self, backend: &str) -> PathBuf {
        self.directory.with_file_name("drained").join(backend)
    }

    /// Opens it, in the process that uses it.
    ///
    /// # Errors
    ///
    /// Why there is none, for operators.
    pub(crate) fn open(&self) -> anyhow::Result<Bus> {
        Ok(match &self.transport {
            Transport::Local => {
                // A state_path that is not mounted, or misspelt, is not made by accident.
                let state_path = self.directory.parent().unwrap_or(&self.directory);
                if !state_path.is_dir() {
                    bail!(
                        "state_path {} is no directory, and the sockets of the local bus go there",
                        state_path.display()
                    );
                }
                Bus::local(&self.directory)
            }
            Transport::Fake => Bus::fake(),
            Transport::Rabbit(broker) => {
                let mut broker = Broker::clone(broker);
                broker.hosts = self.hosts.get().unwrap_or(broker.hosts);
                Bus::rabbit(broker, BINARY)
            }
        })
    }

    /// What it is called in a report.
    pub(crate) fn name(&self) -> String {
        match &self.transport {
            Transport::Local => format!("local:, sockets in {}", self.directory.display()),
            Transport::Fake => "fake://, nobody outside of this process".to_owned(),
            Transport::Rabbit(broker) => {
                format!("rabbit://, {}, virtual host {}", broker.addresses(), broker.virtual_host)
            }
        }
    }

    /// Where a back end listens, in the order of `spec/startup.md` §5: all volume services together,
    /// the back end, its cluster.
    ///
    /// # Errors
    ///
    /// [`NameError`] for names that no broker takes.
    pub(crate) fn targets(
        &self,
        host: &ServiceHost,
        cluster: Option<&ClusterName>,
    ) -> Result<Vec<Target>, NameError> {
        let host = host.as_str();
        let mut targets = vec![Target::new(&self.exchange, BINARY, host)?, self.own_target(host)?];
        if let Some(cluster) = cluster {
            targets.push(self.own_target(cluster.as_str())?);
        }
        Ok(targets)
    }

    /// Where schedulers listen; on the bus of one machine there are none.
    pub(crate) fn schedulers(&self) -> Option<Destination> {
        let (exchange, topic) = (self.exchange.clone(), SCHEDULER.to_owned());
        let has_some = !matches!(self.transport, Transport::Local);
        has_some.then_some(Destination::Topic { exchange, topic })
    }

    fn own_target(&self, name: &str) -> Result<Target, NameError> {
        Target::new(&self.exchange, &topic_of(name), server_of(name))
    }

    /// Where a message to the service of this name goes.
    pub(crate) fn to(&self, host: &str) -> Destination {
        Destination::Server {
            exchange: self.exchange.clone(),
            topic: topic_of(host),
            server: server_of(host).to_owned(),
        }
    }
}

/// The topic of one service or cluster, `node@backend`.
fn topic_of(name: &str) -> String {
    format!("{BINARY}.{name}")
}

/// The server of that topic: what stands before the back end.
fn server_of(name: &str) -> &str {
    name.split_once('@').map_or(name, |(node, _)| node)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> BusPlan {
        BusPlan {
            transport: Transport::Local,
            directory: "/x".into(),
            exchange: "openstack".into(),
            response_timeout: Duration::from_secs(60),
            hosts: Hosts::default(),
        }
    }

    /// `spec/rpc.md` §1, the table of servers, and §2.
    #[test]
    fn a_back_end_has_the_queues_of_the_original() {
        let host = ServiceHost::from_parts("H", None, "B");
        let cluster = ClusterName::from_option("C", "B");
        let targets = plan().targets(&host, cluster.as_ref()).unwrap();
        let queues: Vec<_> =
            targets.iter().map(|one| (one.topic().to_owned(), one.server_queue())).collect();
        let expected = [
            ("cinder-volume", "cinder-volume.H@B"),
            ("cinder-volume.H@B", "cinder-volume.H@B.H"),
            ("cinder-volume.C@B", "cinder-volume.C@B.C"),
        ];
        assert_eq!(queues, expected.map(|(topic, queue)| (topic.to_owned(), queue.to_owned())));
        let route = plan().to("H@B").route().unwrap();
        assert_eq!(route, ("openstack".to_owned(), "cinder-volume.H@B.H".to_owned()));
        assert_eq!(plan().targets(&host, None).unwrap().len(), 2);
    }

    #[test]
    fn a_name_that_no_broker_takes_is_refused() {
        let host = ServiceHost::from_parts(&"h".repeat(300), None, "B");
        assert!(plan().targets(&host, None).is_err());
    }
}
