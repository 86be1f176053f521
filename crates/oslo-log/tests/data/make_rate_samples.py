"""Prints rate_samples.jsonl: which records pass oslo.log 8.3.2's rate limit.

A record is its time in milliseconds and its level. Times are the clock's that the filter reads, so
nothing waits. A record that is dropped and tells it has the sentence in the place of "drop".
"""
import json
import logging
import random

from oslo_log import rate_limit

NOW = 0
TOLD = []


class Ear(logging.Handler):
    def emit(self, record):
        TOLD.append((record.name, record.levelname, record.getMessage()))


def sample(burst, interval, level, records):
    global NOW
    NOW = 0
    rate_limit.uninstall_filter()
    rate_limit.install_filter(burst, interval, level)
    expected = []
    for millis, number in records:
        NOW = millis / 1000
        TOLD.clear()
        record = logging.LogRecord("x", number, "x.py", 1, "text", None, None)
        passed = rate_limit._log_filter.filter(record)
        told = [text for name, kind, text in TOLD if (name, kind) == ("root", "ERROR")]
        expected.append("pass" if passed else told[0] if told else "drop")
    print(json.dumps({"burst": burst, "interval": interval, "except": level, "records": records,
                      "expected": expected}))


def main():
    rate_limit.monotonic_clock = lambda: NOW
    logging.getLogger().addHandler(Ear())
    dice = random.Random(1)
    for burst, interval in ((1, 1), (3, 1), (2, 2), (5, 3)):
        for level in ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"):
            millis, records = 0, []
            for _ in range(20):
                millis += dice.choice((0, 10, 100, 250, 1000))
                records.append((millis, dice.choice((5, 10, 20, 20, 20, 30, 40, 50))))
            sample(burst, interval, level, records)


main()
