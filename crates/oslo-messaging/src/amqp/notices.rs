//! The way of notifications to the broker: as letters, each with the queue that keeps it.
//!
//! A queue that is deleted while nobody looks is declared again, as the broker says that it could not keep the
//! message. Must not: wait longer than it is told.

use std::io;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::commands::Command;
use super::outbox::{Item, Way};
use super::thread::Rabbit;
use super::topology::Topology;
use crate::client::Offer;
use crate::error::CallError;
use crate::outlet::{NotSent, Outlet};
use crate::target::checked;

/// How often whoever waits looks whether that is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// See the module's head.
pub(crate) struct Notices(pub(crate) Arc<Rabbit>);

impl Outlet for Notices {
    fn offer(
        &self,
        exchange: &str,
        queue: &str,
        body: &[u8],
        deadline: Instant,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<(), NotSent> {
        let never = |error: &dyn std::fmt::Display| NotSent::Never(error.to_string());
        checked(exchange).and_then(|_| checked(queue)).map_err(|error| never(&error))?;
        let commands = self.0.commands().map_err(|error| never(&error))?;
        let topology = Topology::new(&self.0.broker.options);
        let (number, (to, from)) = (self.0.number(), mpsc::channel());
        commands.post(Command::Await { letter: number, call: None, to });
        let (exchange, queue) = topology.notices(exchange, queue);
        let road = Way::Letter {
            exchange,
            key: queue.name.clone(),
            keeper: Some(queue),
            mandatory: true,
            until: deadline,
            is_call: false,
        };
        commands.post(Command::Publish(Item { number, body: body.into(), road }));
        let answer = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match from.recv_timeout(left.min(LOOK)) {
                Ok(heard) => break heard.map(drop),
                Err(mpsc::RecvTimeoutError::Timeout) if left.is_zero() || !is_wanted() => {
                    break Err(Offer::Late);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    break Err(Offer::Lost(io::Error::other("the messaging thread has ended")));
                }
            }
        };
        commands.post(Command::Forget { letter: number, call: None });
        answer.map_err(|offer| match offer {
            Offer::Late => NotSent::Yet(self.0.why_late()),
            Offer::GivenBack => NotSent::Yet("the broker does not take it".to_owned()),
            Offer::Lost(error) if error.kind() == io::ErrorKind::NotFound => {
                NotSent::Yet("its queue has just been deleted".to_owned())
            }
            Offer::Lost(error) => NotSent::Yet(error.to_string()),
            // For operators the cause says it all.
            Offer::Final(CallError::Bus { source }) => never(&source),
            Offer::Final(error) => never(&error),
        })
    }
}
