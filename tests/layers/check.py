#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the drawing of the floors (floors.txt) against the real #includes, and itself against includes it must refuse."""
import pathlib
import re
import sys
import tempfile

# What public headers may have, so everybody may.
EVERYBODY = ('absl/status/', 'absl/functional/', 'absl/types/span.h', 'muster/')
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
# Headers of C++, C and POSIX have no folder, or one of these.
SYSTEM_FOLDERS = ('sys/', 'arpa/', 'netinet/', 'net/if', 'linux/', 'sanitizer/')


def read_floors(path):
    floors = {}
    for line in path.read_text().splitlines():
        line = line.split('#')[0].strip()
        if not line:
            continue
        folder, rest = line.split(':', 1)
        folders, _, foreign = rest.partition('|')
        floors[folder.strip()] = (folders.split(), foreign.split())
    return floors


def folder_of(source, floors):
    """The name in floors.txt of the folder that `source` (relative to the root) lives in, or None."""
    parts = source.parts
    if parts[0] == 'lib':
        return parts[1] if parts[1] in floors else None
    for depth in range(len(parts) - 1, 0, -1):
        name = '/'.join(parts[:depth])
        if name in floors:
            return name
    return None


def is_system(header):
    return ('/' not in header and (not header.endswith('.h') or header not in ('uv.h', 'http_parser.h'))) or \
        header.startswith(SYSTEM_FOLDERS)


def allowed(folder, quoted, header, floors):
    folders, foreign = floors[folder]
    own = folder if folder.startswith('tools/') else None
    if quoted and own and header.startswith(own.removeprefix('tools/') + '/'):
        return True
    if quoted and folder in floors and header.startswith(folder + '/') and '/' not in folder:
        return True
    if quoted and any(header.startswith(f + '/') for f in folders):
        return True
    if header.startswith(EVERYBODY) or header.startswith(tuple(foreign)):
        return True
    return not quoted and is_system(header)


def violations(root, floors):
    found, seen = [], 0
    for top in ('lib', 'include', 'tools', 'examples', 'bindings'):
        for source in sorted((root / top).rglob('*')):
            if source.suffix not in ('.h', '.cc', '.cpp', '.c'):
                continue
            seen += 1
            relative = source.relative_to(root)
            folder = folder_of(relative, floors)
            if folder is None:
                found.append(f'{relative}: its folder is not in floors.txt')
                continue
            for number, line in enumerate(source.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                if match and not allowed(folder, match[1] == '"', match[2], floors):
                    found.append(f'{relative}:{number}: {folder} may not include {match[2]}')
    return found, seen


def self_test(floors):
    """Each of these must be found, or the check could not fail."""
    forbidden = {
        'lib/model/a.cc': '#include "swarm/shard.h"',
        'lib/swarm/a.cc': '#include <uv.h>',
        'lib/tracker/a.cc': '#include "net/socket.h"',
        'lib/net/a.cc': '#include "service/udp_service.h"',
        'lib/http/a.cc': '#include <openssl/evp.h>',
        'lib/nowhere/a.cc': '#include <vector>',
        'include/muster/a.h': '#include "absl/container/flat_hash_map.h"',
        'include/muster/b.h': '#include "base/hex.h"',
        'tools/musterd/a.cc': '#include "server/server_impl.h"',
        'examples/a/main.cc': '#include "tracker/rules.h"',
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in forbidden.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text + '\n')
        found, seen = violations(root, floors)
    assert seen == len(forbidden), seen
    missed = [name for name in forbidden if not any(v.startswith(name) for v in found)]
    assert not missed, f'not found: {missed}'


def main():
    root = pathlib.Path(sys.argv[1])
    floors = read_floors(pathlib.Path(__file__).parent / 'floors.txt')
    self_test(floors)
    found, seen = violations(root, floors)
    for violation in found:
        print(violation)
    print(f'{seen} files, {len(found)} violations')
    return 1 if found or seen == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
