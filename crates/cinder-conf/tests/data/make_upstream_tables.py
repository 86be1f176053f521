"""Prints what Cinder's releases had and 29.0.0 has no more: `drivers` or `options`.

    make_upstream_tables.py drivers REPOSITORIES CINDER > crates/cinder-driver/src/originals.txt
    make_upstream_tables.py options REPOSITORIES CINDER OPTIONS > crates/cinder-conf/src/options/former.txt

REPOSITORIES is a directory with clones, with tags, of openstack/cinder and of the libraries in LIBRARIES below; CINDER
is the package of an installed 29.0.0 (.../site-packages/cinder); OPTIONS is options.json of the specification. Only
names are taken out, from syntax trees; nothing is run.
"""
import ast
import json
import pathlib
import re
import subprocess
import sys

LAST = "29.0.0"
RELEASES = ["8.0.0", "9.0.0"] + [f"{n}.0.0" for n in range(10, 29)]
# Before there were such numbers.
OLDER = ["havana-eol", "icehouse-eol", "juno-eol", "kilo-eol", "liberty-eol"]
# Files of libraries with options that Cinder loads, and the group of those that name none.
LIBRARIES = {
    "oslo.messaging": [
        ("oslo_messaging/_drivers/impl_rabbit.py", "oslo_messaging_rabbit"),
        ("oslo_messaging/_drivers/amqp.py", "oslo_messaging_rabbit"),
        ("oslo_messaging/notify/notifier.py", "oslo_messaging_notifications"),
        ("oslo_messaging/transport.py", "DEFAULT"),
        ("oslo_messaging/rpc/client.py", "DEFAULT"),
        ("oslo_messaging/server.py", "DEFAULT"),
        ("oslo_messaging/_executors/impl_pooledexecutor.py", "DEFAULT"),
    ],
    "keystonemiddleware": [
        ("keystonemiddleware/auth_token/_opts.py", "keystone_authtoken"),
        ("keystonemiddleware/auth_token/__init__.py", "keystone_authtoken"),
        ("keystonemiddleware/auth_token/_auth.py", "keystone_authtoken"),
    ],
    "oslo.log": [("oslo_log/_options.py", "DEFAULT")],
    "oslo.db": [("oslo_db/options.py", "database")],
    "oslo.concurrency": [("oslo_concurrency/lockutils.py", "oslo_concurrency")],
}
# Successors that no declaration tells, only the documents.
SUCCESSORS = dict.fromkeys(
    ["rabbit_host", "rabbit_hosts", "rabbit_port", "rabbit_userid", "rabbit_password", "rabbit_virtual_host", "rpc_backend"],
    ("DEFAULT", "transport_url"),
)
SUCCESSORS["os_region_name"] = ("nova", "region_name")
PARSED = {}


def git(repository, *words):
    command = ["git", "-C", str(repository), *words]
    return subprocess.run(command, capture_output=True, check=True).stdout


def files(repository, tag, below):
    """Path and blob of each Python file."""
    for line in git(repository, "ls-tree", "-r", tag, "--", *below).decode().splitlines():
        head, path = line.split("\t")
        if path.endswith(".py"):
            yield path, head.split()[2]


