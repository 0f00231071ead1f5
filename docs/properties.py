#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes docs/properties.md from the elements themselves: docs/properties.py > docs/properties.md (needs python3-gst-1.0)."""
import sys

import gi

gi.require_version('Gst', '1.0')
from gi.repository import GObject, Gst  # noqa: E402

HEAD = '''# Properties

Written by `docs/properties.py` from the elements; `gst-inspect-1.0 ELEMENT` says the same. A property that is changeable "in
READY" is set before the pipeline plays; one changeable "always" also while it plays.
'''
MUTABLE_PLAYING = 1 << (GObject.PARAM_USER_SHIFT + 4)  # GST_PARAM_MUTABLE_PLAYING
NO_LIMIT = {'guint64': 2**64 - 1, 'guint': 2**32 - 1, 'gint': 2**31 - 1}
NAMES = {'GstFraction': 'fraction', 'gboolean': 'true or false', 'gchararray': 'text', 'GstStructure': 'structure'}


def number(value):
    return f'{value:g}' if isinstance(value, float) else str(value)


def values(element, pspec):
    # What a property's class calls its values differs between versions of PyGObject; the class of a value is the same in all.
    if pspec.value_type.is_a(GObject.TYPE_ENUM):
        return ', '.join(f'`{value.value_nick}`' for value in type(element.get_property(pspec.name)).__enum_values__.values())
    if pspec.value_type.is_a(GObject.TYPE_FLAGS):
        flags = type(element.get_property(pspec.name)).__flags_values__
        return 'joined by `+`: ' + ', '.join(f'`{value.first_value_nick}`' for value in flags.values())
    name = pspec.value_type.name
    if name in NAMES:
        return NAMES[name]
    if pspec.name.endswith('-color'):
        return 'colour'
    if pspec.maximum == NO_LIMIT.get(name):
        return f'from {number(pspec.minimum)}'
    return f'{number(pspec.minimum)} to {number(pspec.maximum)}'


def default(element, pspec):
    """What a new element has."""
    if not pspec.flags & GObject.ParamFlags.WRITABLE:
        return ''
    value = element.get_property(pspec.name)
    if value is None:
        return ''
    if isinstance(value, bool):
        return str(value).lower()
    if pspec.name.endswith('-color'):
        return f'`0x{value:08x}`'
    if isinstance(value, GObject.GFlags):
        return ' + '.join(f'`{nick}`' for nick in value.value_nicks)
    if isinstance(value, GObject.GEnum):
        return f'`{value.value_nick}`'
    if isinstance(value, Gst.Fraction):
        return f'{int(value.num)}/{int(value.denom)}'
    return number(value)


def changeable(pspec):
    if not pspec.flags & GObject.ParamFlags.WRITABLE:
        return 'read only'
    return 'always' if int(pspec.flags) & MUTABLE_PLAYING else 'in READY'


def main():
    Gst.init(None)
    print(HEAD, end='')
    for name in 'sthclassify', 'sthoverlay', 'sthexport':
        element = Gst.ElementFactory.make(name, None)
        if element is None:
            sys.exit(f"GStreamer does not find '{name}': run it with meson devenv -C build")
        print(f'\n## {name}\n\n{element.get_factory().get_metadata("description")}.\n')
        print('| property | meaning | values | default | changeable |\n|---|---|---|---|---|')
        own = [p for p in element.list_properties() if p.owner_type == element.__gtype__]
        for p in sorted(own, key=lambda p: p.name):
            print(f'| `{p.name}` | {p.blurb} | {values(element, p)} | {default(element, p)} | {changeable(p)} |')


main()
