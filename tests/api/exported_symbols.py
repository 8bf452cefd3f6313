#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Only what the public headers promise is exported by the shared library.

A symbol is promised when it belongs to a class or is a function of namespace muster whose name stands in a public header, or
when it is the type information of such a class. Weak copies of templates and inline functions of the standard library and of
Abseil, which every program that uses them has, promise nothing and are let pass."""
import pathlib
import re
import subprocess
import sys


def exported(library):
    out = subprocess.run(['nm', '-DC', '--defined-only', library], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        _, kind, name = line.split(' ', 2)
        yield kind, name


def promised_names(headers):
    text = ''.join(re.sub(r'//.*', '', h.read_text()) for h in sorted(headers.glob('*.h')))
    classes = set(re.findall(r'(?:class|struct)\s+MUSTER_EXPORT\s+(\w+)', text))
    members = set(re.findall(r'MUSTER_EXPORT[^;{}]*?(\w+)\s*\(', text))
    return classes, members


def is_promised(name, classes, members):
    name = re.sub(r'^(vtable|typeinfo|typeinfo name|VTT|guard variable|non-virtual thunk|virtual thunk)( for| to) ', '', name)
    found = re.search(r'(?:^|\s|<|\*|&)muster::(\w+)', name)
    if not found:
        return False
    first = found[1]
    if first in classes or first in members:
        return True
    nested = re.search(r'muster::(\w+)::(~?\w+)', name)
    return nested is not None and nested[2] in members


def main():
    library, headers = sys.argv[1], pathlib.Path(sys.argv[2])
    classes, members = promised_names(headers)
    assert 'Tracker' in classes and 'Refuse' in members, 'the headers are not understood'
    bad, good = [], 0
    for kind, name in exported(library):
        if is_promised(name, classes, members):
            good += 1
        elif kind in 'WVuw' and re.search(r'\b(std|absl|__gnu_cxx)::', name) and 'muster::' not in name.split('(')[0]:
            continue
        else:
            bad.append(f'{kind} {name}')
    for line in bad:
        print('not promised:', line)
    print(f'{good} promised symbols, {len(bad)} others')
    return 1 if bad or not good else 0


if __name__ == '__main__':
    sys.exit(main())
