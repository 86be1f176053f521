"""Declares with the original's library what its cinder-volume declares: original_topology.py NAME URL FILE...

Once for each file, in a process of its own, since the library reads options of one global object only. Each opens the
servers that the original's service opens for back end e2e@a, says something to schedulers as that does, and then
opens them once more at the URL with the name of the file in place of NAME. Says a line `ready` when all of that is
there, and serves until its input ends.
"""

import os
import signal
import sys

# Names of processes are made of it, when the library is loaded.
sys.argv[0] = "cinder-volume"

import oslo_messaging as messaging  # noqa: E402
from cinder import context, objects, rpc  # noqa: E402
from oslo_config import cfg  # noqa: E402

objects.register_all()


class Endpoint:
    target = messaging.Target(version="3.20")


def serve():
    servers = []
    for topic, name in (("cinder-volume", "e2e@a"), ("cinder-volume.e2e@a", "e2e")):
        target = messaging.Target(topic=topic, server=name)
        server = rpc.get_server(target, [Endpoint()])
        server.start()
        servers.append(server)
    client = rpc.get_client(messaging.Target(topic="cinder-scheduler", version="3.0"))
    client.prepare(fanout=True).cast(context.get_admin_context(), "nothing")
    return servers


def one(name, url, path):
    cfg.CONF(["--config-file", path], project="cinder")
    rpc.init(cfg.CONF)
    servers = serve()
    host = os.path.basename(path).removesuffix(".conf")
    cfg.CONF.set_override("transport_url", url.replace(name, host))
    rpc.TRANSPORT = rpc.NOTIFIER = None
    rpc.init(cfg.CONF)
    servers += serve()
    os.write(1, b"ready %s\n" % host.encode())
    signal.pause()


children = []
for path in sys.argv[3:]:
    child = os.fork()
    if child == 0:
        try:
            one(sys.argv[1], sys.argv[2], path)
        finally:
            import traceback

            traceback.print_exc()
            os._exit(1)
    children.append(child)
sys.stdin.read()
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
