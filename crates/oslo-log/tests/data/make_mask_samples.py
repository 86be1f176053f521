"""Prints mask_samples.jsonl: texts and what oslo.utils makes of them.

Run with an interpreter that has oslo.utils 10.2.0. Left out on purpose are the inputs for
which src/mask.rs differs: a caret or the other kind of quote in a value, and the pattern
that cuts off what follows a masked dictionary entry.
"""
import json
import random

from oslo_utils import strutils

for patterns in strutils._SANITIZE_PATTERNS_WILDCARD.values():
    patterns.clear()

KEYS = ["password", "adminPass", "auth_token", "token", "SECRET", "chapsecret", "user", "passwords", "passphrase"]
VALUES = ["abc", "a,b;c", "p@ss:w0rd", "x=y", "-", "\u00e4\u20ac", "a]b[c", ""]
SPACES = ["", " ", "  ", "\t", "\n"]


def text(rng):
    key = rng.choice(["", "my", "os-", "a.b.", "--", "--os-"]) + rng.choice(KEYS) + rng.choice(["", "", "2", "42x"])
    value, space, gap = rng.choice(VALUES), rng.choice(SPACES), rng.choice(SPACES)
    quote = rng.choice("'\"")
    return rng.choice([
        lambda: f"{key}{space}={gap}{value}",
        lambda: f"{key}{space}={gap}{quote}{value}{quote}",
        lambda: f"{key}{space}{quote}{value}{quote}",
        lambda: f"{key}{space}{value}",
        lambda: f"<{key}>{value}</{key}>",
        lambda: f"{quote}{key}{quote}{space}:{gap}{quote}{value}{quote}",
        lambda: f"{{{quote}{key}{quote}:{gap}u{quote}{value}{quote}, 'n': 1}}",
        lambda: f"('{key}', '--value',{gap}'{value}')",
        lambda: f"{key}{space}--value{gap}{value}",
        lambda: f"{key}{space}-v{gap}{value}",
        lambda: f"{key}{gap}{value}{space}{key}",
    ])()


def main():
    rng = random.Random(20290000)
    seen = set()
    while len(seen) < 600:
        sample = rng.choice(["", "run ", "x; "]) + " ".join(text(rng) for _ in range(rng.randint(1, 2)))
        if "'" in sample and '"' in sample:
            continue
        seen.add(sample)
    for sample in sorted(seen):
        print(json.dumps([sample, strutils.mask_password(sample)]))


main()
