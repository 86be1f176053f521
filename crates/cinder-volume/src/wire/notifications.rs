//! `[oslo_messaging_notifications]` and `publish_errors` as a worker wants them.
//!
//! What the original accepts is accepted: a driver that it does not know is left out with a WARNING, as it does it. Must
//! not: open anything.

use cinder_conf::cinder::Conf;
use cinder_conf::options::messaging::Notifications;
use cinder_conf::{Level, Problem, Scope};
use oslo_messaging::{Broker, Format, LONGEST_NAME, NotifyOptions, Transport};

use super::messaging::transport_of;
use crate::bus::BusPlan;
use crate::notifications::NotificationsPlan;

const GROUP: &str = "oslo_messaging_notifications";
const NOBODY: &str = "nobody can get notifications over a bus without a broker, so none are sent; set \
    transport_url in this section, or driver = log";
const NOWHERE: &str = "nothing is published, as no driver in [oslo_messaging_notifications] sends it \
    anywhere";
const ITSELF: &str = "nothing is published while log is a driver of notifications: each would be an \
    ERROR line again";
/// The longest ending that a topic gets.
const LONGEST_ENDING: usize = ".error".len();

/// The notifications of this configuration, if any go anywhere, and what is set in vain.
///
/// # Errors
///
/// What is wrong with their URL or topics and where; never with a password.
pub(crate) fn notifications(
    conf: &Conf,
    bus: &BusPlan,
) -> Result<(Option<NotificationsPlan>, Vec<Problem>), Box<Problem>> {
    let warning = |group, option, text: &str| problem(conf, Level::Warning, (group, option), text);
    let error = |option, text: &str| Box::new(problem(conf, Level::Error, (GROUP, option), text));
    let section = conf.section::<Notifications>();
    let section = section.map_err(|problems| error("driver", &problems.to_string()))?;
    if let Some(topic) =
        section.topics.iter().find(|topic| topic.len() + LONGEST_ENDING > LONGEST_NAME)
    {
        let text = format!("{topic:.40}… is too long for the name of a queue");
        return Err(error("topics", &text));
    }
    let (mut options, unknown) = options(&section, bus);
    let mut said: Vec<_> =
        unknown.iter().map(|text| warning(GROUP, "driver", text.as_str())).collect();
    let broker = match options.formats.is_empty() {
        true => None,
        false => own_broker(conf, &section, bus).map_err(|text| error("transport_url", &text))?,
    };
    let carries = broker.is_some() || matches!(bus.transport, Transport::Rabbit(_));
    if !carries && !options.formats.is_empty() {
        options.formats.clear();
        said.push(warning(GROUP, "driver", NOBODY));
    }
    let goes_somewhere = options.log || !options.formats.is_empty();
    // With a file of handlers the original does not look at this option.
    let is_wanted = conf.logging.publish_errors && conf.logging.log_config_append.is_none();
    let in_vain = match (goes_somewhere, options.log) {
        (false, _) => Some(NOWHERE),
        (true, true) => Some(ITSELF),
        (true, false) => None,
    };
    let in_vain = in_vain.filter(|_| is_wanted);
    said.extend(in_vain.map(|text| warning("DEFAULT", "publish_errors", text)));
    let errors = is_wanted && in_vain.is_none();
    let is_alone = matches!(bus.transport, Transport::Local);
    let plan = NotificationsPlan { options, broker, errors, is_alone };
    Ok((goes_somewhere.then_some(plan), said))
}

/// What the section says, and what is wrong with its drivers.
fn options(section: &Notifications, bus: &BusPlan) -> (NotifyOptions, Vec<String>) {
    let mut options = NotifyOptions {
        exchange: bus.exchange.clone(),
        topics: section.topics.iter().filter(|topic| !topic.is_empty()).cloned().collect(),
        // A negative number is for ever.
        retry: u32::try_from(section.retry).ok(),
        ..NotifyOptions::default()
    };
    let mut unknown = Vec::new();
    for driver in &section.driver {
        match driver.as_str() {
            "messaging" => options.formats.push(Format::Bare),
            "messagingv2" => options.formats.push(Format::Enveloped),
            "log" => options.log = true,
            "noop" | "test" | "" => {}
            "routing" => unknown
                .push("routing is not supported by this program; nothing is sent by it".to_owned()),
            other => unknown.push(format!("there is no driver {other:.40}; nothing is sent by it")),
        }
    }
    // Each once, whatever the number of times that it is named.
    let all = std::mem::take(&mut options.formats);
    for format in all {
        if !options.formats.contains(&format) {
            options.formats.push(format);
        }
    }
    if options.topics.is_empty() {
        options.formats.clear();
    }
    (options, unknown)
}

fn problem(conf: &Conf, level: Level, (group, option): (&str, &str), text: &str) -> Problem {
    Problem {
        level,
        scope: Scope::Program,
        origin: conf.oslo().read(group, option).ok().map(|one| one.origin),
        group: Some(group.to_owned()),
        option: Some(option.to_owned()),
        text: text.to_owned(),
        hint: None,
    }
}