def text_of(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def alias(call):
    """Group and name of a cfg.DeprecatedOpt."""
    name = text_of(call.args[0]) if call.args else None
    group = None
    for word in call.keywords:
        if word.arg == "group":
            group = text_of(word.value)
        if word.arg == "name":
            name = text_of(word.value)
    return group, name


def look(source):
    """Classes with their bases and whether they are marked as drivers; options with former names; renamings."""
    classes, options, moved = [], [], {}
    try:
        tree = ast.parse(source)
    except SyntaxError:
        # Python 2 of the oldest releases: classes and names by their lines.
        for found in re.finditer(r"^class (\w+)\(([\w., \n]*)\):", source, re.M):
            bases = [base.strip().split(".")[-1] for base in found[2].split(",")]
            classes.append((found[1], bases, False))
        for found in re.finditer(r"Opt\(\s*['\"]([\w-]+)['\"]", source):
            options.append((None, found[1], []))
        return classes, options, moved
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = [b.attr if isinstance(b, ast.Attribute) else getattr(b, "id", "") for b in node.bases]
            marked = any("volumedriver" in ast.dump(mark) for mark in node.decorator_list)
            classes.append((node.name, bases, marked))
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "MAPPING":
            if isinstance(node.value, ast.Dict):
                pairs = zip(map(text_of, node.value.keys), map(text_of, node.value.values))
                moved.update((old, new) for old, new in pairs if old and new)
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            name = text_of(node.args[0]) if node.args else None
            if not (called.endswith("Opt") and called != "DeprecatedOpt" and name):
                continue
            former, old_name, old_group = [], None, None
            for word in node.keywords:
                if word.arg == "deprecated_name":
                    old_name = text_of(word.value)
                elif word.arg == "deprecated_group":
                    old_group = text_of(word.value)
                elif word.arg == "deprecated_opts" and isinstance(word.value, (ast.List, ast.Tuple)):
                    former += [alias(one) for one in word.value.elts if isinstance(one, ast.Call)]
            if old_name or old_group:
                former.append((old_group, old_name))
            options.append((None, name, former))
    return classes, options, moved


def looked(repository, wanted):
    """As look(), for (path, blob) pairs; each blob once."""
    new = sorted({blob for _, blob in wanted if blob not in PARSED})
    if new:
        command = ["git", "-C", str(repository), "cat-file", "--batch"]
        out = subprocess.run(command, input="\n".join(new).encode(), capture_output=True, check=True).stdout
        at = 0
        for blob in new:
            end = out.index(b"\n", at)
            size = int(out[at:end].split()[2])
            PARSED[blob] = look(out[end + 1:end + 1 + size].decode(errors="replace"))
            at = end + 2 + size
    return [(path, PARSED[blob]) for path, blob in wanted]


def drivers_of(modules):
    """Class paths of drivers, and those of them that are marked as such."""
    base = {"VolumeDriver", "BaseVD", "ISCSIDriver", "FibreChannelDriver", "ISERDriver", "ProxyVD"}
    known, grown = set(base), True
    while grown:
        grown = False
        for _, (classes, _, _) in modules:
            for name, bases, _ in classes:
                if name not in known and known.intersection(bases):
                    known.add(name)
                    grown = True
    found, marked_ones = set(), set()
    for path, (classes, _, _) in modules:
        module = path[:-3].replace("/", ".").removesuffix(".__init__")
        for name, bases, marked in classes:
            if marked or known.intersection(bases):
                found.add(f"{module}.{name}")
                if marked:
                    marked_ones.add(f"{module}.{name}")
    return found, marked_ones


def installed(package, below):
    for path in sorted((package / below).rglob("*.py")):
        yield "cinder/" + str(path.relative_to(package)), look(path.read_text())


def drivers(repositories, package):
    cinder = repositories / "cinder"
    seen, moved = {}, {}
    for tag in OLDER + RELEASES:
        wanted = list(files(cinder, tag, ["cinder/volume/drivers", "cinder/volume/manager.py"]))
        modules = looked(cinder, wanted)
        for name in drivers_of(modules)[0]:
            seen[name] = tag
        for _, (_, _, mapping) in modules:
            moved.update(mapping)
    now, marked = drivers_of(list(installed(package, "volume/drivers")))
    for _, (_, _, mapping) in installed(package, "volume"):
        moved.update(mapping)
    order = OLDER + RELEASES + [LAST]
    for name in sorted(now | set(seen) | set(moved)):
        if name in now:
            print(name, "driver" if name in marked else "base")
            continue
        new = moved.get(name)
        while new in moved:
            new = moved[new]
        if new is None:
            same = [one for one in now if one.rsplit(".", 1)[1] == name.rsplit(".", 1)[1]]
            new = same[0] if len(same) == 1 else None
        # The first release without it; of the oldest, the first that has a number.
        gone = order[order.index(seen[name]) + 1] if name in seen else "-"
        gone = "7.0.0" if gone == "liberty-eol" else gone.replace("icehouse-eol", "2014.1").replace("juno-eol", "2014.2").replace("kilo-eol", "2015.1")
        print(name, gone, new if new in now else "-")


def options(repositories, package, specification):
    known = json.loads(specification.read_text())
    current = {}
    every = known["registered"] + known["listed_not_registered"]
    for option in every:
        current.setdefault(option["dest"], set()).add(option["group"])
    rows = {}
    # Former names that 29.0.0 still takes.
    for option in every:
        group = "backend_defaults" if option["group"] == "<backend>" else option["group"]
        for one in option["deprecated"]:
            old = (one["group"] or group, (one["name"] or option["dest"]).replace("-", "_"))
            rows[old] = ("-", group, option["dest"])

    def add(group, tag, options, gone):
        for _, name, former in options:
            name = name.replace("-", "_")
            gone.setdefault((group, name), [None, None])[0] = tag
            for old_group, old_name in former:
                old = (old_group or group, (old_name or name).replace("-", "_"))
                if old != (group, name):
                    entry = gone.setdefault(old, [None, None])
                    entry[0] = tag
                    entry[1] = (group, name)

    taken = {name for _, name in rows}
    cinder = repositories / "cinder"
    gone = {}
    tags = RELEASES
    for tag in tags:
        for path, (_, found, _) in looked(cinder, [
            (path, blob) for path, blob in files(cinder, tag, ["cinder"]) if "/tests/" not in path
        ]):
            add("*", tag, found, gone)
    for (group, name), (tag, new) in sorted(gone.items(), key=lambda one: one[1][1] is None):
        # A former name counts as one of Cinder's own, whatever the group.
        if group not in ("*", "DEFAULT") or name in current or tag is None or name in taken:
            continue
        release = (tags + [LAST])[tags.index(tag) + 1]
        target = new
        while target and target[1] not in current and gone.get(("*", target[1]), [None, None])[1]:
            target = gone[("*", target[1])][1]
        if target and target[1] in current:
            homes = current[target[1]]
            home = "*" if homes & {"<backend>", "backend_defaults"} else sorted(homes)[0] if len(homes) == 1 else "DEFAULT" if "DEFAULT" in homes else sorted(homes)[0]
            rows.setdefault(("*", name), (release, home, target[1]))
        else:
            rows.setdefault(("*", name), (release, "-", "-"))
    # The libraries have numbers of their own, which say nothing about Cinder's.
    for library, wanted in LIBRARIES.items():
        repository = repositories / library
        tags = [t for t in git(repository, "tag").decode().split() if re.fullmatch(r"\d+\.\d+\.\d+", t)]
        tags.sort(key=lambda tag: [int(part) for part in tag.split(".")])
        gone = {}
        for tag in tags:
            groups = dict(wanted)
            for path, (_, found, _) in looked(repository, list(files(repository, tag, list(groups)))):
                add(groups[path], tag, found, gone)
        for (group, name), (tag, new) in gone.items():
            if group in current.get(name, set()) or (group, name) in rows:
                continue
            target = new
            while target and target[0] not in current.get(target[1], set()) and gone.get(target, [None, None])[1]:
                target = gone[target][1]
            found = target and target[0] in current.get(target[1], set())
            following = tags[tags.index(tag) + 1] if tag != tags[-1] else None
            if following is None and not found:
                continue
            label = f"{library}-{following}" if following else "-"
            rows[(group, name)] = (label, *target) if found else (label, "-", "-")
    # Groups are the same whatever their case; a later line would win over an earlier one.
    for (group, name) in [key for key in rows if key[0] not in ("DEFAULT", key[0].lower())]:
        rows.setdefault((group.lower(), name), rows[group, name])
        del rows[group, name]
    for (group, name), (release, home, new) in sorted(rows.items()):
        home, new = SUCCESSORS.get(name, (home, new))
        print(group, name, release, home, new)


if __name__ == "__main__":
    what, repositories, package, *rest = sys.argv[1:]
    repositories, package = pathlib.Path(repositories), pathlib.Path(package)
    if what == "drivers":
        drivers(repositories, package)
    else:
        options(repositories, package, pathlib.Path(rest[0]))
