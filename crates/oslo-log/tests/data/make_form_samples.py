"""Prints form_samples.jsonl: records, and what oslo.log 8.3.2 makes of them as JSON and in colour.

Run with an interpreter that has cinder 29.0.0, whose request context carries the most values. Each
line of the output has what a record carried in the names this crate uses.
"""
import io
import json
import logging
import os
import sys
import time

os.environ["TZ"] = "UTC"
time.tzset()

from oslo_config import cfg  # noqa: E402
from oslo_log import formatters, handlers, log  # noqa: E402
from cinder import context as cinder_context  # noqa: E402

CREATED, STARTED = 1763832145.185250, 1763832143.5
CONTEXTS = [
    {},
    {"user_id": "uid", "project_id": "pid", "request_id": "req-1", "global_request_id": "req-2", "is_admin": True,
     "roles": ["admin", "member"], "auth_token": "secret", "timestamp": "2026-11-25T10:00:00.000001",
     "user_name": "\u00e4", "domain_id": "did", "read_deleted": "no", "remote_address": "192.0.2.1"},
    {"request_id": "req-3", "is_admin": False, "roles": [], "timestamp": "2026-11-25T10:00:00.000001",
     "read_deleted": "yes", "resource_uuid": "res-9", "message_action": "001"},
]
MESSAGES = ["two\nlines", "quotes \" and \\ and \u20ac\U0001f600\x07"]
EXTRAS = [{}, {"zone": "z1", "count": 3, "ratio": 0.5, "done": True, "apple": "a\nb"}]


class Local(Exception):
    pass


Local.__module__ = "cinder.exception"


FAILURES = [None, ValueError("bad value"), ValueError(""), Local("two\nlines"), Local("trailing \n")]


def failure(error):
    """exc_info of an error that was really raised, and its texts in this crate's names."""
    if error is None:
        return None, "", "", ""
    try:
        exec(compile("def f(e):\n    raise e.with_traceback(None)\nf(e)\n", "x.py", "exec"), {"e": error})
    except Exception:
        kind, value, frames = sys.exc_info()
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    info = (kind, value.with_traceback(frames.tb_next), frames.tb_next)
    return info, name, str(value), formatters.logging.Formatter().formatException(info) + "\n"


def make(level, message, context, extras, error):
    info, name, text, traceback = failure(error)
    record = logging.LogRecord("cinder.x", level, "/src/cinder/x.py", 11, message, (), info, "f")
    record.created, record.msecs, record.process = CREATED, 185.0, 19228
    record.thread, record.threadName = 1, "T"
    record.relativeCreated = (CREATED - STARTED) * 1e3
    adapter = {"project": "unknown", "version": "unknown", **extras}
    record.__dict__.update(adapter)
    record.extra_keys = sorted(adapter)
    values = {}
    if context:
        record.context = cinder_context.RequestContext(overwrite=False, **context)
        values = {key: value for key, value in record.context.get_logging_values().items()
                  if value is not None and value != [] and key != "user_identity"}
        values = {key: ",".join(value) if isinstance(value, list) else value for key, value in values.items()}
    else:
        record.context = None
    return record, {"level": level, "message": message, "context": values, "has_context": bool(context),
                    "extras": extras, "error_class": name, "error": text, "traceback": traceback}


def main():
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    conf([])
    as_json = formatters.JSONFormatter(datefmt=conf.log_date_format)
    as_json.hostname = "node1"
    cases = [(level, "text", CONTEXTS[0], {}, None) for level in (5, 10, 20, 30, 40, 50)]
    cases += [(20, message, context, extras, None) for message in MESSAGES for context in CONTEXTS for extras in EXTRAS]
    cases += [(level, "text", CONTEXTS[0], {}, error) for level in (20, 30, 40) for error in FAILURES]
    for case in cases:
        record, sample = make(*case)
        print(json.dumps({"form": "json", **sample, "expected": as_json.format(record)}))

    for formats in ({}, {"logging_default_format_string": "%(color)s%(levelname)s%(message)s <%(color)s>"}):
        conf.clear_override("logging_default_format_string")
        for name, value in formats.items():
            conf.set_override(name, value)
        handler = handlers.ColorHandler(io.StringIO())
        handler.setFormatter(formatters.ContextFormatter(
            datefmt=conf.log_date_format, project="cinder", version="29.0.0", config=conf))
        for level in (5, 10, 20, 30, 40, 50):
            for error in (None, FAILURES[1]):
                record, sample = make(level, "text", CONTEXTS[0], {}, error)
                print(json.dumps({"form": "color", "options": formats, **sample, "expected": handler.format(record)}))
    # The summary of the text form, for errors of all shapes.
    formatter = formatters.ContextFormatter(
        datefmt=conf.log_date_format, project="cinder", version="29.0.0", config=conf)
    for explicit in ("%(message)s", "%(message)s [%(error_summary)s]"):
        conf.set_override("logging_default_format_string", explicit)
        for level in (20, 30, 40):
            for error in FAILURES:
                record, sample = make(level, "text", CONTEXTS[0], {}, error)
                print(json.dumps({"form": "text", "options": {"logging_default_format_string": explicit}, **sample,
                                  "expected": formatter.format(record)}))


main()
