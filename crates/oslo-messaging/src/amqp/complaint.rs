//! Why a broker refuses a declaration, in words that an operator can act on.
//!
//! Pure. The broker says it in one sentence of at most 255 bytes, which may be cut off in the middle
//! of a name. Must not: fail at a sentence that it does not know; that is shown as it is.

use std::fmt;

/// What is declared in another way than the broker has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// `exchange` or `queue`.
    pub(crate) what: Thing,
    pub(crate) name: String,
    pub(crate) argument: String,
    pub(crate) wanted: String,
    pub(crate) found: String,
    pub(crate) virtual_host: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    Exchange,
    Queue,
}

impl Complaint {
    /// Reads `inequivalent arg 'A' for queue 'Q' in vhost 'V': received … but current is …`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let rest = text.split_once("inequivalent arg '")?.1;
        let (argument, rest) = rest.split_once("' for ")?;
        let (what, rest) = rest.split_once(" '")?;
        let what = match what {
            "exchange" => Thing::Exchange,
            "queue" => Thing::Queue,
            _ => return None,
        };
        let (name, rest) = rest.split_once("' in vhost '").unwrap_or((rest, ""));
        let (virtual_host, rest) = rest.split_once("': received ").unwrap_or((rest, ""));
        let (wanted, found) = rest.split_once(" but current is ").unwrap_or((rest, "unknown"));
        Some(Self {
            what,
            name: name.to_owned(),
            argument: argument.to_owned(),
            wanted: value(wanted),
            found: value(found),
            virtual_host: virtual_host.to_owned(),
        })
    }

    /// Whether it is about surviving a restart of the broker, which can be done without.
    pub(crate) fn is_about_durable(&self) -> bool {
        self.argument == "durable"
    }
}

/// `'true'`, `the value '5' of type 'long'`, `none`.
fn value(text: &str) -> String {
    let quoted = text.split('\'').nth(1);
    quoted.unwrap_or(text).chars().take(100).collect()
}

/// For an operator, with the command that repairs it. It deletes, so it is his to say.
impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, argument, wanted, found, virtual_host, .. } = self;
        let what = match self.what {
            Thing::Exchange => "exchange",
            Thing::Queue => "queue",
        };
        write!(f, "{what} {name} has {argument} = {found}, wanted is {wanted}; ")?;
        write!(f, "set the options as the other services have them, or: ")?;
        match self.what {
            Thing::Queue => write!(f, "rabbitmqctl -p {virtual_host} delete_queue '{name}'"),
            Thing::Exchange => write!(
                f,
                "rabbitmqctl eval 'rabbit_exchange:delete(rabbit_misc:r(<<\"{virtual_host}\">>, \
                 exchange, <<\"{name}\">>), false, <<\"operator\">>).'"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brokers_sentence_becomes_one_with_a_remedy() {
        let queue = "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'a.b@c' in vhost \
                     '/': received the value '1800000' of type 'signedint' but current is none";
        let complaint = Complaint::read(queue).expect("known");
        assert!(!complaint.is_about_durable());
        assert_eq!(
            complaint.to_string(),
            "queue a.b@c has x-expires = none, wanted is 1800000; set the options as the other \
             services have them, or: rabbitmqctl -p / delete_queue 'a.b@c'"
        );
        let exchange = "PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'openstack' \
                        in vhost 'v': received 'true' but current is 'false'";
        let complaint = Complaint::read(exchange).expect("known");
        assert!(complaint.is_about_durable());
        assert!(complaint.to_string().contains("has durable = false, wanted is true"));
        assert!(complaint.to_string().contains("rabbit_exchange:delete"));
    }

    #[test]
    fn a_sentence_that_is_cut_off_or_unknown_does_no_harm() {
        let whole = "inequivalent arg 'durable' for queue 'abc' in vhost '/': received 'true' but \
                     current is 'false'";
        for end in 0..whole.len() {
            let _ = Complaint::read(&whole[..end]).map(|complaint| complaint.to_string());
        }
        let cut = Complaint::read("inequivalent arg 'durable' for queue 'abcdef").expect("known");
        assert_eq!((cut.name.as_str(), cut.is_about_durable()), ("abcdef", true));
        assert_eq!(Complaint::read("ACCESS_REFUSED - no"), None);
    }
}
