"""Asks over a broker with the original's own clients: ask.py FILE.

Each line of the input is a JSON list of a question and its arguments. Its answer is a line with the
number of the question.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import kombu
from cinder import context, objects, rpc
from cinder.scheduler import rpcapi as scheduler
from cinder.volume import rpcapi as volume
from oslo_config import cfg

# Clients read options of this object only.
objects.register_all()
cfg.CONF(["--config-file", sys.argv[1]], project="cinder")
rpc.init(cfg.CONF)
admin = context.get_admin_context()


def pools():
    return scheduler.SchedulerAPI().get_pools(admin, None)


def calls(host, count):
    """All at once, so that they wait side by side; what each came to."""
    client = volume.VolumeAPI()

    def one(_):
        try:
            return client.get_capabilities(admin, host, False)["vendor_name"]
        except Exception as failure:
            return type(failure).__name__

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def queue(name):
    """How many messages wait in it, and how many consumers it has; nothing if it is not there."""
    with kombu.Connection(cfg.CONF.transport_url.replace("rabbit:", "amqp:")) as connection:
        try:
            return connection.default_channel.queue_declare(name, passive=True)[1:]
        except kombu.exceptions.ChannelError:
            return None


def reply(number, question, *arguments):
    answer = {"pools": pools, "calls": calls, "queue": queue}[question](*arguments)
    print(json.dumps([number, answer], default=str), flush=True)


with ThreadPoolExecutor(8) as threads:
    for number, line in enumerate(sys.stdin):
        threads.submit(reply, number, *json.loads(line))
