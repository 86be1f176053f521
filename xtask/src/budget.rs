//! What the parts of a CI run took, against what each may take.
//!
//! A part over its budget does not fail the run, as machines differ; it is printed, for people who
//! then move what is long to `cargo xtask scheduled`.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;

/// A part of CI that has a budget of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The start-up path: checks, builds, tests of all crates, scenarios.
    Base,
    /// The tests of messages, those over a broker among them.
    Messaging,
    /// The tests of objects, drivers and operations.
    Operations,
}

impl Part {
    const ALL: [Self; 3] = [Self::Base, Self::Messaging, Self::Operations];

    const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Messaging => "messaging",
            Self::Operations => "operations",
        }
    }

    /// The budget on two cores.
    const fn limit(self) -> Duration {
        match self {
            Self::Base => Duration::from_secs(15 * 60),
            Self::Messaging => Duration::from_secs(6 * 60),
            Self::Operations => Duration::from_secs(12 * 60),
        }
    }
}

/// The steps of a run with their times, in order.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<(Part, &'static str, Duration)>);

impl Times {
    /// Runs a step and notes how long it took; a step that fails ends the run, and is not noted.
    ///
    /// # Errors
    ///
    /// The step's own.
    pub(crate) fn of<T>(
        &mut self,
        part: Part,
        name: &'static str,
        step: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        println!("--- {name}");
        let start = Instant::now();
        let done = step()?;
        self.0.push((part, name, start.elapsed()));
        Ok(done)
    }

    /// Counts so much of the last step to another part.
    pub(crate) fn part(&mut self, part: Part, name: &'static str, time: Duration) {
        if let Some((_, whole, _)) = self.0.last() {
            self.part_of(part, name, whole, time);
        }
    }

    /// Counts so much of the step of that name to another part.
    pub(crate) fn part_of(
        &mut self,
        part: Part,
        name: &'static str,
        whole: &'static str,
        time: Duration,
    ) {
        if let Some((_, _, whole)) = self.0.iter_mut().rev().find(|(_, step, _)| *step == whole) {
            let time = time.min(*whole);
            *whole -= time;
            self.0.push((part, name, time));
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (_, name, time) in &self.0 {
            writeln!(f, "{:>8.1} s  {name}", time.as_secs_f64())?;
        }
        for part in Part::ALL {
            let steps = self.0.iter().filter(|(of, ..)| *of == part);
            let took: Duration = steps.map(|(_, _, time)| *time).sum();
            let limit = part.limit();
            let over = if took > limit { ", which is over it" } else { "" };
            let (took, limit) = (took.as_secs_f64(), limit.as_secs());
            writeln!(f, "{took:>8.1} s  {} together, of a budget of {limit} s{over}", part.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_the_sum_of_its_steps_and_told_when_it_is_over() {
        let mut times = Times(vec![(Part::Base, "a", Duration::from_secs(400))]);
        assert!(times.to_string().contains("   400.0 s  base together, of a budget of 900 s\n"));
        times.0.push((Part::Base, "b", Duration::from_secs(501)));
        let expected = "   901.0 s  base together, of a budget of 900 s, which is over it\n";
        assert!(times.to_string().contains(expected), "{times}");
        times.part(Part::Messaging, "c", Duration::from_secs(101));
        assert!(times.to_string().contains("   800.0 s  base together"), "{times}");
        assert!(times.to_string().contains("   101.0 s  messaging together"), "{times}");
    }

    #[test]
    fn a_step_that_failed_is_not_among_the_times() {
        let mut times = Times::default();
        assert!(times.of(Part::Base, "bad", || Err::<(), _>(anyhow::anyhow!("no"))).is_err());
        assert!(times.of(Part::Base, "good", || Ok(())).is_ok());
        assert_eq!(times.0.len(), 1);
    }
}
