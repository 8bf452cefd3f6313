#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs the build into an empty folder and uses the copy as a stranger would: headers, both libraries, pkg-config; each
example, and the one of the README, is compiled against it, dynamically and statically, and run."""
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

SECONDS = 20


def run(*command, **kwargs):
    done = subprocess.run(command, capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, f'{command}:\n{done.stdout}{done.stderr}'
    return done.stdout


def wait_for_line(process, wanted):
    deadline, seen = time.monotonic() + SECONDS, b''
    while wanted not in seen:
        ready, _, _ = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))
        assert ready, f'no {wanted!r} within {SECONDS} s: {seen!r}'
        got = os.read(process.stdout.fileno(), 4096)
        assert got, f'ended without {wanted!r}: {seen!r}'
        seen += got


def run_example(name, program, environment):
    if name == 'logic_only':
        out = run(program, env=environment, timeout=SECONDS)
        assert out.strip(), 'logic_only says nothing'
        return
    if name == 'make_torrent':
        with tempfile.TemporaryDirectory() as folder:
            content = pathlib.Path(folder) / 'album'
            (content / 'sub').mkdir(parents=True)
            (content / 'a.flac').write_bytes(os.urandom(100_000))
            (content / 'sub/b.txt').write_text('b')
            (content / 'c.part').write_text('left out')
            out = run(program, content, folder + '/t', env=environment, timeout=SECONDS)
            assert re.search(r' 100000  a.flac\n +1  sub/b.txt\nmagnet:\?xt=urn:btih:', out), out
            assert out.endswith('pieces are good\n'), out
            # A program that fails says why.
            failed = subprocess.run([program, folder + '/none', folder + '/t'], capture_output=True, text=True,
                                    env=environment, timeout=SECONDS)
            assert failed.returncode == 1 and '/none' in failed.stderr, failed
        return
    if name == 'saved_state':
        with tempfile.TemporaryDirectory() as folder:
            for torrents in (0, 1):  # its second life has what its first one left
                out = run(program, folder + '/state', env=environment, timeout=SECONDS)
                assert out.startswith(f'{torrents} torrents from ') and 'hold 1 torrents with 1 peers' in out, out
        return
    process = subprocess.Popen(['stdbuf', '-oL', program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env=environment)
    try:
        wait_for_line(process, b'listening on ')
        if name == 'readme':
            process.stdin.close()  # it waits for a key
        else:
            process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0, f'{name} ended with {process.returncode}'
    finally:
        process.kill()
        process.wait()


def main():
    source, build = map(pathlib.Path, sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        stage = pathlib.Path(folder) / 'stage'
        run('meson', 'install', '-C', str(build), '--no-rebuild', '--destdir', str(stage))
        prefix = next(stage.rglob('include/muster')).parent.parent
        pc = next(prefix.rglob('muster.pc'))
        libdir = pc.parent.parent
        for wanted in ('libmuster.so', 'libmuster.a'):
            assert (libdir / wanted).exists(), f'{wanted} is not installed'
        assert (prefix / 'bin/musterd').exists(), 'musterd is not installed'
        assert (prefix / 'share/man/man8/musterd.8').exists(), 'the manual of musterd is not installed'
        assert (prefix / 'bin/muster-torrent').exists(), 'muster-torrent is not installed'
        assert (prefix / 'bin/muster-torrentd').exists(), 'muster-torrentd is not installed'
        installed = {p.name for p in (prefix / 'include/muster').iterdir()}
        assert installed == {p.name for p in (source / 'include/muster').glob('*.h')}, f'headers: {installed}'

        # Moved from where it was configured to be, as packagers do.
        pc.write_text(re.sub(r'(?m)^prefix=.*', f'prefix={prefix}', pc.read_text()))
        environment = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent), LD_LIBRARY_PATH=str(libdir))
        examples = sorted(p.parent for p in (source / 'examples').glob('*/main.cc'))
        assert {'logic_only', 'make_torrent', 'own_loop', 'own_thread', 'saved_state'} <= {e.name for e in examples}, examples
        programs = {example.name: (example / 'main.cc').read_text() for example in examples}
        programs['readme'] = re.search(r'```cpp\n(.*?)```', (source / 'README.md').read_text(), re.S)[1]
        for name, text in programs.items():
            # Outside of the source tree, so that no header is found by accident.
            code = pathlib.Path(folder) / name / 'main.cc'
            code.parent.mkdir()
            code.write_text(text)
            packages = ['muster'] + (['libuv'] if 'uv.h' in code.read_text() else [])
            for static in (False, True):
                flags = run('pkg-config', '--cflags', *packages, env=environment).split()
                libs = run('pkg-config', '--libs', *(['--static'] if static else []), *packages, env=environment).split()
                if static:  # this library alone; the system's are dynamic on every distribution
                    libs = [str(libdir / 'libmuster.a') if lib == '-lmuster' else lib for lib in libs]
                program = code.parent / ('static' if static else 'dynamic')
                run('c++', '-O1', '-Wall', '-Wextra', '-Werror', str(code), '-o', str(program), *flags, *libs)
                own = dict(environment)
                if static:
                    own.pop('LD_LIBRARY_PATH')
                run_example(name, str(program), own)
                print(f'{name}: {"static" if static else "dynamic"} ok')
    return 0


if __name__ == '__main__':
    sys.exit(main())
