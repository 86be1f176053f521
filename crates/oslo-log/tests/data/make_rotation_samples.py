"""Prints rotation_samples.jsonl: when Python's handler rotates a file by time, and to what name.

The handler is the one that oslo.log 8.3.2 sets up for log_rotation_type = interval. Left out are
intervals of weeks and midnights other than 1: there it names a file for a time that it does not hold.
"""
import json
import logging.handlers
import os
import tempfile
import time

UNITS = {"Seconds": "s", "minutes": "m", "HOURS": "h", "days": "d", "Midnight": "midnight", "weekday": "w"}


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "x.log")
        for hours in (0, 9, -5):
            os.environ["TZ"] = f"XXX{-hours}"
            time.tzset()
            for start in (1795600000, 1795564800, 1795651199, 1709164800, 1709251199):
                for unit, when in UNITS.items():
                    for interval in (1, 6):
                        if interval != 1 and when in ("w", "midnight"):
                            continue
                        with open(path, "w", encoding="ascii"):
                            pass
                        os.utime(path, (start, start))
                        handler = logging.handlers.TimedRotatingFileHandler(
                            path, when + str(interval) if when == "w" else when, interval)
                        handler.close()
                        began = time.localtime(handler.rolloverAt - handler.interval)
                        print(json.dumps({
                            "type": unit, "interval": interval, "offset": hours * 3600, "start": start,
                            "due": handler.rolloverAt, "suffix": time.strftime(handler.suffix, began),
                        }))


main()
