"""Prints log_samples.jsonl: records, formatting options, and the lines oslo.log prints.

Run with an interpreter that has oslo.log 8.3.2. Each line of the output has what a record
carried in the names this crate uses, so that its test can build the same record.
"""
import json
import logging
import os
import sys
import time

os.environ["TZ"] = "UTC"
time.tzset()

from oslo_config import cfg  # noqa: E402
from oslo_context import context as oslo_context  # noqa: E402
from oslo_log import formatters, log  # noqa: E402

CONTEXTS = {
    "none": None,
    "empty": {"request_id": "req-ffe1"},
    "full": {
        "request_id": "req-1111", "global_request_id": "req-2222", "user_id": "uid", "project_id": "pid",
        "domain_id": "did", "user_domain_id": "ud", "project_domain_id": "pd", "system_scope": "all",
    },
    "resource": {"request_id": "req-3", "user_id": "uid", "resource_uuid": "res-9"},
    "anonymous": {"request_id": "", "user_id": "uid"},
}
# Names of the context values that this crate takes as span fields.
FIELDS = [
    "request_id", "global_request_id", "user", "project", "domain", "system_scope", "user_domain",
    "project_domain", "user_id", "project_id", "resource_uuid", "read_only", "is_admin",
]
FAILING = compile("def f():\n    1 / 0\nf()\n", "x.py", "exec")
CUSTOM = [
    {"logging_default_format_string": "%(levelname)-8s|%(name).6s|%(msecs)d|%(lineno)04d|%(message)s"},
    {"logging_default_format_string": "%(isotime)s %(project)s %(version)s %(filename)s %(module)s %(levelno)d %(message)s"},
    {"logging_default_format_string": "%(created)f %(created)s %(msecs)s %(message)s 100%%"},
    {"logging_default_format_string": "%(message)s <%(error_summary)s>"},
    {"logging_default_format_string": "<%(user_identity)s%(resource)s%(color)s%(user_name)s> %(message)s"},
    {"logging_context_format_string": "%(request_id)s %(user)s %(project)s %(read_only)s %(resource_uuid)s %(message)s"},
    {"logging_user_identity_format": "%(user)s/%(project)s/%(user_domain)s"},
    {"logging_debug_format_suffix": ""},
    {"logging_exception_prefix": "%(levelname)s! "},
    {"instance_format": "<%(uuid)s>", "instance_uuid_format": "<%(uuid)s>"},
    {"log_date_format": "%d/%b/%y %H.%M"},
]


def sample(options, level, message, context, instance, failing):
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    conf([])
    for name, value in options.items():
        conf.set_override(name, value)
    formatter = formatters.ContextFormatter(
        datefmt=conf.log_date_format, project="cinder", version="29.0.0", config=conf)
    exc_info = traceback = None
    if failing:
        try:
            exec(FAILING, {})
        except ZeroDivisionError:
            exc_info = sys.exc_info()
            # The frame of this script is not part of the sample.
            exc_info = (*exc_info[:2], exc_info[2].tb_next)
            traceback = formatters.ContextFormatter(config=conf).formatException(exc_info) + "\n"
    record = logging.LogRecord("cinder.x", level, "/src/cinder/x.py", 11, message, None, exc_info, "f")
    record.created, record.msecs, record.process = 1763832145.185250, 185.0, 19228
    if instance:
        record.instance = {"uuid": instance}
    context_values = {}
    record.context = oslo_context.RequestContext(overwrite=False, **context) if context else None
    if context:
        values = record.context.get_logging_values()
        context_values = {name: str(values[name]) for name in FIELDS if values.get(name) is not None}
    return {
        "options": options, "level": level, "message": message, "context": context_values,
        "has_context": context is not None, "instance": instance or "",
        "error_class": "ZeroDivisionError" if failing else "", "error": "division by zero" if failing else "",
        "traceback": traceback or "", "expected": formatter.format(record),
    }


def main():
    for level in (5, 10, 20, 30, 40, 50):
        for context in CONTEXTS.values():
            for instance in (None, "uuid-1"):
                for failing in (False, True):
                    print(json.dumps(sample({}, level, "some text", context, instance, failing)))
    for options in CUSTOM:
        for level in (10, 20, 40):
            for context in (CONTEXTS["none"], CONTEXTS["full"], CONTEXTS["resource"]):
                for failing in (False, True):
                    print(json.dumps(sample(options, level, "text", context, None, failing)))
    for message in ("two\nlines", "ends with newline\n", "", "100%", "\u00e4 \u20ac"):
        for failing in (False, True):
            print(json.dumps(sample({}, 40, message, None, None, failing)))


main()
