//! Names of exchanges and queues: who listens where, and where a message has to go.
//!
//! Pure. Must not: know what a service calls its topics, or declare anything. The names are the
//! original's (`spec/rpc.md` §1, §2): a topic is served by a queue that all its servers share, a
//! queue per server, and a queue per server and life for what goes to everybody.

use std::fmt;

use crate::error::NameError;

/// Bytes that a name may have on the wire: AMQP 0-9-1 §4.2.5.3, short strings.
pub const LONGEST_NAME: usize = 255;

/// Where an RPC server listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    exchange: String,
    topic: String,
    server: String,
}

impl Target {
    /// A server of this name for a topic, on a control exchange.
    ///
    /// # Errors
    ///
    /// [`NameError`] if one of the names that follow from it is empty or too long.
    pub fn new(exchange: &str, topic: &str, server: &str) -> Result<Self, NameError> {
        let target = Self { exchange: exchange.into(), topic: topic.into(), server: server.into() };
        for name in [exchange, topic, server] {
            checked(name)?;
        }
        checked(&target.server_queue())?;
        checked(&target.fanout_queue(&"0".repeat(32)))?;
        Ok(target)
    }

    /// The control exchange, of type `topic`.
    #[must_use]
    pub fn exchange(&self) -> &str {
        &self.exchange
    }

    /// The topic, which is also the queue that all its servers share.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The server's name.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The server's own queue, whose binding key is its name.
    #[must_use]
    pub fn server_queue(&self) -> String {
        format!("{}.{}", self.topic, self.server)
    }

    /// The exchange of type `fanout` for what goes to every server of the topic.
    #[must_use]
    pub fn fanout_exchange(&self) -> String {
        fanout_exchange(&self.topic)
    }

    /// The queue of one life of the server on that exchange; `id` makes it unique.
    #[must_use]
    pub fn fanout_queue(&self, id: &str) -> String {
        format!("{}_{id}", self.fanout_exchange())
    }
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// To any one server of a topic.
    Topic {
        /// The control exchange.
        exchange: String,
        /// The topic.
        topic: String,
    },
    /// To one server of a topic.
    Server {
        /// The control exchange.
        exchange: String,
        /// The topic.
        topic: String,
        /// The server.
        server: String,
    },
    /// To every server of a topic.
    Fanout {
        /// The topic.
        topic: String,
    },
}

impl Destination {
    /// Exchange and routing key of a message that goes there.
    ///
    /// # Errors
    ///
    /// [`NameError`] if one of them is empty or too long.
    pub fn route(&self) -> Result<(String, String), NameError> {
        let (exchange, key) = match self {
            Self::Topic { exchange, topic } => (exchange.clone(), topic.clone()),
            Self::Server { exchange, topic, server } => {
                (exchange.clone(), format!("{}.{}", checked(topic)?, checked(server)?))
            }
            // An exchange of this type looks at no routing key; the original sends an empty one.
            Self::Fanout { topic } => {
                let exchange = fanout_exchange(checked(topic)?);
                return Ok((checked(&exchange)?.to_owned(), String::new()));
            }
        };
        Ok((checked(&exchange)?.to_owned(), checked(&key)?.to_owned()))
    }
}

/// For a person.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic { topic, .. } => write!(f, "topic {topic}"),
            Self::Server { topic, server, .. } => write!(f, "topic {topic}, server {server}"),
            Self::Fanout { topic } => write!(f, "all servers of topic {topic}"),
        }
    }
}

fn fanout_exchange(topic: &str) -> String {
    format!("{topic}_fanout")
}

/// A name that can stand in an AMQP frame.
///
/// # Errors
///
/// [`NameError`].
pub fn checked(name: &str) -> Result<&str, NameError> {
    match name.len() {
        0 => Err(NameError::Empty),
        1..=LONGEST_NAME => Ok(name),
        length => Err(NameError::TooLong { start: name.chars().take(40).collect(), length }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `spec/rpc.md` §1, the table of one back end.
    #[test]
    fn a_server_listens_on_the_originals_queues() {
        for (topic, server, queue, exchange) in [
            ("cinder-volume", "H@B", "cinder-volume.H@B", "cinder-volume_fanout"),
            ("cinder-volume.H@B", "H", "cinder-volume.H@B.H", "cinder-volume.H@B_fanout"),
            ("cinder-volume.C@B", "C", "cinder-volume.C@B.C", "cinder-volume.C@B_fanout"),
        ] {
            let target = Target::new("openstack", topic, server).expect("good names");
            assert_eq!(target.topic(), topic);
            assert_eq!(target.server_queue(), queue);
            assert_eq!(target.fanout_exchange(), exchange);
            assert_eq!(target.fanout_queue("0f"), format!("{exchange}_0f"));
        }
    }

    #[test]
    fn a_message_goes_where_the_server_listens() {
        let exchange = || "openstack".to_owned();
        let topic = || "cinder-volume.H@B".to_owned();
        let server =
            Destination::Server { exchange: exchange(), topic: topic(), server: "H".into() };
        assert_eq!(server.route(), Ok((exchange(), "cinder-volume.H@B.H".to_owned())));
        let any = Destination::Topic { exchange: exchange(), topic: topic() };
        assert_eq!(any.route(), Ok((exchange(), topic())));
        let all = Destination::Fanout { topic: "cinder-scheduler".into() };
        assert_eq!(all.route(), Ok(("cinder-scheduler_fanout".to_owned(), String::new())));
    }

    #[test]
    fn a_name_that_no_frame_can_hold_is_refused() {
        let long = "x".repeat(LONGEST_NAME);
        assert_eq!(checked(""), Err(NameError::Empty));
        assert_eq!(checked(&long), Ok(long.as_str()));
        assert!(matches!(
            checked(&format!("{long}x")),
            Err(NameError::TooLong { length: 256, .. })
        ));
        // The topic fits, the names that follow from it do not.
        assert!(Target::new("openstack", &long, "H").is_err());
        assert!(Target::new("openstack", &"x".repeat(230), "H").is_err());
        assert!(Target::new("openstack", "t", "").is_err());
        assert!(Destination::Fanout { topic: long }.route().is_err());
    }
}
