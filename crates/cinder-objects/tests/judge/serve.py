"""Does to each line of its input what the original does to a message, and tells what came out.

A line is a list: what to do, the version to write objects in, and a value.
"""
import json
import sys
import warnings

warnings.simplefilter('ignore')

from cinder import context, objects  # noqa: E402
from cinder.objects import base  # noqa: E402
from oslo_versionedobjects import fields  # noqa: E402

objects.register_all()
CONTEXT = context.get_admin_context()


def again(pin, value):
    """Reads all objects in a value, and writes them."""
    read = base.CinderObjectSerializer().deserialize_entity(CONTEXT, value)
    return base.CinderObjectSerializer(pin).serialize_entity(CONTEXT, read)


def some(kind, depth):
    """A value that a field of this kind can have."""
    if isinstance(kind, fields.Enum):
        return list(kind.valid_values)[-1]
    if isinstance(kind, fields.UUID):
        return 'f0a1c0de-0000-4000-8000-00000000000a'
    if isinstance(kind, fields.String):
        return 'a text \u00fc'
    if isinstance(kind, fields.Integer):
        return 41
    if isinstance(kind, fields.Boolean):
        return True
    if isinstance(kind, fields.DateTime):
        return '2026-02-03T04:05:06.789Z'
    if isinstance(kind, fields.List):
        return [one for one in [some(kind._element_type._type, depth)] if one is not None]
    if isinstance(kind, fields.Dict):
        return {'key': some(kind._element_type._type, depth)}
    if isinstance(kind, fields.Object):
        return full(kind._obj_name, depth + 1) if depth < 2 else None
    return 'free'


def full(name, depth=0):
    """An object with all its fields."""
    one = base.CinderObjectRegistry.obj_classes()[name][0]()
    for field, kind in one.fields.items():
        value = some(kind._type, depth)
        if value is not None:
            setattr(one, field, value)
    return one


def made(pin, name):
    return base.CinderObjectSerializer(pin).serialize_entity(CONTEXT, full(name))


for line in sys.stdin:
    what, pin, value = json.loads(line)
    try:
        answer = {'again': again, 'made': made}[what](pin, value)
    except RecursionError:
        answer = {'module': 'builtins', 'class': 'RecursionError', 'text': ''}
    except Exception as error:
        kind = type(error)
        answer = {'module': kind.__module__, 'class': kind.__name__, 'text': str(error)}
    print(json.dumps(answer), flush=True)