/// The broker of notifications, if it is not the service's.
fn own_broker(
    conf: &Conf,
    section: &Notifications,
    bus: &BusPlan,
) -> Result<Option<Broker>, String> {
    let Some(url) =
        section.transport_url.as_ref().map(|url| url.reveal()).filter(|url| !url.is_empty())
    else {
        return Ok(None);
    };
    match transport_of(conf, url)? {
        same if same == bus.transport => Ok(None),
        Transport::Rabbit(broker) => Ok(Some(*broker)),
        Transport::Local | Transport::Fake => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Option<NotificationsPlan>, Vec<Problem>), Box<Problem>> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("c.conf"), text).unwrap();
        let mut request = cinder_conf::Request::new("cinder", "cinder-volume", directory.path());
        request.search_defaults = false;
        request.host_name = "node1".to_owned();
        request.items = vec![cinder_conf::Item::File("c.conf".to_owned())];
        let conf = cinder_conf::cinder::load(request).unwrap();
        let bus = super::super::bus(&conf).expect("a bus");
        notifications(&conf, &bus)
    }

    const RABBIT: &str = "[DEFAULT]\ntransport_url = rabbit://u:p@h/v\n";

    #[test]
    fn nothing_is_planned_where_nothing_would_be_told() {
        for drivers in ["", "driver = noop\n", "driver = test\n", "driver = noop\ndriver = test\n"]
        {
            let (plan, said) =
                read(&format!("{RABBIT}[oslo_messaging_notifications]\n{drivers}")).unwrap();
            assert!(plan.is_none() && said.is_empty(), "{drivers}: {plan:?} {said:?}");
        }
    }

    #[test]
    fn several_drivers_and_topics_are_taken_together() {
        let text = "[oslo_messaging_notifications]\ndriver = messagingv2\ndriver = log\n\
                    driver = messaging\ndriver = messagingv2\ntopics = a,b\nretry = 3\n";
        let (plan, said) = read(&format!("{RABBIT}{text}")).unwrap();
        let options = plan.expect("a plan").options;
        assert_eq!(options.formats, [Format::Enveloped, Format::Bare]);
        assert_eq!(
            (options.topics, options.retry),
            (vec!["a".to_owned(), "b".to_owned()], Some(3))
        );
        assert!(options.log && said.is_empty(), "{said:?}");
    }

    #[test]
    fn what_is_set_in_vain_is_said_with_its_place() {
        let section = "[oslo_messaging_notifications]\n";
        let local = "[DEFAULT]\ntransport_url = local:\n";
        for (text, option, words) in [
            (format!("{RABBIT}{section}driver = routing\n"), "driver", "routing is not supported"),
            (format!("{RABBIT}{section}driver = mesaging\n"), "driver", "no driver mesaging"),
            (format!("{local}{section}driver = messagingv2\n"), "driver", "without a broker"),
            (format!("{RABBIT}publish_errors = true\n"), "publish_errors", "nothing is published"),
            (
                format!("{RABBIT}publish_errors = true\n{section}driver = log\n"),
                "publish_errors",
                "while log is a driver",
            ),
        ] {
            let (_, said) = read(&text).unwrap();
            let [one] = &said[..] else { panic!("{text}: {said:?}") };
            let statement = one.statement();
            assert!(one.level == Level::Warning && one.option.as_deref() == Some(option));
            assert!(statement.contains(words), "{statement}");
        }
    }

    #[test]
    fn a_broker_of_their_own_is_another_one_only_if_it_is() {
        let text = |url: &str| {
            format!(
                "{RABBIT}[oslo_messaging_notifications]\ndriver = messagingv2\ntransport_url = {url}\n"
            )
        };
        let (plan, _) = read(&text("rabbit://u:p@h/v")).unwrap();
        assert!(plan.expect("a plan").broker.is_none());
        let (plan, _) = read(&text("rabbit://u:p@other/v")).unwrap();
        let broker = plan.expect("a plan").broker.expect("another one");
        assert_eq!(broker.addresses(), "other:5672");
        let problem = read(&text("amqp://u:hunter2@h/")).expect_err("no such scheme");
        assert!(!problem.statement().contains("hunter2"), "{}", problem.statement());
    }

    #[test]
    fn one_machine_tells_over_a_broker_if_it_is_told_of_one() {
        let text = "[DEFAULT]\ntransport_url = local:\npublish_errors = true\n\
                    [oslo_messaging_notifications]\ndriver = messagingv2\ntransport_url = rabbit://h/\n";
        let (plan, said) = read(text).unwrap();
        let plan = plan.expect("a plan");
        assert!(plan.broker.is_some() && plan.errors && plan.is_alone && said.is_empty());
    }
}
