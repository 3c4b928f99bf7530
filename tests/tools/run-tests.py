#!/usr/bin/env python3
"""usage: tests/tools/run-tests.py BUILD [argument of meson test]...

Runs the tests of the build directory BUILD on a display, a session bus and user folders of their
own, and ends with the line "N passed, N failed" (", N skipped" when there are any). What is counted
are test cases: the cases of a program that reports them, else the program. The exit code is 0 only
when something passed and nothing failed."""

import json
import os
import re
import subprocess
import sys
import tempfile


def count(entry):
    """(passed, failed, skipped) of one line of meson's testlog.json"""
    passed = failed = skipped = 0
    cases = re.findall(r'^(not )?ok\b[^#\n]*(# *skip)?', entry.get('stdout', ''), re.M | re.I)
    for not_ok, skip in cases:
        failed += bool(not_ok)
        skipped += bool(skip and not not_ok)
        passed += not (not_ok or skip)
    if entry['result'] == 'SKIP':
        return 0, 0, max(1, skipped)
    if entry['result'] != 'OK':
        return passed, max(1, failed), skipped
    return passed or (not cases), failed, skipped


def run(build, arguments):
    log = os.path.join(build, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.remove(log)
    with tempfile.TemporaryDirectory(prefix='limen-test-') as home:
        env = dict(os.environ)
        for name in ('CONFIG_HOME', 'DATA_HOME', 'CACHE_HOME', 'STATE_HOME', 'RUNTIME_DIR'):
            env['XDG_' + name] = os.path.join(home, name.lower())
            os.mkdir(env['XDG_' + name], 0o700)
        env.pop('WAYLAND_DISPLAY', None)
        # A language in which 0.5 is written 0,5, for the tests that ask for it.
        env['LOCPATH'] = os.path.join(home, 'locale')
        os.mkdir(env['LOCPATH'])
        subprocess.call(['localedef', '-i', 'de_DE', '-f', 'UTF-8',
                         os.path.join(env['LOCPATH'], 'de_DE.UTF-8')])
        # What the session bus itself has to say goes to a file.
        with open(os.path.join(build, 'meson-logs', 'bus.txt'), 'w', encoding='utf-8') as bus:
            code = subprocess.call(
                ['dbus-run-session', '--', 'sh', '-c', 'exec "$@" 2>&1', 'sh',
                 os.path.join(os.path.dirname(__file__), 'with-display.sh'), '1600x1000',
                 'meson', 'test', '-C', build, '--print-errorlogs', *arguments],
                env=env, stderr=bus)
    total = [0, 0, 0]
    if os.path.exists(log):
        with open(log, encoding='utf-8') as lines:
            for line in lines:
                total = [a + b for a, b in zip(total, count(json.loads(line)))]
    passed, failed, skipped = total
    if code and not failed:
        failed = 1
    if not sum(total):
        with open(os.path.join(build, 'meson-logs', 'bus.txt'), encoding='utf-8') as bus:
            print(bus.read(), end='')
    summary = f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else '')
    with open(os.path.join(build, 'meson-logs', 'summary.txt'), 'w', encoding='utf-8') as file:
        file.write(summary + '\n')
    print(summary)
    return 0 if passed and not failed else 1


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(run(sys.argv[1], sys.argv[2:]))
